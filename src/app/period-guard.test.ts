import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "#base";
import { createLogger } from "#telemetry";
import { ManualClock } from "#world";
import { PeriodGuard } from "./period-guard.ts";

interface Setting {
  readonly guard: PeriodGuard;
  readonly clock: ManualClock;
  /** Taken one by one; the last stays. */
  readonly outcomes: (() => Promise<void>)[];
}

function setUp(...outcomes: (() => Promise<void>)[]): Setting {
  const clock = new ManualClock({ nowMs: 0 });
  const check = (): Promise<void> => (outcomes.length > 1 ? outcomes.shift()! : outcomes[0]!)();
  const log = createLogger({ level: "error", format: "logfmt", write: () => undefined });
  return { guard: new PeriodGuard({ check, clock, log }), clock, outcomes };
}

const well = async (): Promise<void> => undefined;
const fails = (kind: "unavailable" | "denied") => async (): Promise<void> => {
  throw new StoreError(kind, `it is ${kind}`);
};

test("once the periods are compared, everything may be written", async () => {
  const { guard } = setUp(well);
  assert.throws(() => guard.assertOpen(), /not compared/);
  await guard.start();
  guard.assertOpen();
});

test("periods that must not be stop the start", async () => {
  const { guard } = setUp(fails("denied"));
  await assert.rejects(guard.start(), /it is denied/);
  assert.throws(() => guard.assertOpen(), /it is denied/);
});

test("a store that does not answer is asked again", async () => {
  const { guard, clock } = setUp(fails("unavailable"), fails("unavailable"), well);
  await guard.start();
  assert.throws(() => guard.assertOpen(), { kind: "unavailable" });
  const running = guard.run(new AbortController().signal);
  await clock.advanceAndSettle(5_000);
  assert.throws(() => guard.assertOpen(), /it is unavailable/);
  await clock.advanceAndSettle(5_000);
  await running;
  guard.assertOpen();
});

test("a start does not wait for ever", async () => {
  const answer = Promise.withResolvers<void>();
  const { guard, clock } = setUp(() => answer.promise);
  const starting = guard.start();
  await clock.advanceAndSettle(10_000);
  await starting;
  assert.equal(guard.isOpen, false);
  const running = guard.run(new AbortController().signal);
  answer.resolve();
  await running;
  assert.equal(guard.isOpen, true);
});

test("a conflict that is found later keeps everything in the journal", async () => {
  const { guard, clock } = setUp(fails("unavailable"), fails("denied"));
  await guard.start();
  assert.equal(guard.refusal(), undefined);
  const stop = new AbortController();
  const running = guard.run(stop.signal);
  await clock.advanceAndSettle(5_000);
  assert.equal(guard.refusal(), "it is denied");
  assert.throws(() => guard.assertOpen(), { kind: "unavailable" });
  stop.abort();
  await running.catch(() => undefined);
});
