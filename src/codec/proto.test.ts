import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import fc from "fast-check";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

test("numbers, texts and messages come back", () => {
  const whole = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
  const anyText = fc.oneof(fc.string(), fc.string({ unit: "grapheme", maxLength: 60 }));
  const property = fc.property(whole, anyText, (number, text) => {
    const writer = new ProtoWriter(1);
    writer.tag(1, 0);
    writer.varint(number);
    const inner = writer.begin(2);
    writer.text(3, text);
    writer.end(inner);
    const reader = new ProtoReader(writer.finish());
    assert.equal(reader.tag("Test"), 8);
    assert.equal(reader.int64(), number);
    assert.equal(reader.tag("Test"), 18);
    assert.equal(reader.span(), reader.end);
    assert.equal(reader.tag("Inner"), 26);
    assert.equal(reader.text(), text);
    assert.equal(reader.at, reader.end);
  });
  fc.assert(property, { seed: 4, numRuns: 300 });
});

test("a message longer than one byte of length can tell is closed correctly", () => {
  for (const length of [0, 127, 128, 16_383, 16_384, 100_000]) {
    const writer = new ProtoWriter();
    const start = writer.begin(1);
    writer.text(1, "x".repeat(length));
    writer.end(start);
    const reader = new ProtoReader(writer.finish());
    reader.tag("Test");
    assert.equal(reader.span(), reader.end);
    reader.tag("Test");
    assert.equal(reader.text().length, length);
  }
});

const malformed: readonly (readonly [bytes: number[], text: string])[] = [
  [[0x80], "unexpected EOF"],
  [[0x0a, 0x05, 0x01], "unexpected EOF"],
  [[0x09, 1, 2, 3], "unexpected EOF"],
  [[0x00], "proto: Test: illegal tag 0 (wire type 0)"],
  [[0x0c], "proto: Test: wiretype end group for non-group"],
  [[0x0b], "proto: illegal wireType 3"],
  [Array<number>(11).fill(0x80), "proto: integer overflow"],
  [
    [0x0a, ...Array<number>(8).fill(0xff), 0x01],
    "proto: negative length found during unmarshaling",
  ],
];
for (const [bytes, text] of malformed) {
  test(`${Buffer.from(bytes).toString("hex")} is refused: ${text}`, () => {
    const reader = new ProtoReader(Buffer.from(bytes));
    assert.throws(
      () => reader.skip(reader.tag("Test"), "Test"),
      (error) => error instanceof RequestError && error.message === text && error.status === 400,
    );
  });
}
