import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAgo } from "./ago.ts";

const rows: readonly (readonly [number, string])[] = [
  [0, "now"],
  [999, "now"],
  [1_000, "1 s ago"],
  [119_000, "1 min ago"],
  [7_200_000, "2 h ago"],
  [259_200_000, "3 d ago"],
  [-61_000, "in 1 min"],
];
for (const [ms, text] of rows) test(`${ms} ms is ${text}`, () => assert.equal(formatAgo(ms), text));
