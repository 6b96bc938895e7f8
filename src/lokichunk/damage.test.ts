/** Chunks that are damaged, hostile, or of writers other than today's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { compressSync as snappyCompress } from "snappy";
import { isStoreError, MiB, messageOf } from "#base";
import { buildChunksNow } from "./build-chunks.ts";
import { crc32c } from "./checksum.ts";
import type { ChunkCodec, LokiChunk } from "./chunk.ts";
import {
  batchOf,
  entriesOfRows,
  everyColumn,
  type TestEntry,
  testLabels,
} from "./chunk-test-kit.ts";
import { compressNow, decompressNow } from "./compression.ts";
import { blockWindows, decodeChunkBlock } from "./decode-block.ts";
import { inspectChunk, isLokiChunk } from "./inspect-chunk.ts";
import { blockRawBytesMax } from "./limits.ts";
import { openChunk } from "./open-chunk.ts";
import { verifyChunk } from "./verify-chunk.ts";

const key = "fake/ab/1:2:3";
const codecs: readonly ChunkCodec[] = ["none", "gzip", "lz4", "snappy", "flate", "zstd"];

const entries: readonly TestEntry[] = Array.from({ length: 60 }, (_, i) => ({
  ns: 1_735_689_600_000_000_000n + BigInt(i) * 1_000_000_000n,
  line: `line ${i} of the chunk`,
  metadata: { trace_id: `${i % 5}`, level: "info" },
}));

function chunkBytes(codec: ChunkCodec, version: 3 | 4 = 4): Buffer {
  const batch = batchOf(entries);
  const rows = [{ batch, fromRow: 0, toRow: batch.rowCount }];
  const stream = { tenant: "fake", labels: testLabels, rows };
  return buildChunksNow(stream, { version, codec, blockBytes: 400 })[0]!.bytes;
}

/** Reads all there is; returns the StoreErrors. Anything else thrown fails the test. */
function readAll(bytes: Buffer): unknown[] {
  const faults: unknown[] = [];
  const attempt = (task: () => void): void => {
    try {
      task();
    } catch (error) {
      assert.ok(isStoreError(error, "corrupt"), `${String(error)}`);
      assert.match(messageOf(error), /^fake\/ab\/1:2:3 at byte \d+: /);
      faults.push(error);
    }
  };
  let chunk: LokiChunk | undefined;
  attempt(() => (chunk = openChunk(key, bytes)));
  for (let i = 0; i < Math.min(chunk?.blocks.length ?? 0, 20); i++) {
    attempt(() => decodeChunkBlock(chunk!, i, everyColumn));
  }
  return faults;
}

for (const codec of codecs) {
  for (const version of [3, 4] as const) {
    const sound = chunkBytes(codec, version);
    test(`${codec}, version ${version}: any flipped bit is found, any cut is refused`, () => {
      assert.deepEqual(readAll(sound), []);
      const at = fc.nat({ max: sound.length - 1 });
      const flipped = fc.property(at, fc.nat({ max: 7 }), (offset, bit) => {
        const bytes = Buffer.from(sound);
        bytes[offset]! ^= 1 << bit;
        readAll(bytes);
        assert.ok(verifyChunk(`fake/ab/1:2:${crc32c(sound).toString(16)}`, bytes).length > 0);
        inspectChunk("x", bytes);
        assert.throws(() => openChunk(key, bytes, crc32c(sound)), /crc of the object/);
      });
      fc.assert(flipped, { seed: 11, numRuns: 150 });
      const cut = fc.property(at, (length) => {
        assert.ok(readAll(sound.subarray(0, length)).length > 0);
        assert.ok(verifyChunk(key, sound.subarray(0, length)).length > 0);
      });
      fc.assert(cut, { seed: 11, numRuns: 60 });
    });

    test(`${codec}, version ${version}: damage under right checksums never crashes`, () => {
      const { blocks } = openChunk(key, sound);
      const damage = fc.property(
        fc.nat({ max: blocks.length - 1 }),
        fc.nat({ max: 10_000 }),
        fc.nat({ max: 255 }),
        (index, where, value) => {
          const bytes = Buffer.from(sound);
          const { offset, storedBytes } = blocks[index]!;
          bytes[offset + (where % storedBytes)] = value;
          const end = offset + storedBytes;
          bytes.writeUInt32BE(crc32c(bytes.subarray(offset, end)), end);
          readAll(bytes);
          verifyChunk(key, bytes);
        },
      );
      fc.assert(damage, { seed: 5, numRuns: 150 });
    });
  }
}

