import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachBounded } from "./for-each-bounded.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("no more tasks and bytes at a time than allowed; a larger one runs alone", async () => {
  let [tasks, bytes, tasksSeen, bytesSeen, done] = [0, 0, 0, 0, 0];
  const sizes = Array.from({ length: 60 }, (_, i) => (i === 30 ? 1_000 : (i % 7) + 1));
  const bounds = { tasksMax: 4, bytesMax: 15, bytesOf: (size: number) => size };
  await forEachBounded(sizes, bounds, async (size) => {
    tasks++;
    bytes += size;
    if (size === 1_000) assert.equal(tasks, 1);
    else bytesSeen = Math.max(bytesSeen, bytes);
    tasksSeen = Math.max(tasksSeen, tasks);
    await turn();
    tasks--;
    bytes -= size;
    done++;
  });
  assert.equal(done, 60);
  assert.equal(tasksSeen, 4);
  assert.ok(bytesSeen <= 15, `${bytesSeen}`);
});

test("the first failure is thrown once those at work have ended", async () => {
  const ended: number[] = [];
  const bounds = { tasksMax: 2, bytesMax: 10, bytesOf: () => 1 };
  const running = forEachBounded([1, 2, 3, 4, 5, 6], bounds, async (item) => {
    await turn();
    if (item === 2) throw new Error("two");
    await turn();
    ended.push(item);
  });
  await assert.rejects(running, /two/);
  assert.ok(ended.includes(1) && !ended.includes(6), ended.join());
});
