import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Labels } from "#model";
import { DistinctFold } from "./distinct-fold.ts";

test("distinct texts by step, whatever the order of arrival", () => {
  const part = fc.record({
    text: fc.constantFrom("a", "b", "c"),
    from: fc.integer({ min: 0, max: 9 }),
    length: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const fold = new DistinctFold(10, { hold: () => {} });
      const want = Array.from({ length: 10 }, () => new Set<string>());
      for (const { text, from, length } of parts) {
        const to = Math.min(10, from + length);
        fold.add(from, to, { text, time: 0, value: 1, count: 1 });
        for (let step = from; step < to; step++) want[step]!.add(text);
      }
      const series = fold.finish(Labels.empty);
      assert.deepEqual(
        Array.from(series.values, (value, i) => (series.present[i] === 1 ? value : 0)),
        want.map((texts) => texts.size),
      );
    }),
    { seed: 20260114, numRuns: 300 },
  );
});
