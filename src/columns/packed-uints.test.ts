import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashBytes } from "./hash-bytes.ts";
import {
  type PackedUints,
  packUints,
  startsOf,
  sumDifferences,
  unpackNumbers,
  unpackUint32s,
} from "./packed-uints.ts";
import { stableOrder } from "./stable-order.ts";

/** Reads the header as docs/formats/segment.md gives it. */
function parse(bytes: Buffer): PackedUints {
  let at = 0;
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  };
  const count = varint();
  const min = varint();
  const width = bytes[at++]!;
  assert.equal(bytes.length, at + width * count);
  return { bytes, planesAt: at, count, min, width };
}

const widths: { values: number[]; width: number }[] = [
  { values: [], width: 0 },
  { values: [7, 7, 7], width: 0 },
  { values: [2 ** 53 - 1], width: 0 },
  { values: [5, 5 + 255], width: 1 },
  { values: [5, 5 + 256], width: 2 },
  { values: [0, 2 ** 24 - 1], width: 3 },
  { values: [1, 2 ** 32], width: 4 },
  { values: [0, 2 ** 32], width: 5 },
  { values: [0, 86_399_999_999_999], width: 6 },
];
for (const { values, width } of widths) {
  test(`${JSON.stringify(values)} packs to ${width} bytes a value`, () => {
    const packed = parse(packUints(Float64Array.from(values)));
    assert.equal(packed.width, width);
    assert.deepEqual([...unpackNumbers(packed, 0, packed.count)], values);
  });
}

test("any numbers come back, whole and in part", () => {
  const number = fc.oneof(fc.nat(300), fc.nat(), fc.integer({ min: 0, max: 2 ** 48 - 1 }));
  const property = fc.property(fc.array(number), fc.nat(9), (values, skip) => {
    const packed = parse(packUints(Float64Array.from(values)));
    const from = Math.min(skip, values.length);
    assert.deepEqual([...unpackNumbers(packed, from, values.length)], values.slice(from));
    if (packed.width > 4 || Math.max(...values) >= 2 ** 32) return;
    assert.deepEqual([...unpackUint32s(packed, from, values.length)], values.slice(from));
  });
  fc.assert(property, { seed: 3, numRuns: 500 });
});

test("what cannot be packed is refused", () => {
  for (const values of [
    [-1, 3],
    [0, 2 ** 48],
  ]) {
    assert.throws(() => packUints(Float64Array.from(values)), RangeError);
  }
});

test("running sums start at the start and count in units", () => {
  const values = Float64Array.of(9, 0, 1, 2, 9);
  assert.equal(sumDifferences(values, 1, 4, { start: 100, unit: 10 }), 130);
  assert.deepEqual([...values], [9, 100, 110, 130, 9]);
  assert.deepEqual([...startsOf(Uint32Array.of(2, 0, 3))], [0, 2, 2, 5]);
});

test("the stable order is that of a stable sort", () => {
  const property = fc.property(fc.array(fc.nat(20)), (keys) => {
    const wanted = keys.map((_, i) => i).sort((a, b) => keys[a]! - keys[b]! || a - b);
    assert.deepEqual([...stableOrder(Float64Array.from(keys), keys.length)], wanted);
  });
  fc.assert(property, { seed: 4, numRuns: 500 });
});

const hashes: { text: string; seed: number; hash: number }[] = [
  // Known answers of MurmurHash3 x86_32.
  { text: "", seed: 0, hash: 0 },
  { text: "", seed: 1, hash: 0x514e28b7 },
  { text: "test", seed: 0, hash: 0xba6bd213 },
  { text: "Hello, world!", seed: 0, hash: 0xc0363e43 },
];
for (const { text, seed, hash } of hashes) {
  test(`hash of ${JSON.stringify(text)} with seed ${seed}`, () => {
    assert.equal(hashBytes(Buffer.from(text), 0, text.length, seed), hash);
  });
}
