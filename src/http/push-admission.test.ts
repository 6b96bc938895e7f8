import assert from "node:assert/strict";
import { test } from "node:test";
import { MiB, RequestError } from "#base";
import { createMetrics } from "#telemetry";
import { ManualClock, Newcomers } from "#world";
import { PushAdmission, pushBytesMax, pushesMax } from "./push-admission.ts";

const full = (error: unknown): boolean =>
  error instanceof RequestError && error.status === 503 && error.retryAfterSeconds === 1;

function open(
  clock = new ManualClock({ nowNs: 0n }),
  metrics = createMetrics({ process: false }),
): PushAdmission {
  return new PushAdmission({ clock, metrics, newcomers: new Newcomers(clock) });
}

test("a tenant gets half of the places, its neighbour the rest; what ends makes room", () => {
  const admission = open();
  const leave = Array.from({ length: pushesMax / 2 }, () => admission.enter("a", 10));
  assert.throws(() => admission.enter("a", 10), full);
  for (let i = 0; i < pushesMax / 2; i++) admission.enter("b", 10);
  assert.throws(() => admission.enter("c", 10), full);
  leave[0]!();
  admission.enter("c", 10);
});

test("so it is with bytes, but alone even the largest push has room", async () => {
  const metrics = createMetrics({ process: false });
  const admission = open(undefined, metrics);
  const leave = admission.enter("a", pushBytesMax);
  assert.throws(() => admission.enter("a", 1), full);
  leave();
  for (let bytes = 0; bytes < pushBytesMax / 2; bytes += MiB) {
    admission.admit("a", undefined).arrived();
  }
  assert.throws(() => admission.admit("a", undefined), full);
  admission.enter("b", MiB);
  assert.match(await metrics.text(), /skald_pushes_refused_total\{reason="places"\} 2/);
});

test("bodies that are arriving count as waiting, but not those of slow lines", () => {
  const clock = new ManualClock({ nowNs: 0n });
  const admission = open(clock);
  const places = Array.from({ length: 63 }, () => admission.admit("a", MiB / 2));
  assert.throws(() => admission.admit("a", MiB / 2), full);
  // Whoever has nothing on its way is not why it lasts.
  admission.admit("quiet", MiB / 2);
  clock.advance(1_000);
  admission.admit("a", MiB / 2);
  for (const { arrived, leave } of places) {
    arrived();
    leave();
  }
});
