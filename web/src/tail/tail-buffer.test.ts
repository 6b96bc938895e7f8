import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../lines/entry.ts";
import { TailBuffer } from "./tail-buffer.ts";

function entry(number: number): Entry {
  const timeNs = String(1_000_000_000_000_000_000n + BigInt(number));
  return { timeNs, line: `line ${number}`, labels: {}, metadata: {}, parsed: {}, level: "info" };
}

const several = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => entry(from + index));
const lines = (buffer: TailBuffer) => buffer.entries.map(({ line }) => line);

test("the newest lines stay, those that went are counted", () => {
  const buffer = new TailBuffer(3);
  buffer.add(several(0, 5), 0);
  assert.deepEqual(lines(buffer), ["line 2", "line 3", "line 4"]);
  assert.deepEqual([buffer.received, buffer.gone], [5, 2]);
});

test("what a new connection sends again is shown once", () => {
  const buffer = new TailBuffer(10);
  buffer.add(several(0, 3), 0);
  assert.equal(buffer.add(several(1, 5), 0), 2);
  assert.equal(buffer.entries.length, 5);
  assert.equal(buffer.newestNs, entry(4).timeNs);
});

test("while paused nothing moves, what came is shown afterwards, within the bound", () => {
  const buffer = new TailBuffer(4);
  buffer.add(several(0, 2), 0);
  buffer.pause();
  const before = buffer.entries;
  buffer.add(several(2, 9), 0);
  assert.equal(buffer.entries, before);
  assert.equal(buffer.waitingCount, 4);
  buffer.resume();
  assert.deepEqual(lines(buffer), ["line 5", "line 6", "line 7", "line 8"]);
  assert.equal(buffer.gone, 5);
});

test("the rate is that of the last five seconds", () => {
  const buffer = new TailBuffer(100);
  buffer.add(several(0, 50), 0);
  assert.equal(buffer.rate(1_000), 10);
  buffer.add(several(50, 60), 4_000);
  assert.equal(buffer.rate(6_000), 2);
  assert.equal(buffer.rate(20_000), 0);
  buffer.add(several(60, 90), 20_000, { isPast: true });
  assert.equal(buffer.rate(20_000), 0);
});
