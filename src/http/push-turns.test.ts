import assert from "node:assert/strict";
import { test } from "node:test";
import { PushTurns } from "./push-turns.ts";

/** A clock that moves by what work costs. */
function workshop(): { turns: PushTurns; done: number[]; work: (id: number) => Promise<number> } {
  let nowMs = 0;
  const done: number[] = [];
  return {
    turns: new PushTurns({ monotonicMs: () => nowMs }),
    done,
    work: async (id) => {
      nowMs += 3;
      done.push(id);
      return id;
    },
  };
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("who comes alone does not wait; who comes with others waits for a turn, in order", async () => {
  const { turns, done, work } = workshop();
  const all = [0, 1, 2, 3, 4].map((id) => turns.take(() => work(id)));
  assert.deepEqual(done, [0]);
  await immediate();
  await immediate();
  assert.deepEqual(done.slice(0, 3), [0, 1, 2]);
  assert.deepEqual(await Promise.all(all), [0, 1, 2, 3, 4]);
  assert.deepEqual(done, [0, 1, 2, 3, 4]);
});

test("newcomers are let in first, but not forever", async () => {
  const { turns, done, work } = workshop();
  const all = [0, 1].map((id) => turns.take(() => work(id)));
  let newcomers = 0;
  while (done.length < 2 && newcomers < 1000) {
    turns.connected();
    newcomers++;
    await immediate();
  }
  assert.ok(newcomers > 10 && newcomers < 100, `${newcomers} came first`);
  await Promise.all(all);
});

test("work that fails fails for its own caller only", async () => {
  const { turns, work } = workshop();
  const first = turns.take(() => work(0));
  const second = turns.take(() => Promise.reject(new Error("bad")));
  const third = turns.take(() => work(2));
  await assert.rejects(second, /bad/);
  assert.deepEqual(await Promise.all([first, third]), [0, 2]);
});
