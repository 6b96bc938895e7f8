import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compressSync, uncompressSync } from "snappy";
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

type Element =
  | { readonly literal: Uint8Array }
  | { readonly kind: 1 | 2 | 3; readonly offset: number; readonly length: number };

const element: fc.Arbitrary<Element> = fc.oneof(
  fc.record({ literal: fc.uint8Array({ minLength: 1, maxLength: 90 }) }),
  fc.record({
    kind: fc.constantFrom(1 as const, 2 as const, 3 as const),
    offset: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.nat(2_000)),
    length: fc.integer({ min: 1, max: 64 }),
  }),
);

/** As format_description.txt of snappy has it; an offset before the first byte is malformed. */
function encoded(one: Element): number[] {
  if ("literal" in one) {
    const { length } = one.literal;
    const head = length > 60 ? [60 << 2, length - 1] : [(length - 1) << 2];
    return [...head, ...one.literal];
  }
  const { kind, offset, length } = one;
  const [low, high] = [offset & 0xff, offset >> 8];
  if (kind === 1) return [1 | ((length & 7) << 2) | ((high & 7) << 5), low];
  return [kind | ((length - 1) << 2), low, high, ...(kind === 3 ? [0, 0] : [])];
}

function sizeOf(one: Element): number {
  if ("literal" in one) return one.literal.length;
  return one.kind === 1 ? 4 + (one.length & 7) : one.length;
}

test("any elements are what the library says they are, or malformed", () => {
  const kernel = new PushKernel();
  const elements = fc.array(element, { minLength: 1, maxLength: 30 });
  const damage = fc.option(fc.record({ at: fc.nat(), to: fc.nat(255) }));
  const property = fc.property(
    fc.uint8Array({ minLength: 40 }),
    elements,
    damage,
    (from, all, d) => {
      const stream: Element[] = [{ literal: from.slice(0, 60) }, ...all];
      const size = stream.reduce((sum, one) => sum + sizeOf(one), 0);
      const block = Buffer.from(stream.flatMap(encoded));
      if (d !== null) block[d.at % block.length] = d.to;
      const head = Buffer.of((size & 0x7f) | 0x80, size >> 7);
      let expected: Buffer | undefined;
      try {
        expected = uncompressSync(Buffer.concat([head, block])) as Buffer;
      } catch {
        expected = undefined;
      }
      const isRead = kernel.loadSnappy(block, 0, size) !== 0;
      assert.equal(isRead, expected !== undefined);
      if (expected !== undefined) assert.ok(kernel.content.equals(expected));
    },
  );
  fc.assert(property, { numRuns: 3_000, seed: 23 });
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
