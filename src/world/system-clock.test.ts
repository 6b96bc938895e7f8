import assert from "node:assert/strict";
import test from "node:test";
import { systemClock } from "./system-clock.ts";

test("nanoseconds agree with milliseconds and do not go back", () => {
  let previousNs = 0n;
  for (let i = 0; i < 10_000; i++) {
    const beforeMs = Date.now();
    const nowNs = systemClock.nowNs();
    const afterMs = Date.now();
    assert.ok(nowNs >= BigInt(beforeMs) * 1_000_000n, `${nowNs} before ${beforeMs}`);
    assert.ok(nowNs < BigInt(afterMs + 1) * 1_000_000n, `${nowNs} after ${afterMs}`);
    assert.ok(nowNs >= previousNs, `${nowNs} after ${previousNs}`);
    previousNs = nowNs;
  }
});

test("sleep resolves, and rejects with the reason of an abort", async () => {
  await systemClock.sleep(1);
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort("stop now");
  await assert.rejects(sleeping, (reason) => reason === "stop now");
  await assert.rejects(systemClock.sleep(1, controller.signal), (reason) => reason === "stop now");
});

test("a delay beyond what a Node timer takes does not fire at once", async () => {
  let hasFired = false;
  const cancel = systemClock.schedule(2 ** 31 + 5, () => {
    hasFired = true;
  });
  await systemClock.sleep(5);
  cancel();
  assert.equal(hasFired, false);
});
