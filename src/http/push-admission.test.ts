import assert from "node:assert/strict";
import { test } from "node:test";
import { MiB, RequestError } from "#base";
import { createMetrics } from "#telemetry";
import { ManualClock, systemClock } from "#world";
import { PushAdmission, pushBytesMax, pushesMax } from "./push-admission.ts";

const full = (error: unknown): boolean =>
  error instanceof RequestError && error.status === 503 && error.retryAfterSeconds === 1;

test("a tenant gets half of the places, its neighbour the rest; what ends makes room", () => {
  const admission = new PushAdmission(
    createMetrics({ process: false }),
    new ManualClock({ nowNs: 0n }),
  );
  const leave = Array.from({ length: pushesMax / 2 }, () => admission.enter("a", 10));
  assert.throws(() => admission.enter("a", 10), full);
  for (let i = 0; i < pushesMax / 2; i++) admission.enter("b", 10);
  assert.throws(() => admission.enter("c", 10), full);
  leave[0]!();
  admission.enter("c", 10);
});

test("so it is with bytes, but alone even the largest push has room", async () => {
  const metrics = createMetrics({ process: false });
  const admission = new PushAdmission(metrics, new ManualClock({ nowNs: 0n }));
  const leave = admission.enter("a", pushBytesMax);
  assert.throws(() => admission.enter("a", 1), full);
  leave();
  for (let bytes = 0; bytes < pushBytesMax / 2; bytes += MiB) admission.enter("a", undefined);
  assert.throws(() => admission.enter("a", undefined), full);
  admission.enter("b", MiB);
  assert.match(await metrics.text(), /skald_pushes_refused_total 2/);
});

test("a turn of the event loop that lasts takes no more than it began with", async () => {
  let nowMs = 0;
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const admission = new PushAdmission(createMetrics({ process: false }), clock);
  for (let i = 0; i < 32; i++) admission.enter("a", 10);
  admission.enter("a", 10);
  nowMs = 1001;
  assert.throws(() => admission.enter("a", 10), full);
  // Whoever holds next to nothing is not why it lasts.
  admission.enter("quiet", 10);
  await new Promise((done) => setTimeout(done, 120));
  admission.enter("a", 10);
  admission.close();
});