test("arbitrary bytes are refused, and described", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 300 }), (raw) => {
    const bytes = Buffer.from(raw);
    assert.ok(readAll(bytes).length > 0);
    assert.ok(inspectChunk("x", bytes).problems.length > 0);
    assert.equal(isLokiChunk(bytes), false);
  });
  fc.assert(property, { seed: 3, numRuns: 300 });
});

test("a damaged block says where and which crc; the others can be read", () => {
  const bytes = chunkBytes("snappy");
  const { blocks } = openChunk(key, bytes);
  const { offset, storedBytes } = blocks[1]!;
  bytes[offset + 20]! ^= 1;
  const expected = bytes
    .readUInt32BE(offset + storedBytes)
    .toString(16)
    .padStart(8, "0");
  const chunk = openChunk(key, bytes);
  const message = new RegExp(`at byte ${offset}: block 1: has crc ${expected} but computed`);
  assert.throws(() => decodeChunkBlock(chunk, 1, everyColumn), message);
  const others = blocks.map((_, i) => i).filter((i) => i !== 1);
  const lines = others.flatMap((i) => entriesOfRows(decodeChunkBlock(chunk, i, everyColumn)));
  assert.equal(lines.length, entries.length - blocks[1]!.entryCount);
});

/** The object again with another body. */
function withBody(bytes: Buffer, change: (body: Buffer) => Buffer): Buffer {
  const headerEnd = bytes.readUInt32BE(0);
  const body = change(Buffer.from(bytes.subarray(headerEnd + 4)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([bytes.subarray(0, headerEnd), length, body]);
}

const crcOf = (bytes: Buffer): Buffer => {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32c(bytes));
  return crc;
};

const be64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

function varint(value: bigint): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Buffer.from(out);
}

const signed = (value: bigint): Buffer => varint(value >= 0n ? value * 2n : -value * 2n - 1n);

interface HandMade {
  readonly version: number;
  readonly codec?: number;
  readonly block: Buffer;
  readonly entryCount: number;
  /** What the table says instead of the truth. */
  readonly offset?: number;
  readonly bounds?: readonly [bigint, bigint];
}

/** A body of one block, versions 1 to 3. */
function handMadeBody({ version, codec = 0, block, entryCount, ...lies }: HandMade): Buffer {
  const start = Buffer.from([0x01, 0x2e, 0xe5, 0x6a, version, ...(version === 1 ? [] : [codec])]);
  const [min, max] = lies.bounds ?? [0n, 10n ** 18n];
  const table = Buffer.concat([
    varint(1n),
    varint(BigInt(entryCount)),
    signed(min),
    signed(max),
    varint(BigInt(lies.offset ?? start.length)),
    version === 3 ? varint(7n) : Buffer.alloc(0),
    varint(BigInt(block.length)),
  ]);
  const before = [start, block, crcOf(block)];
  const tableOffset = start.length + block.length + 4;
  return Buffer.concat([...before, table, crcOf(table), be64(tableOffset)]);
}

const record = (ns: bigint, line: string): Buffer =>
  Buffer.concat([signed(ns), varint(BigInt(Buffer.byteLength(line))), Buffer.from(line)]);

function handMade(options: HandMade): LokiChunk {
  return openChunk(
    key,
    withBody(chunkBytes("none", 3), () => handMadeBody(options)),
  );
}

const linesOf = (chunk: LokiChunk, needs = everyColumn): [bigint, string][] =>
  entriesOfRows(decodeChunkBlock(chunk, 0, needs)).map(({ ns, line }) => [ns, line]);

