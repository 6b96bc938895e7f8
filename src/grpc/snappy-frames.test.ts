import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import fc from "fast-check";
import { crc32c } from "./crc32c.ts";
import { compressSnappyFrames, decompressSnappyFrames } from "./snappy-frames.ts";

const start = Buffer.from("ff060000734e61507059", "hex");
const roomy = 1 << 24;

test("CRC-32C gives what RFC 3720 B.4 lists", () => {
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
});

test("what was framed comes back", () => {
  const repeated = fc
    .tuple(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 2000 }))
    .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));
  fc.assert(
    fc.property(repeated, (content) => {
      const frames = compressSnappyFrames(content);
      assert.ok(decompressSnappyFrames(frames, content.length).equals(content));
    }),
    { seed: 20261, numRuns: 100 },
  );
});

test("chunks that may be passed over are", () => {
  const padding = Buffer.from("fe030000000000", "hex");
  const skippable = Buffer.from("80020000abcd", "hex");
  const frames = compressSnappyFrames(Buffer.from("one")).subarray(start.length);
  const all = Buffer.concat([start, padding, frames, skippable, start, frames]);
  assert.equal(decompressSnappyFrames(all, roomy).toString(), "oneone");
});

test("an empty body is an empty message", () => {
  assert.equal(decompressSnappyFrames(Buffer.alloc(0), roomy).length, 0);
  assert.equal(decompressSnappyFrames(start, roomy).length, 0);
});

const refusals: readonly (readonly [string, Buffer])[] = [
  ["a bare block", Buffer.from("0308616263", "hex")],
  ["no identifier first", compressSnappyFrames(Buffer.from("one")).subarray(start.length)],
  ["another identifier", Buffer.from("ff060000734e61507058", "hex")],
  ["a header cut off", Buffer.concat([start, Buffer.from("0001", "hex")])],
  ["a chunk cut off", compressSnappyFrames(Buffer.from("one")).subarray(0, -1)],
  ["no room for the CRC", Buffer.concat([start, Buffer.from("01020000abcd", "hex")])],
  ["a wrong CRC", Buffer.concat([start, Buffer.from("010700000000000061626364", "hex")])],
  ["a type that may not be passed over", Buffer.concat([start, Buffer.from("02000000", "hex")])],
];

for (const [name, frames] of refusals) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => decompressSnappyFrames(frames, roomy),
      (error) => error instanceof RequestError && error.status === 400,
    );
  });
}

test("content up to the limit is taken, one byte more is 413", () => {
  const frames = compressSnappyFrames(Buffer.alloc(100_000));
  assert.equal(decompressSnappyFrames(frames, 100_000).length, 100_000);
  assert.throws(
    () => decompressSnappyFrames(frames, 99_999),
    (error) => error instanceof RequestError && error.status === 413,
  );
});
