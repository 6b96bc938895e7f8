import assert from "node:assert/strict";
import { test } from "node:test";
import { ThreadTurns } from "./thread-turns.ts";

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Bench {
  /** Each of so many readers takes blocks that cost `blockMs`; how many all took, by turn. */
  run(readers: number, blocks: number, blockMs: number): Promise<number[]>;
}

function bench(): Bench {
  let nowMs = 0;
  const turns = new ThreadTurns({
    clock: { monotonicMs: () => nowMs, sleep: () => immediate() },
    newcomers: { letIn: immediate },
    isPressed: () => false,
  });
  return {
    run: async (readers, blocks, blockMs) => {
      const byTurn: number[] = [0];
      let left = readers;
      const read = async (): Promise<void> => {
        const use = { usedMs: 0 };
        for (let i = 0; i < blocks; i++) {
          await turns.pass(use);
          byTurn[byTurn.length - 1]!++;
          nowMs += blockMs;
        }
        left--;
      };
      for (let i = 0; i < readers; i++) void read();
      while (left > 0) {
        await immediate();
        byTurn.push(0);
      }
      return byTurn.filter((count) => count > 0);
    },
  };
}

test("blocks of long work come one or two a turn, however many readers there are", async () => {
  const byTurn = await bench().run(8, 10, 40);
  // All of them begin before any has used the thread.
  assert.ok(Math.max(...byTurn.slice(1)) <= 2, byTurn.join());
});

test("short work goes on for eight milliseconds", async () => {
  const byTurn = await bench().run(1, 1000, 0.1);
  assert.ok(byTurn.length <= 15, `${byTurn.length} turns`);
  assert.ok(Math.max(...byTurn) <= 200, byTurn.join());
});

test("readers come in the order in which they waited", async () => {
  let nowMs = 0;
  const turns = new ThreadTurns({
    clock: { monotonicMs: () => nowMs, sleep: () => immediate() },
    newcomers: { letIn: immediate },
    isPressed: () => false,
  });
  let order = "";
  const read = async (name: string): Promise<void> => {
    const use = { usedMs: 0 };
    for (let i = 0; i < 3; i++) {
      await turns.pass(use);
      order += name;
      nowMs += 20;
    }
  };
  await Promise.all(["a", "b", "c"].map(read));
  assert.equal(order.slice(-6), "abcabc".slice(0, 6), order);
  assert.equal(turns.waitingCount, 0);
});

test("a cheap query passes those that have used much, but not for ever", async () => {
  let nowMs = 0;
  const turns = new ThreadTurns({
    clock: { monotonicMs: () => nowMs, sleep: () => immediate() },
    newcomers: { letIn: immediate },
    isPressed: () => false,
  });
  const order: string[] = [];
  const read = async (name: string, blocks: number): Promise<void> => {
    const use = { usedMs: 0 };
    for (let i = 0; i < blocks; i++) {
      await turns.pass(use);
      order.push(name);
      nowMs += 50;
    }
  };
  const expensive = ["a", "b", "c"].map((name) => read(name, 100));
  while (order.length < 100) await immediate();
  const before = order.length;
  await read("cheap", 5);
  const between = order.slice(before).filter((name) => name !== "cheap").length;
  assert.ok(between <= 10, `${between} blocks of others`);
  const flood = read("cheap", 400);
  const from = order.length;
  while (order.length < from + 200) await immediate();
  const left = order.slice(from).filter((name) => name !== "cheap").length;
  assert.ok(left >= 20, `${left} blocks of others beside a flood`);
  await Promise.all([...expensive, flood]);
});

test("while pushes wait, queries pause for three times as long as they work", async () => {
  let nowMs = 0;
  let sleptMs = 0;
  const turns = new ThreadTurns({
    clock: {
      monotonicMs: () => nowMs,
      sleep: async (delayMs) => {
        sleptMs += delayMs;
        nowMs += delayMs;
        await immediate();
      },
    },
    newcomers: { letIn: immediate },
    isPressed: () => true,
  });
  const use = { usedMs: 0 };
  for (let i = 0; i < 20; i++) {
    await turns.pass(use);
    nowMs += 20;
  }
  assert.ok(sleptMs >= 1_000 && sleptMs <= 1_300, `${sleptMs} ms`);
});
