import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";
import { MiB, RequestError } from "#base";
import fc from "fast-check";
import {
  compressSnappyBlock,
  decompressBody,
  decompressSnappyBlock,
  snappyBlockLength,
} from "./decompress.ts";

const limits = { compressedBytesMax: MiB, rawBytesMax: MiB };
const text = Buffer.from("a line of a log, a line of a log, another line of a log\n".repeat(50));
const bomb = Buffer.alloc(4 * MiB);

const refuses = (status: number, run: () => unknown): void => {
  assert.throws(run, (error) => error instanceof RequestError && error.status === status);
};

/** "abcabcabcabcabcd" as an LZ4 frame: a literal run, an overlapping match, last literals. */
const lz4Frame = Buffer.concat([
  Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0]),
  Buffer.from([0x08, 0, 0, 0, 0x38, 0x61, 0x62, 0x63, 0x03, 0x00, 0x10, 0x64]),
  Buffer.from([0, 0, 0, 0]),
]);

const encoders: readonly (readonly [string, string, (raw: Buffer) => Buffer])[] = [
  ["", "as it is", (raw) => raw],
  ["gzip", "gzip", (raw) => zlib.gzipSync(raw)],
  ["deflate", "zlib", (raw) => zlib.deflateSync(raw)],
  ["deflate", "raw deflate", (raw) => zlib.deflateRawSync(raw)],
  ["zstd", "zstd", (raw) => zlib.zstdCompressSync(raw)],
];

for (const [encoding, name, encode] of encoders) {
  test(`${name} comes back, and is refused one byte over the limit`, () => {
    assert.deepEqual(decompressBody(encode(text), encoding, limits), text);
    const exact = { compressedBytesMax: MiB, rawBytesMax: text.length };
    assert.deepEqual(decompressBody(encode(text), encoding, exact), text);
    const under = { compressedBytesMax: MiB, rawBytesMax: text.length - 1 };
    refuses(413, () => decompressBody(encode(text), encoding, under));
    refuses(413, () => decompressBody(encode(bomb), encoding, limits));
  });
}

test("gzip of several parts comes back, whatever the last one says of its length", () => {
  const parts = [bomb.subarray(0, MiB / 2), text, Buffer.from("x")];
  const body = Buffer.concat(parts.map((part) => zlib.gzipSync(part)));
  assert.deepEqual(decompressBody(body, "gzip", limits), Buffer.concat(parts));
});

test("content holds no more memory than about its length", () => {
  for (const [encoding, name, encode] of encoders) {
    if (encoding === "") continue;
    // Hardly compressible, so that a guess by growth is far off.
    const raw = Buffer.from(Array.from({ length: 300_000 }, (_, i) => Math.imul(i, i) >>> 3));
    const content = decompressBody(encode(raw), encoding, limits);
    assert.deepEqual(content, raw);
    assert.ok(content.buffer.byteLength <= 2 * raw.length, name);
  }
});

test("an LZ4 frame comes back", () => {
  assert.equal(decompressBody(lz4Frame, "lz4", limits).toString(), "abcabcabcabcabcd");
  refuses(413, () => decompressBody(lz4Frame, "lz4", { ...limits, rawBytesMax: 15 }));
});

test("more compressed bytes than allowed are refused before they are read", () => {
  const small = { compressedBytesMax: 10, rawBytesMax: MiB };
  for (const encoding of ["", "gzip", "zstd", "lz4"]) {
    refuses(413, () => decompressBody(Buffer.alloc(11), encoding, small));
  }
  refuses(413, () => decompressSnappyBlock(Buffer.alloc(11), small));
});

test("damaged and cut input is a client's fault", () => {
  for (const [encoding, , encode] of encoders.slice(1)) {
    const whole = encode(text);
    refuses(400, () => decompressBody(whole.subarray(0, whole.length / 2), encoding, limits));
    refuses(400, () => decompressBody(Buffer.from("no such thing"), encoding, limits));
  }
  for (let length = 0; length < lz4Frame.length; length++) {
    refuses(400, () => decompressBody(lz4Frame.subarray(0, length), "lz4", limits));
  }
  refuses(400, () => decompressBody(text, "br", limits));
});

test("a snappy block is checked by its header before memory is taken", () => {
  assert.deepEqual(decompressSnappyBlock(compressSnappyBlock(text), limits), text);
  assert.equal(snappyBlockLength(compressSnappyBlock(text)), text.length);
  assert.equal(decompressSnappyBlock(Buffer.from([0]), limits).length, 0);
  refuses(413, () => decompressSnappyBlock(compressSnappyBlock(bomb), limits));
  const lie = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]);
  refuses(400, () => decompressSnappyBlock(lie, { ...limits, rawBytesMax: 2 ** 33 }));
  refuses(400, () => decompressSnappyBlock(Buffer.alloc(0), limits));
  refuses(400, () => decompressSnappyBlock(Buffer.from("garbage"), limits));
});

test("whatever bytes come, nothing but a RequestError goes out", () => {
  const encodings = ["gzip", "deflate", "zstd", "lz4"];
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => {
      const damaged = Buffer.from(lz4Frame);
      for (let i = 0; i + 1 < bytes.length; i += 2)
        damaged[bytes[i]! % damaged.length] = bytes[i + 1]!;
      return damaged;
    }),
  );
  const property = fc.property(input, fc.constantFrom(...encodings), (bytes, encoding) => {
    for (const run of [
      () => decompressBody(Buffer.from(bytes), encoding, { ...limits, rawBytesMax: 4096 }),
      () => decompressSnappyBlock(Buffer.from(bytes), { ...limits, rawBytesMax: 4096 }),
    ]) {
      try {
        assert.ok(run().length <= 4096);
      } catch (error) {
        assert.ok(error instanceof RequestError, String(error));
      }
    }
  });
  fc.assert(property, { seed: 1, numRuns: 500 });
});
