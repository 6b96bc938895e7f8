import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "#world";
import { Pace } from "./pace.ts";

const never = new AbortController().signal;

/** How long `bytes` in pieces take at 1000 bytes per second. */
async function timeFor(bytes: number, piece: number): Promise<number> {
  const clock = new ManualClock({ nowMs: 0 });
  clock.advance(60_000);
  const pace = new Pace({ clock, bytesPerSecond: 1000 });
  const startMs = clock.monotonicMs();
  for (let done = 0; done < bytes; done += piece) {
    if (!pace.spend(piece)) continue;
    let isDone = false;
    const resting = pace.rest(never).then(() => {
      isDone = true;
    });
    while (!isDone) await clock.advanceAndSettle(1);
    await resting;
  }
  return clock.monotonicMs() - startMs;
}

for (const piece of [10, 100, 5_000]) {
  test(`20,000 bytes in pieces of ${piece} take 20 seconds, less what was saved up`, async () => {
    const took = await timeFor(20_000, piece);
    assert.ok(took >= 18_800 && took <= 20_500, `${took} ms`);
  });
}

test("who works long without resting is told to rest, debt or not", () => {
  const clock = new ManualClock({ nowMs: 0 });
  const pace = new Pace({ clock, bytesPerSecond: 1e12 });
  assert.equal(pace.spend(1), false);
  clock.advance(9);
  assert.equal(pace.spend(1), false);
  clock.advance(1);
  assert.equal(pace.spend(1), true);
});

test("an abort ends a rest", async () => {
  const clock = new ManualClock({ nowMs: 0 });
  const pace = new Pace({ clock, bytesPerSecond: 1 });
  const stop = new AbortController();
  assert.equal(pace.spend(10_000), true);
  const resting = pace.rest(stop.signal);
  stop.abort(new Error("stop"));
  await assert.rejects(resting, /stop/);
});

test("while something more urgent waits, it works a tenth of the time", async () => {
  let isPressed = true;
  let sleptMs = 0;
  const clock = new ManualClock({ nowNs: 0n });
  const pace = new Pace({
    clock: {
      nowNs: () => clock.nowNs(),
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      schedule: (delayMs, task) => clock.schedule(delayMs, task),
      sleep: async (delayMs) => {
        sleptMs += delayMs;
        clock.advance(delayMs);
      },
    },
    bytesPerSecond: 1e12,
    isPressed: () => isPressed,
  });
  const work = async (): Promise<number> => {
    sleptMs = 0;
    for (let workedMs = 0; workedMs < 100; workedMs++) {
      clock.advance(1);
      if (pace.spend(1)) await pace.rest(new AbortController().signal);
    }
    return sleptMs;
  };
  assert.equal(await work(), 1000);
  isPressed = false;
  assert.equal(await work(), 0);
});