const two = Buffer.concat([record(5n, "a"), record(10n ** 15n, "ü\n")]);
for (const version of [1, 2, 3]) {
  test(`a body of version ${version}`, () => {
    const block = version === 1 ? gzipSync(two) : two;
    const chunk = handMade({ version, block, entryCount: 2 });
    assert.equal(chunk.codec, version === 1 ? "gzip" : "none");
    const expected = [
      [5n, "a"],
      [10n ** 15n, "ü\n"],
    ];
    assert.deepEqual(linesOf(chunk), expected);
  });
}

test("a wrong offset in the table is repaired when blocks are contiguous", () => {
  const chunk = handMade({ version: 3, block: two, entryCount: 2, offset: 9 });
  assert.equal(linesOf(chunk).length, 2);
});

test("both conventions of metaLen are read", () => {
  const bytes = chunkBytes("zstd");
  bytes.writeUInt32BE(bytes.readUInt32BE(0) - 4, 0);
  assert.deepEqual(readAll(bytes), []);
});

const unsorted: readonly (readonly [bigint, string])[] = [
  [7n, "c"],
  [-5n, "a"],
  [7n, "d"],
  [0n, "b"],
];

test("unsorted rows are sorted, equal times as they came; times before 1970 are times", () => {
  const block = Buffer.concat(unsorted.map(([ns, line]) => record(ns, line)));
  const chunk = handMade({ version: 3, block, entryCount: 4 });
  assert.deepEqual(
    linesOf(chunk).map(([ns, line]) => `${ns}${line}`),
    ["-5a", "0b", "7c", "7d"],
  );
});

test("a block that spans years is read window by window", () => {
  const year = 365n * 86_400n * 1_000_000_000n;
  const times = [-(2n ** 63n), 0n, 1n, year - 1n, year, 3n * year + 1n, 2n ** 63n - 1n];
  const block = Buffer.concat(times.map((ns) => record(ns, `${ns}`)));
  const bounds = [0n, 4n * year] as const;
  const chunk = handMade({ version: 3, block, entryCount: times.length, bounds });
  assert.throws(() => linesOf(chunk), /entries span 18446744073709551615 ns/);
  const found: string[] = [];
  const inner = blockWindows(chunk.blocks[0]!).slice(1, -1);
  for (const window of inner) {
    for (const { ns, line } of entriesOfRows(decodeChunkBlock(chunk, 0, everyColumn, window!))) {
      assert.equal(String(ns), line);
      found.push(line);
    }
  }
  assert.deepEqual(found, [`${year - 1n}`, `${year}`, `${3n * year + 1n}`]);
  assert.deepEqual(blockWindows({ ...chunk.blocks[0]!, maxNs: 1n }), [undefined]);
});

const wrongRows: readonly [name: string, block: Buffer, entryCount: number, message: RegExp][] = [
  ["more entries than bytes", two, 2 ** 40, /1099511627776 entries in a block of/],
  ["too few entries", two, 1, /bytes after 1 entries/],
  ["too many entries", two, 3, /entry 2|time of entry 2/],
  ["a line past the end", Buffer.from([2, 100, 1]), 1, /entry 0 is cut off/],
  ["a time that does not end", Buffer.alloc(20, 0xff), 1, /time of entry 0/],
  ["a length that does not end", Buffer.from([2, 0xff, 0xff]), 1, /length of entry 0/],
];
for (const [name, block, entryCount, message] of wrongRows) {
  test(`${name}: refused`, () => {
    const chunk = handMade({ version: 3, block, entryCount });
    assert.throws(() => linesOf(chunk), message);
  });
}

