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
    clock: { monotonicMs: () => nowMs },
    newcomers: { letIn: immediate },
  });
  return {
    run: async (readers, blocks, blockMs) => {
      const byTurn: number[] = [0];
      let left = readers;
      const read = async (): Promise<void> => {
        for (let i = 0; i < blocks; i++) {
          await turns.pass();
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
    clock: { monotonicMs: () => nowMs },
    newcomers: { letIn: immediate },
  });
  let order = "";
  const read = async (name: string): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await turns.pass();
      order += name;
      nowMs += 20;
    }
  };
  await Promise.all(["a", "b", "c"].map(read));
  assert.equal(order.slice(-6), "abcabc".slice(0, 6), order);
  assert.equal(turns.waitingCount, 0);
});
