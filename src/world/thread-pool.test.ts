import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ManualClock } from "./manual-clock.ts";
import { nextTurn } from "./next-turn.ts";
import { systemClock } from "./system-clock.ts";
import { ThreadPool } from "./thread-pool.ts";

const idleMs = 60_000;
const entry = new URL("./testdata/echo-thread.ts", import.meta.url);
const never = new AbortController().signal;

function poolOf(t: TestContext, threadsMax = 2) {
  const clock = new ManualClock({ nowMs: 0 });
  const failures: string[] = [];
  const onFailure = (error: unknown): number => failures.push(String(error));
  const pool = new ThreadPool({ entry, threadsMax, idleMs, clock, onFailure });
  t.after(() => pool.close());
  return { pool, clock, failures };
}

async function until(holds: () => boolean): Promise<void> {
  const startMs = systemClock.monotonicMs();
  while (!holds()) {
    assert.ok(systemClock.monotonicMs() - startMs < 10_000, "it takes too long");
    await nextTurn();
  }
}

test("work is done once a thread is there", async (t) => {
  const { pool, failures } = poolOf(t);
  assert.equal(await pool.run("early", [], never), undefined);
  await until(() => pool.prepare());
  const all = Array.from({ length: 20 }, (_, i) => pool.run(i, [], never));
  assert.deepEqual(
    await Promise.all(all),
    all.map((_, i) => `echo ${i}`),
  );
  assert.deepEqual(failures, []);
});

test("work that fails is undefined and reported, and the thread goes on", async (t) => {
  const { pool, failures } = poolOf(t, 1);
  await until(() => pool.prepare());
  assert.equal(await pool.run("fail", [], never), undefined);
  assert.match(failures[0]!, /asked to fail/);
  assert.equal(await pool.run("next", [], never), "echo next");
});

test("the work of a thread that dies is undefined, and another is started later", async (t) => {
  const { pool, clock, failures } = poolOf(t, 1);
  await until(() => pool.prepare());
  const [lost, queued] = ["die", "a"].map((work) => pool.run(work, [], never));
  assert.equal(await lost, undefined);
  assert.equal(await queued, undefined);
  assert.match(failures[0]!, /ended by itself/);
  assert.equal(pool.prepare(), false);
  clock.advance(10_000);
  await until(() => pool.prepare());
  assert.equal(await pool.run("b", [], never), "echo b");
});

test("work whose query ended is not waited for", async (t) => {
  const { pool } = poolOf(t, 1);
  await until(() => pool.prepare());
  const controller = new AbortController();
  const all = Array.from({ length: 5 }, (_, i) => pool.run(i, [], controller.signal));
  controller.abort();
  assert.deepEqual(await Promise.all(all), Array(5).fill(undefined));
  assert.equal(await pool.run("other", [], never), "echo other");
});

test("threads end when there is no work, and come back", async (t) => {
  const { pool, clock } = poolOf(t);
  await until(() => pool.prepare());
  clock.advance(idleMs - 1);
  assert.equal(await pool.run("a", [], never), "echo a");
  clock.advance(idleMs);
  assert.equal(await pool.run("b", [], never), undefined);
  await until(() => pool.prepare());
  assert.equal(await pool.run("c", [], never), "echo c");
});
