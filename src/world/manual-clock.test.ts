import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "./manual-clock.ts";

test("tasks run in order of their due time, each at its own time", () => {
  const clock = new ManualClock({ nowMs: 1_000 });
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name}@${clock.nowMs()}`);
  clock.schedule(30, note("late"));
  clock.schedule(10, () => {
    note("early")();
    clock.schedule(5, note("nested"));
  });
  clock.schedule(10, note("same time, later call"));
  const cancel = clock.schedule(20, note("cancelled"));
  cancel();
  clock.advance(29);
  assert.deepEqual(seen, ["early@1010", "same time, later call@1010", "nested@1015"]);
  clock.advance(1);
  assert.equal(seen.at(-1), "late@1030");
  assert.equal(clock.nowNs(), 1_030_000_000n);
  assert.equal(clock.monotonicMs(), 30);
  assert.equal(clock.pendingCount, 0);
});

test("a loop of sleeps runs through one long advance", async () => {
  const clock = new ManualClock({ nowMs: 0 });
  let rounds = 0;
  const loop = (async () => {
    while (rounds < 3) {
      await clock.sleep(100);
      rounds++;
    }
  })();
  await clock.advanceAndSettle(1_000);
  await loop;
  assert.equal(rounds, 3);
});

test("setting the wall clock does not move monotonic time", () => {
  const clock = new ManualClock({ nowMs: 5 });
  clock.setWallMs(1);
  assert.equal(clock.nowMs(), 1);
  assert.equal(clock.monotonicMs(), 0);
});
