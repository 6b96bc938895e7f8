import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { selectRank } from "./select-rank.ts";

function isSelected(numbers: readonly number[], rank: number): boolean {
  const values = Float64Array.from(numbers);
  selectRank(values, rank);
  const sorted = Float64Array.from(numbers).sort();
  const isSame = Float64Array.from(values)
    .sort()
    .every((value, i) => value === sorted[i]);
  const isParted = values.every((value, i) =>
    i < rank ? value <= values[rank]! : value >= values[rank]!,
  );
  return isSame && isParted && values[rank] === sorted[rank];
}

test("any rank of any numbers", () => {
  const number = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true }));
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 300 }), fc.nat(), (numbers, at) =>
      isSelected(numbers, at % numbers.length),
    ),
    { seed: 440, numRuns: 300 },
  );
});

const shapes: Record<string, (i: number) => number> = {
  ascending: (i) => i,
  descending: (i) => -i,
  equal: () => 7,
  saw: (i) => i % 10,
  organ: (i) => Math.abs(i - 500),
};
for (const [name, numberOf] of Object.entries(shapes)) {
  test(`numbers that are ${name}`, () => {
    const numbers = Array.from({ length: 1000 }, (_, i) => numberOf(i));
    for (const rank of [0, 1, 499, 998, 999]) assert.ok(isSelected(numbers, rank));
  });
}
