import assert from "node:assert/strict";
import { test } from "node:test";
import { compressSnappyBlock, decompressSnappyBlock } from "#codec";
import { RequestError } from "#base";
import { defaultLimits } from "#config";
import { Labels } from "#model";
import fc from "fast-check";
import { LevelDetector } from "./level.ts";
import { buildBatch } from "./push-batch.ts";
import type { DecodedPush } from "./push-columns.ts";
import type { LabelsOfSpan } from "./push-protobuf.ts";
import { decodeSnappyPush } from "./push-snappy.ts";
import { rowsOf, snappyPush, type TestRow, type TestStream } from "./push-test-kit.ts";

const limits = { compressedBytesMax: 2 ** 20, rawBytesMax: 2 ** 22 };
const seed = 20260123;

const labelsOf: LabelsOfSpan = (bytes, from, to) => {
  const text = bytes.toString("latin1", from, to);
  return { labels: Labels.ofSorted([["text", text]]), text, refusal: undefined, level: undefined };
};

/** By the kernel and by the plain code. */
function both<T>(
  block: Buffer,
  read: (push: DecodedPush) => T,
): [kernel: T | string, plain: T | string] {
  const run = (kernelFromBytes: number): T | string => {
    try {
      return read(decodeSnappyPush(block, { limits, labelsOf, kernelFromBytes }));
    } catch (error) {
      if (error instanceof RequestError) return `${error.status} ${error.message}`;
      throw error;
    }
  };
  return [run(0), run(Number.POSITIVE_INFINITY)];
}

function detector(jsonDepthMax = 2): LevelDetector {
  return new LevelDetector({ fields: defaultLimits.logLevelFields, jsonDepthMax });
}

function levelled(push: DecodedPush): { rows: TestRow[]; streamCount: number } {
  const batch = buildBatch(push, undefined, detector());
  return { rows: rowsOf(batch), streamCount: push.streamCount };
}

const words = [
  ..."error ERR warn Warning info inf debug dbg trace fatal critical x errors".split(" "),
  ..."level= lvl= severity= a=b \" ' \\ { } [ ] : , | = ( ) < ; é 0x1f 12 ~".split(" "),
  '{"level":"',
  '","',
  '":',
  '{"a":{"severity":"warn"}}',
  '"lvl":"ERROR"',
  '\\"',
  "",
  " ",
  "  ",
  "\n",
  "\t",
  "level=",
  "x".repeat(13),
  "some longer text without any of it ",
];
const line = fc.array(fc.constantFrom(...words), { maxLength: 14 }).chain((parts) => {
  return fc.constantFrom("", " ").map((glue) => parts.join(glue));
});
const metadata = fc.dictionary(fc.constantFrom("a", "level", "z"), fc.constantFrom("1", "warn"), {
  maxKeys: 2,
});
const entry = fc.tuple(fc.bigInt({ min: -5n, max: 4n * 10n ** 18n }), line, metadata);
const stream: fc.Arbitrary<TestStream> = fc.tuple(
  fc.dictionary(fc.constantFrom("app", "env"), fc.constantFrom("a", "é")),
  fc.array(entry, { maxLength: 6 }),
);
const request = fc
  .array(stream, { minLength: 1, maxLength: 4 })
  .map((streams) => snappyPush(streams));

test("kernel and plain code read the same", () => {
  const property = fc.property(request, (block) => {
    const [kernel, plain] = both(block, levelled);
    assert.deepEqual(kernel, plain);
    assert.equal(typeof kernel, "object");
  });
  fc.assert(property, { numRuns: 400, seed });
});

test("the kernel reads ordinary pushes itself", () => {
  const entries = [[1_700_000_000_000_000_001n, "a line", { id: "7" }] as const];
  const push = decodeSnappyPush(snappyPush([[{ app: "a" }, entries]]), {
    limits,
    labelsOf,
    kernelFromBytes: 0,
  });
  assert.ok(push.kernelContent !== undefined);
  assert.equal(push.metadata.count, 2);
});

test("and of changed ones, with the same words for what is wrong", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.option(fc.nat()) });
  const property = fc.property(request, fc.array(change, { maxLength: 3 }), (block, changes) => {
    const message = Buffer.from(decompressSnappyBlock(block, limits));
    let end = message.length;
    for (const { at, byte, cut } of changes) {
      if (end > 0) message[at % end] = byte;
      if (cut !== null && end > 0) end -= cut % end;
    }
    const [kernel, plain] = both(compressSnappyBlock(message.subarray(0, end)), levelled);
    assert.deepEqual(kernel, plain);
  });
  fc.assert(property, { numRuns: 3_000, seed });
});

test("and of changed blocks", () => {
  const property = fc.property(request, fc.nat(), fc.nat(255), (block, at, byte) => {
    block[at % block.length] = byte;
    const [kernel, plain] = both(block, levelled);
    assert.deepEqual(kernel, plain);
  });
  fc.assert(property, { numRuns: 1_000, seed });
});

test("levels of lines of all lengths, over the ends of sixteen bytes", () => {
  const long = fc.tuple(fc.nat(40), line, fc.nat(40), line).map(([before, a, between, b]) => {
    return `${"y".repeat(before)} ${a}${" ".repeat(between)}${b}`;
  });
  const lines = fc.array(fc.oneof(line, long), { minLength: 1, maxLength: 8 });
  const property = fc.property(lines, fc.nat(4), (texts, depth) => {
    const block = snappyPush([[{ app: "a" }, texts.map((text, i) => [BigInt(i), text, {}])]]);
    const [kernel, plain] = both(block, (push) => {
      const found = detector(depth);
      const inKernel = found.beginKernel(push.kernelContent);
      return texts.map((text, row) => {
        const [from, to] = [push.lineStarts[row]!, push.lineEnds[row]!];
        return [
          text,
          inKernel ? found.detectInKernel(from, to) : found.detect(push.bytes, from, to),
        ];
      });
    });
    assert.deepEqual(kernel, plain);
  });
  fc.assert(property, { numRuns: 1_500, seed });
});

test("fields of another tenant are not the ones of the tenant before", () => {
  const block = snappyPush([[{ app: "a" }, [[1n, '{"mine":"error","yours":"warn"}', {}]]]]);
  const levelBy = (field: string): number => {
    const own = new LevelDetector({ fields: [field], jsonDepthMax: 2 });
    const push = decodeSnappyPush(block, { limits, labelsOf, kernelFromBytes: 0 });
    assert.ok(own.beginKernel(push.kernelContent));
    return own.detectInKernel(push.lineStarts[0]!, push.lineEnds[0]!);
  };
  assert.deepEqual([levelBy("mine"), levelBy("yours"), levelBy("mine")], [5, 4, 5]);
});

test("names of fields that do not fit the kernel are left to the plain code", () => {
  const fields = Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(60, "x"));
  const own = new LevelDetector({ fields, jsonDepthMax: 2 });
  const block = snappyPush([[{ app: "a" }, [[1n, "x", {}]]]]);
  const push = decodeSnappyPush(block, { limits, labelsOf, kernelFromBytes: 0 });
  assert.equal(own.beginKernel(push.kernelContent), false);
});
