import assert from "node:assert/strict";
import { test } from "node:test";
import { KiB, MiB, RequestError } from "#base";
import { createMetrics } from "#telemetry";
import { PushTurns } from "./push-turns.ts";

interface Workshop {
  readonly turns: PushTurns;
  readonly done: (number | string)[];
  readonly clock: { nowMs: number };
  /** Work that takes 3 ms of the thread. */
  readonly work: (id: number | string) => () => Promise<number | string>;
}

/** A clock that moves by what work costs. */
function workshop(workMs = 3): Workshop {
  const clock = { nowMs: 0 };
  const done: (number | string)[] = [];
  return {
    turns: new PushTurns({
      clock: { monotonicMs: () => clock.nowMs },
      newcomers: { letIn: immediate },
      metrics: createMetrics({ process: false }),
    }),
    done,
    clock,
    work: (id) => async () => {
      clock.nowMs += workMs;
      done.push(id);
      return id;
    },
  };
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const from = (tenant: string, bytes: number = 200 * KiB): { tenant: string; bytes: number } => ({
  tenant,
  bytes,
});
const isBusy = (error: unknown): boolean =>
  error instanceof RequestError && error.status === 503 && error.retryAfterSeconds === 1;

test("who comes alone does not wait; who comes with others waits for a turn, in order", async () => {
  const { turns, done, work } = workshop();
  const all = [0, 1, 2, 3, 4].map((id) => turns.take(from("a"), work(id)));
  assert.deepEqual(done, [0]);
  await immediate();
  await immediate();
  assert.deepEqual(done.slice(0, 3), [0, 1, 2]);
  assert.deepEqual(await Promise.all(all), [0, 1, 2, 3, 4]);
  assert.deepEqual(done, [0, 1, 2, 3, 4]);
});

test("a tenant beside a flood waits for a few pushes of it, not for all", async () => {
  const { turns, done, work } = workshop();
  const flood = Array.from({ length: 300 }, (_, id) => turns.take(from("loud"), work(id)));
  while (done.length < 50) await immediate();
  const before = done.length;
  await turns.take(from("quiet"), work("quiet"));
  assert.ok(done.indexOf("quiet") - before <= 3, `${done.indexOf("quiet") - before} came first`);
  await Promise.all(flood);
});

test("what costs much of the thread counts as much as what has many bytes", async () => {
  const { turns, done, clock } = workshop();
  const push = (tenant: string, ms: number): Promise<void> =>
    turns.take(from(tenant, KiB), async () => {
      clock.nowMs += ms;
      done.push(tenant);
    });
  const all = [push("first", 1)];
  for (let i = 0; i < 20; i++) all.push(push("bomb", 100), push("plain", 10));
  await Promise.all(all);
  const plain = done.slice(0, done.lastIndexOf("plain") + 1);
  assert.ok(plain.filter((tenant) => tenant === "bomb").length <= 4, done.join());
});

test("while others use the thread much, pushes use it as much", async () => {
  const { turns, done, work, clock } = workshop();
  const all = Array.from({ length: 40 }, (_, id) => turns.take(from("a"), work(id)));
  for (let turn = 0; turn < 6; turn++) {
    clock.nowMs += 30;
    await immediate();
  }
  assert.ok(done.length >= 30, `${done.length} pushes in six turns of 30 ms`);
  await Promise.all(all);
});

test("pushes that wait for the journal hold up the next ones before they are decoded", async () => {
  const { turns, done } = workshop();
  const stored = Promise.withResolvers<void>();
  const push = (id: number): Promise<void> =>
    turns.take(from("a", MiB), async () => {
      done.push(id);
      await stored.promise;
    });
  const all = Array.from({ length: 30 }, (_, id) => push(id));
  for (let i = 0; i < 50; i++) await immediate();
  assert.equal(done.length, 8);
  stored.resolve();
  await Promise.all(all);
  assert.equal(done.length, 30);
});

test("who has waited too long is told to come again, and its work is not begun", async () => {
  const { turns, done, work, clock } = workshop();
  const all = [0, 1, 2].map((id) => turns.take(from("a"), work(id)));
  const late = turns.take(from("b"), work("late"));
  clock.nowMs += 4_001;
  await assert.rejects(late, isBusy);
  await Promise.allSettled(all);
  assert.deepEqual(done, [0]);
});

test("the wait is foreseen from what came through before", async () => {
  const { turns, work } = workshop(10);
  const nothing = { own: 0, all: 0 };
  // 200 KiB in 10 ms: some 20 KiB a millisecond.
  await Promise.all(Array.from({ length: 200 }, (_, id) => turns.take(from("a"), work(id))));
  assert.equal(turns.isTooLong("a", nothing), false);
  assert.equal(turns.isTooLong("a", { own: 20 * MiB, all: 20 * MiB }), false);
  assert.equal(turns.isTooLong("a", { own: 60 * MiB, all: 60 * MiB }), true);
  const flood = Array.from({ length: 300 }, (_, id) => turns.take(from("a"), work(id)));
  assert.equal(turns.isTooLong("a", nothing), true);
  assert.equal(turns.isTooLong("quiet", nothing), false);
  await Promise.allSettled(flood);
});

test("work that fails fails for its own caller only", async () => {
  const { turns, work } = workshop();
  const first = turns.take(from("a"), work(0));
  const second = turns.take(from("a"), () => Promise.reject(new Error("bad")));
  const third = turns.take(from("a"), work(2));
  await assert.rejects(second, /bad/);
  assert.deepEqual(await Promise.all([first, third]), [0, 2]);
});
