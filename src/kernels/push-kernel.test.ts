import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compressSync } from "snappy";
import { PushKernel } from "./push-kernel.ts";

/** Bytes of the length a block begins with. */
function headerBytes(block: Buffer): number {
  return block.findIndex((byte) => byte < 0x80) + 1;
}

const piece = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.record({ byte: fc.nat(255), count: fc.nat(200) }).map(({ byte, count }) => {
    return new Uint8Array(count).fill(byte);
  }),
  fc.constantFrom("ab", "level=info ", "0123456789abcdef", "x".repeat(17)).map((text) => {
    return new Uint8Array(Buffer.from(text.repeat(9)));
  }),
);
const content = fc.array(piece, { maxLength: 60 }).map((pieces) => Buffer.concat(pieces));

test("what the library compressed comes out as it was", () => {
  const kernel = new PushKernel();
  fc.assert(
    fc.property(content, (bytes) => {
      const block = compressSync(bytes);
      const number = kernel.loadSnappy(block, headerBytes(block), bytes.length);
      assert.ok(kernel.isLoaded(number));
      assert.deepEqual(kernel.content, bytes);
    }),
    { numRuns: 300, seed: 17 },
  );
});

test("a content is held as it was given, until the next one, up to a bound", () => {
  const kernel = new PushKernel();
  const first = kernel.load(Buffer.from("level=info one"));
  assert.equal(kernel.content.toString(), "level=info one");
  const second = kernel.load(Buffer.from("two"));
  assert.equal(kernel.content.toString(), "two");
  assert.ok(!kernel.isLoaded(first) && kernel.isLoaded(second));
  assert.equal(kernel.load(Buffer.alloc(17 * 1024 * 1024)), 0);
  assert.ok(!kernel.isLoaded(second));
});

test("elements of every kind, overlapping copies too", () => {
  const kernel = new PushKernel();
  const literal = (text: string): number[] => [(text.length - 1) << 2, ...Buffer.from(text)];
  const cases: readonly (readonly [string, readonly number[], string])[] = [
    ["copy of 1 byte offset, on itself", [...literal("a"), (7 << 2) | 1, 1], "a".repeat(12)],
    ["two bytes repeated", [...literal("ab"), (4 << 2) | 1, 2], "abababababab".slice(0, 10)],
    [
      "offset of two bytes",
      [...literal("0123456789"), (9 << 2) | 2, 10, 0],
      "01234567890123456789",
    ],
    ["offset of four bytes", [...literal("wxyz"), (3 << 2) | 3, 4, 0, 0, 0], "wxyzwxyz"],
    ["literal with its length apart", [60 << 2, 2, 1, 2, 3], "\u0001\u0002\u0003"],
  ];
  for (const [name, elements, expected] of cases) {
    const number = kernel.loadSnappy(Buffer.from(elements), 0, expected.length);
    assert.ok(kernel.isLoaded(number), name);
    assert.equal(kernel.content.toString("latin1"), expected, name);
  }
});

test("malformed elements are refused, whatever they claim", () => {
  const kernel = new PushKernel();
  const cases: readonly (readonly [string, readonly number[], number])[] = [
    ["nothing where something is due", [], 1],
    ["less than announced", [0, 65], 2],
    ["more than announced", [4, 65, 66], 1],
    ["a literal beyond the block", [20, 65], 6],
    ["a length that is cut off", [63 << 2, 1], 9],
    ["a literal of 4 GiB", [63 << 2, 255, 255, 255, 255], 9],
    ["offset 0", [0, 65, (0 << 2) | 1, 0], 5],
    ["an offset before the start", [0, 65, (0 << 2) | 1, 2], 5],
    ["an offset that is cut off", [0, 65, 2, 1], 2],
  ];
  for (const [name, elements, size] of cases) {
    const number = kernel.loadSnappy(Buffer.from(elements), 0, size);
    assert.equal(kernel.isLoaded(number), false, name);
  }
  assert.equal(kernel.loadSnappy(Buffer.alloc(10), 0, 2 ** 30), 0, "larger than its memory may be");
});

test("any bytes at all: refused or read, within the memory", () => {
  const kernel = new PushKernel();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(5_000), (elements, size) => {
      const number = kernel.loadSnappy(Buffer.from(elements), 0, size);
      if (kernel.isLoaded(number)) kernel.readEntries();
    }),
    { numRuns: 3_000, seed: 18 },
  );
});

test("a content is loaded until the next one is", () => {
  const kernel = new PushKernel();
  const first = kernel.loadSnappy(Buffer.from([0, 65]), 0, 1);
  const second = kernel.loadSnappy(Buffer.from([0, 66]), 0, 1);
  assert.deepEqual([kernel.isLoaded(first), kernel.isLoaded(second)], [false, true]);
});