const zeros = Buffer.alloc(blockRawBytesMax + 1);
const bombs: readonly [name: ChunkCodec, codec: number, bytes: () => Buffer][] = [
  ["gzip", 1, () => gzipSync(zeros, { level: 1 })],
  ["flate", 8, () => deflateRawSync(zeros, { level: 1 })],
  ["zstd", 9, () => zstdCompressSync(zeros)],
  ["lz4", 7, () => compressNow("lz4", zeros)],
  ["snappy", 4, () => compressNow("snappy", zeros)],
];
for (const [name, codec, bytes] of bombs) {
  test(`a ${name} block of more than ${blockRawBytesMax / MiB} MiB is refused`, () => {
    const chunk = handMade({ version: 3, codec, block: bytes(), entryCount: 1 });
    assert.throws(() => linesOf(chunk), /at byte \d+: .*more than 134217728 bytes/);
  });
}

test("a snappy frame cannot claim more than 64 KiB", () => {
  const block = snappyCompress(Buffer.alloc(70_000));
  const frame = Buffer.alloc(8);
  frame.writeUIntLE(block.length + 4, 1, 3);
  const bytes = Buffer.concat([Buffer.from("ff060000734e61507059", "hex"), frame, block]);
  const chunk = handMade({ version: 3, codec: 4, block: bytes, entryCount: 1 });
  assert.throws(() => linesOf(chunk), /claims 70000 bytes/);
});

