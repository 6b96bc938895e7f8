import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isStoreError } from "#base";
import { Labels } from "#model";
import type { PatternCounts } from "./pattern.ts";
import {
  decodePatterns,
  encodePatterns,
  mergePatternSections,
  sectionPatternsMax,
  sectionSamplesMax,
} from "./pattern-section.ts";

type Plain = readonly [labels: object, level: string, text: string, buckets: object];

function plain(patterns: readonly PatternCounts[]): Plain[] {
  return patterns
    .map(({ labels, level, text, buckets }): Plain => {
      return [labels.toRecord(), level, text, Object.fromEntries(buckets)];
    })
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

const text = fc.string({ maxLength: 20 });
const counts: fc.Arbitrary<PatternCounts> = fc.record({
  labels: fc
    .dictionary(fc.constantFrom("app", "env", "pod"), fc.string({ minLength: 1, maxLength: 5 }))
    .map((record) => Labels.from(record)),
  text,
  level: fc.constantFrom("info", "error", "unknown"),
  buckets: fc
    .dictionary(fc.integer({ min: 0, max: 2e8 }).map(String), fc.integer({ min: 1, max: 1e6 }))
    .map((record) =>
      Object.entries(record)
        .map(([bucket, count]): [number, number] => [Number(bucket), count])
        .sort((a, b) => a[0] - b[0]),
    ),
});

test("patterns come back from the bytes of a section", () => {
  fc.assert(
    fc.property(fc.array(counts, { maxLength: 12 }), (patterns) => {
      assert.deepEqual(plain(decodePatterns(encodePatterns(patterns))), plain(patterns));
    }),
    { seed: 7, numRuns: 200 },
  );
});

test("a damaged section is corrupt, never another error", () => {
  const bytes = encodePatterns(fc.sample(counts, { numRuns: 8, seed: 3 }));
  for (let at = 0; at < bytes.length; at++) {
    for (const damaged of [bytes.subarray(0, at), changed(bytes, at)]) {
      try {
        decodePatterns(damaged);
      } catch (error) {
        assert.ok(isStoreError(error, "corrupt"), String(error));
      }
    }
  }
});

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 0xff;
  return copy;
}

const app = Labels.from({ app: "a" });

test("a section keeps the most frequent patterns", () => {
  const many = Array.from({ length: sectionPatternsMax + 1 }, (_, i) => ({
    labels: app,
    text: `p${i}`,
    level: "info",
    buckets: [[1, i + 1] as const],
  }));
  const kept = decodePatterns(encodePatterns(many));
  assert.equal(kept.length, sectionPatternsMax);
  assert.ok(!kept.some((pattern) => pattern.text === "p0"));
});

test("too many samples are joined into wider buckets, and no line is lost", () => {
  const buckets = Array.from({ length: 8_640 }, (_, i) => [i, 2] as const);
  const many = Array.from({ length: 20 }, (_, i) => {
    return { labels: app, text: `p${i}`, level: "info", buckets };
  });
  const kept = decodePatterns(encodePatterns(many));
  const samples = kept.flatMap((pattern) => pattern.buckets);
  assert.ok(samples.length <= sectionSamplesMax);
  assert.equal(
    samples.reduce((sum, [, count]) => sum + count, 0),
    20 * 8_640 * 2,
  );
  assert.deepEqual(kept[0]!.buckets.slice(0, 2), [
    [0, 12],
    [6, 12],
  ]);
});

test("sections of merged segments become one", () => {
  const of = (bucket: number): Buffer =>
    encodePatterns([{ labels: app, text: "a <_>", level: "info", buckets: [[bucket, 3]] }]);
  const [merged] = decodePatterns(mergePatternSections([of(1), of(9), of(1)]));
  assert.deepEqual(merged!.buckets, [
    [1, 6],
    [9, 3],
  ]);
});
