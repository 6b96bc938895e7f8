import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "./manual-clock.ts";
import { sleepUnlessAborted } from "./sleep-unless-aborted.ts";

test("true after the time, false after the signal, at once when it was given before", async () => {
  const clock = new ManualClock({ nowNs: 0n });
  const stop = new AbortController();
  const first = sleepUnlessAborted(clock, 10, stop.signal);
  clock.advance(10);
  assert.equal(await first, true);
  const second = sleepUnlessAborted(clock, 10, stop.signal);
  stop.abort();
  assert.equal(await second, false);
  assert.equal(await sleepUnlessAborted(clock, 10, stop.signal), false);
});

test("what else fails is told", async () => {
  const clock = new ManualClock({ nowNs: 0n });
  clock.sleep = () => Promise.reject(new Error("no timer"));
  await assert.rejects(sleepUnlessAborted(clock, 1, new AbortController().signal), /no timer/);
});