/** The object again with another header, in frames of the caller's making. */
function withHeader(bytes: Buffer, parts: readonly string[]): Buffer {
  const frames = parts.map((part) => compressNow("snappy", Buffer.from(part)));
  const header = Buffer.concat(frames.map((frame, i) => frame.subarray(i === 0 ? 0 : 10)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length + 4);
  return Buffer.concat([length, header, bytes.subarray(bytes.readUInt32BE(0))]);
}

const metric = '"metric":{"__name__":"logs","app":"a"}';
const json = `{"fingerprint":18446744073709551615,"userID":"t","from":1,"through":2000000000,${metric},"encoding":129}`;

test("headers in any order and spacing, without ingestedAt, with the older encoding", () => {
  const parsed = JSON.parse(json) as Record<string, unknown>;
  assert.equal(parsed["userID"], "t");
  const spaced = `\n{ "encoding": 128, ${metric}, "new": [1.5], "through": 1735689600.005,
    "from": 1735689600.5, "userID": "t", "fingerprint": 18446744073709551615 } `;
  const { header } = openChunk(key, withHeader(chunkBytes("none"), [spaced]));
  const { fingerprint, fromMs, throughMs, ingestedAtMs } = header;
  assert.equal(fingerprint, 2n ** 64n - 1n);
  assert.deepEqual([fromMs, throughMs, ingestedAtMs], [1735689600500, 1735689600005, 0]);
});

test("the verifier knows the framing trap and names that are no labels", () => {
  const bytes = chunkBytes("none");
  const texts = (parts: readonly string[]): string[] =>
    verifyChunk("chunk", withHeader(bytes, parts)).map(({ text }) => text);
  assert.deepEqual(texts([json.slice(0, 20), `${json.slice(20)}\n`]), []);
  assert.deepEqual(texts([json, "\n"]), ["a snappy frame begins after the end of the JSON"]);
  assert.deepEqual(texts([json.replace("logs", "metrics")]), [
    "the header's __name__ is metrics, not logs",
  ]);
  assert.match(
    texts([json.replace('"through":2000000000', '"through":2')])[0]!,
    /after the chunk's/,
  );
});

const badHeaders: readonly (readonly [string, RegExp])[] = [
  ["[]", /no JSON|not a JSON object/],
  ["{", /not JSON/],
  [json.replace("18446744073709551615", "18446744073709551616"), /fingerprint/],
  [json.replace("18446744073709551615", '"1"'), /fingerprint/],
  [json.replace('"t"', "5"), /userID/],
  [json.replace('"a"', "5"), /label app/],
  [json.replace("129", "130"), /encoding is 130/],
  [json.replace('"from":1', '"from":"x"'), /from is no time/],
];
for (const [text, message] of badHeaders) {
  test(`the header ${text.slice(0, 40)}… is refused: ${message.source}`, () => {
    const bytes = withHeader(chunkBytes("none"), [text]);
    assert.throws(() => openChunk(key, bytes), message);
  });
}

/** A body of version 4 with symbols and pairs of the caller's making. */
function version4(symbols: readonly string[], pairs: readonly (readonly number[])[]): LokiChunk {
  const strings = symbols.map((text) => [
    varint(BigInt(Buffer.byteLength(text))),
    Buffer.from(text),
  ]);
  const section = Buffer.concat([varint(BigInt(symbols.length)), ...strings.flat()]);
  const records = pairs.map((ids, row) => {
    const numbers = Buffer.from([ids.length / 2, ...ids]);
    return Buffer.concat([signed(BigInt(row)), Buffer.from([0, numbers.length]), numbers]);
  });
  const block = Buffer.concat(records);
  const start = Buffer.concat([
    Buffer.from([0x01, 0x2e, 0xe5, 0x6a, 4, 0]),
    section,
    crcOf(section),
  ]);
  const numbers = [start.length, 0, block.length].map((value) => varint(BigInt(value)));
  const times = [signed(0n), signed(BigInt(pairs.length))];
  const table = Buffer.concat([varint(1n), varint(BigInt(pairs.length)), ...times, ...numbers]);
  const tableOffset = start.length + block.length + 4;
  const tail = [section.length, 6, table.length, tableOffset].map(be64);
  const body = Buffer.concat([start, block, crcOf(block), table, crcOf(table), ...tail]);
  return openChunk(
    key,
    withBody(chunkBytes("none"), () => body),
  );
}

test("stored names are rewritten, an unusable one loses only its pair", () => {
  const symbols = ["span.id", "1", "span_id", "имя", "2", "1"];
  const chunk = version4(symbols, [[0, 1], [2, 4, 3, 1], [2, 5], [9, 1], [0, 9], []]);
  const rows = decodeChunkBlock(chunk, 0, everyColumn);
  assert.deepEqual(
    entriesOfRows(rows).map(({ metadata }) => metadata),
    [{ span_id: "1" }, { span_id: "2" }, { span_id: "1" }, {}, { span_id: "" }, {}],
  );
  assert.deepEqual(rows.metadata[0]!.values.texts(), ["1", "2", ""], "values are distinct");
  assert.equal(rows.droppedPairCount, 2);
  const texts = verifyChunk(key, chunk.bytes).map(({ text }) => text);
  assert.ok(
    texts.some((text) => /no label name, symbol 0/.test(text)),
    texts.join("\n"),
  );
  const some = decodeChunkBlock(chunk, 0, { lines: false, lengths: false, metadata: ["other"] });
  assert.deepEqual([some.metadata, some.lengths], [[], undefined]);
});

test("pairs that do not fill their length are refused", () => {
  const chunk = version4(["a"], [[0, 0]]);
  const { offset, storedBytes } = chunk.blocks[0]!;
  chunk.bytes[offset + 3] = 2;
  const end = offset + storedBytes;
  chunk.bytes.writeUInt32BE(crc32c(chunk.bytes.subarray(offset, end)), end);
  assert.throws(() => decodeChunkBlock(chunk, 0, everyColumn), /metadata of an entry is cut off/);
});

test("lz4 frames of other writers: linked blocks, checksums, content size", () => {
  const place = { key, offset: 0 };
  const limits = { rawBytesMax: 1000, rawBytesHint: 10 };
  const unpack = (hex: string): string =>
    decompressNow({ codec: "lz4", bytes: Buffer.from(hex, "hex"), place, ...limits }).toString();
  // "abcd" stored, then a match of 8 bytes 4 back, which only a linked block may have.
  const blocks = "0400008061626364" + "03000000" + "040400";
  assert.equal(unpack(`04224d18404000${blocks}00000000`), "abcdabcdabcd");
  assert.throws(() => unpack(`04224d18604000${blocks}00000000`), /cannot be decompressed/);
  const sized = "04224d1868400400000000000000ff";
  assert.equal(unpack(`${sized}040000806162636400000000`), "abcd");
});
