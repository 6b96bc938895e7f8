import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "#model";
import {
  droppedNamedMax,
  queueBytesMax,
  queueEntriesMax,
  TailQueue,
  type WaitingEntry,
} from "./tail-queue.ts";

const labels = Labels.from({ app: "t" });

function waiting(
  line: string,
  given: Partial<WaitingEntry> & { timeNs?: bigint } = {},
): WaitingEntry {
  const { timeNs = 0n, ...rest } = given;
  const entry = { timeNs, line, labels, structuredMetadata: [], parsed: [] };
  return { entry, arrivedMs: 0, key: line, ...rest };
}

const now = { untilMs: 0, byTime: false };

function linesOf(queue: TailQueue, countMax = 100, due = now): string[] {
  return queue.take(countMax, due).map(({ line }) => line);
}

test("as many entries as allowed are kept, the next is dropped and named", () => {
  const queue = new TailQueue();
  for (let i = 0; i < queueEntriesMax; i++) queue.add(waiting("x"));
  assert.deepEqual(queue.takeDropped(), []);
  queue.add(waiting("too many", { timeNs: 7n }));
  assert.equal(queue.length, queueEntriesMax);
  assert.deepEqual(queue.takeDropped(), [{ timeNs: 7n, labels }]);
  assert.deepEqual(queue.takeDropped(), []);
});

test("room for bytes comes back when entries are taken", () => {
  const queue = new TailQueue();
  queue.add(waiting("x".repeat(queueBytesMax)));
  queue.add(waiting("dropped"));
  assert.equal(queue.takeDropped().length, 1);
  queue.take(1, now);
  queue.add(waiting("fits again"));
  assert.deepEqual(linesOf(queue), ["fits again"]);
});

test("no more dropped entries are named than a frame should hold", () => {
  const queue = new TailQueue();
  queue.add(waiting("x".repeat(queueBytesMax)));
  for (let i = 0; i <= droppedNamedMax; i++) queue.add(waiting("dropped"));
  assert.equal(queue.takeDropped().length, droppedNamedMax);
});

test("history goes first, and what it found does not wait any more", () => {
  const queue = new TailQueue();
  for (const line of ["b", "c"]) queue.add(waiting(line));
  queue.putHistory(["a", "b"].map((line) => waiting(line)));
  assert.deepEqual(linesOf(queue), ["a", "b", "c"]);
});

test("what is due goes in order of time when entries are held back", () => {
  const queue = new TailQueue();
  queue.add(waiting("late", { timeNs: 9n, arrivedMs: 1 }));
  queue.add(waiting("early", { timeNs: 1n, arrivedMs: 2 }));
  queue.add(waiting("earliest, not due", { timeNs: 0n, arrivedMs: 3 }));
  const due = { untilMs: 2, byTime: true };
  assert.deepEqual(linesOf(queue, 1, due), ["early"]);
  assert.deepEqual(linesOf(queue, 9, due), ["late"]);
  assert.equal(queue.oldestMs, 3);
});
