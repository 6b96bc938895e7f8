import assert from "node:assert/strict";
import { test } from "node:test";
import { MiB } from "#base";
import { ManualClock, type ProcessMemory } from "#world";
import { collectWhileMerging } from "./merge-memory.ts";

/** One second each. */
interface Second {
  readonly isMerging: boolean;
  readonly externalMiB: number;
  readonly rssMiB?: number;
}

async function collectionsIn(
  script: readonly Second[],
): Promise<{ collected: number[]; trimmed: number[] }> {
  const clock = new ManualClock({ nowMs: 0 });
  const seen = { collected: [] as number[], trimmed: [] as number[] };
  let at = 0;
  const unused = (): never => assert.fail("not asked for here");
  const memory: ProcessMemory = {
    rssBytes: () => (script[at]!.rssMiB ?? 300) * MiB,
    externalBytes: () => script[at]!.externalMiB * MiB,
    collectSoon: () => void seen.collected.push(at),
    trim: () => void seen.trimmed.push(at),
    cpuMs: unused,
    giveBack: unused,
  };
  const stop = new AbortController();
  const isMerging = (): boolean => script[at]!.isMerging;
  const running = collectWhileMerging({ clock, memory, isMerging }, stop.signal);
  for (; at < script.length; at++) await clock.advanceAndSettle(1_000);
  stop.abort();
  await assert.rejects(running);
  return seen;
}

const merging = (externalMiB: number, rssMiB?: number): Second => ({
  isMerging: true,
  externalMiB,
  ...(rssMiB === undefined ? {} : { rssMiB }),
});
const other = (externalMiB: number): Second => ({ isMerging: false, externalMiB });

const cases: {
  readonly title: string;
  readonly script: readonly Second[];
  readonly collected: readonly number[];
}[] = [
  { title: "never without merging", script: [other(90), other(190), other(290)], collected: [] },
  {
    title: "when merging begins and when it is over",
    script: [other(90), merging(90), merging(60), other(60), other(40)],
    collected: [1, 3],
  },
  {
    title: "for every 48 MiB more than the least since",
    script: [50, 30, 77, 78, 125, 126, 40, 87, 88].map((externalMiB) => merging(externalMiB)),
    collected: [0, 3, 5, 8],
  },
  {
    title: "not in a process below 256 MiB",
    script: [merging(40, 255), merging(200, 255), merging(201, 256)],
    collected: [2],
  },
];
for (const { title, script, collected } of cases) {
  test(`garbage is collected while segments are merged: ${title}`, async () => {
    const seen = await collectionsIn([...script, other(0)]);
    assert.deepEqual(seen.collected, collected);
    assert.deepEqual(
      seen.trimmed,
      collected.map((at) => at + 1),
      "what is free then is returned a second later",
    );
  });
}
