import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RowHeights } from "./row-heights.ts";

test("offsets and rows agree with adding one by one, also after changes", () => {
  const row = fc.integer({ min: 1, max: 400 });
  const changes = fc.array(fc.tuple(fc.nat(), row), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 200 }), changes, (start, later) => {
      const heights = [...start];
      const rows = new RowHeights(heights.length, (index) => heights[index]!);
      for (const [at, height] of later) {
        heights[at % heights.length] = height;
        rows.set(at % heights.length, height);
      }
      let offset = 0;
      for (const [index, height] of heights.entries()) {
        assert.equal(rows.offsetOf(index), offset);
        assert.equal(rows.indexAt(offset), index);
        assert.equal(rows.indexAt(offset + height - 1), index);
        offset += height;
      }
      assert.equal(rows.total, offset);
    }),
    { seed: 7, numRuns: 100 },
  );
});

test("outside is the first or the last row", () => {
  const rows = new RowHeights(3, () => 10);
  assert.deepEqual([rows.indexAt(-5), rows.indexAt(30), rows.indexAt(1e9)], [0, 2, 2]);
  assert.equal(new RowHeights(0, () => 10).total, 0);
});

test("a hundred thousand rows are looked up without walking them", () => {
  const rows = new RowHeights(100_000, (index) => 20 + (index % 7));
  const startMs = performance.now();
  for (let at = 0; at < 10_000; at++) rows.indexAt(rows.offsetOf((at * 7919) % 100_000));
  assert.ok(performance.now() - startMs < 500);
});
