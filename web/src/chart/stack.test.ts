import assert from "node:assert/strict";
import { test } from "node:test";
import { align, stack } from "./stack.ts";

test("samples stand at their times, gaps are null", () => {
  const answers = [
    {
      metric: { a: "1" },
      values: [
        [20, "2"],
        [40, "NaN"],
      ] as const,
    },
    {
      metric: { a: "2" },
      values: [
        [10, "1"],
        [99, "9"],
      ] as const,
    },
  ];
  const { times, series } = align(answers, { fromSeconds: 10, toSeconds: 40 }, 10);
  assert.deepEqual(times, [10, 20, 30, 40]);
  assert.deepEqual(
    series.map(({ values }) => values),
    [
      [null, 2, null, null],
      [1, null, null, null],
    ],
  );
});

test("rows stand on each other, hidden ones on nothing", () => {
  const rows = [
    [1, 2, null],
    [10, null, 30],
    [100, 100, 100],
  ];
  assert.deepEqual(
    stack(rows, () => false),
    [
      [1, 2, null],
      [11, null, 30],
      [111, 102, 130],
    ],
  );
  assert.deepEqual(stack(rows, (index) => index === 0)[2], [110, 100, 130]);
});
