import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "#telemetry";
import { ManualClock, seededRandom } from "#world";
import { warmUp } from "./ingest.ts";
import { warmUpQueries } from "./query-warm-up.ts";

/** Runs it beside a process that uses so much of a core in each second; undefined: it never asked. */
async function foundBeside(shares: readonly number[]): Promise<number | undefined> {
  const clock = new ManualClock({ nowMs: 1_700_000_000_000 });
  const examples = await warmUp({ clock, random: seededRandom(1) });
  let cpuMs = 0;
  const log = createLogger({ level: "error", format: "logfmt", write: () => undefined });
  const stop = new AbortController();
  const parts = { examples, clock, memory: { cpuMs: () => cpuMs }, log };
  let isOver = false;
  const warming = warmUpQueries(parts, stop.signal)
    .catch((error: unknown) => {
      assert.ok(stop.signal.aborted, String(error));
      return undefined;
    })
    .finally(() => (isOver = true));
  for (const share of shares) {
    cpuMs += share * 1_000;
    await clock.advanceAndSettle(1_000);
  }
  const isQuiet = shares.some((share) => share < 0.2);
  if (!isQuiet) stop.abort();
  while (!isOver) {
    await clock.advanceAndSettle(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return warming;
}

test("queries are asked in the first quiet second, and find what they ask for", async () => {
  const found = await foundBeside([0.9, 0.5, 0.1]);
  assert.ok(found !== undefined && found > 50, `${found} found`);
});

test("a process that is never quiet is left alone", async () => {
  assert.equal(await foundBeside([0.9, 0.9, 0.9]), undefined);
});
