import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packSparseSet, SparseSet, sparseSetBytes } from "./sparse-set.ts";

test("a set has what was packed and nothing else", () => {
  const property = fc.property(
    fc.uniqueArray(fc.nat(5000)),
    fc.nat(9),
    fc.nat(300),
    (numbers, lowBits, room) => {
      const sorted = Uint32Array.from(numbers).sort();
      const universe = sorted.length === 0 ? room : sorted.at(-1)! + 1 + room;
      const bytes = packSparseSet(sorted, sorted.length, { universe, lowBits });
      const set = SparseSet.open(bytes)!;
      assert.equal(set.count, sorted.length);
      const wanted = new Set(numbers);
      for (let value = 0; value < 5400; value++) assert.equal(set.has(value), wanted.has(value));
    },
  );
  fc.assert(property, { seed: 5, numRuns: 100 });
});

test("a random set costs about lowBits + 2 bits a number", () => {
  const shape = { universe: 16_000, count: 1000, lowBits: 4 };
  assert.equal(sparseSetBytes(shape), 250 + 500);
});

test("bytes whose lengths do not add up are no set", () => {
  const bytes = packSparseSet(Uint32Array.of(3, 9, 77), 3, { universe: 100, lowBits: 4 });
  assert.ok(SparseSet.open(bytes));
  for (let size = 0; size < bytes.length; size++) {
    assert.equal(SparseSet.open(bytes.subarray(0, size)), undefined);
  }
  assert.equal(SparseSet.open(Buffer.concat([bytes, Buffer.alloc(1)])), undefined);
});

test("any bytes can be asked without harm", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(300), (bytes, value) => {
    SparseSet.open(bytes)?.has(value);
  });
  fc.assert(property, { seed: 6, numRuns: 2000 });
});
