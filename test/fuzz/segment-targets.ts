/** The native store: keys, footers, columns, filters and what other rooms keep in segments. */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { SparseSet } from "#columns";
import { makeMatcher } from "#logql";
import { dayStartNs, Labels, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { decodePatterns, encodePatterns, mergePatternSections } from "#patterns";
import { readFields } from "#pipeline";
import {
  buildSegment,
  decodeFooter,
  formatSegmentKey,
  inspectSegment,
  parseSegmentKey,
  SegmentStore,
} from "#segment";
import { type Block, newReadCounters } from "#storage";
import { seededRandom } from "#world";
import { decodeErased, encodeErased } from "../../src/lifecycle/erased-section.ts";
import { blockRefOf, type SegmentBlockRef } from "../../src/segment/block-ref.ts";
import { unpackPartNow } from "../../src/segment/compression.ts";
import { decodeBlock, neededColumns } from "../../src/segment/decode-block.ts";
import type { SegmentFooter } from "../../src/segment/footer.ts";
import { segmentStreamsOf } from "../../src/segment/plain-entries.ts";
import { tenantOfFolder } from "../../src/segment/segment-key.ts";
import { packTrigrams, TrigramSet } from "../../src/segment/trigram-set.ts";
import { packSparseSet } from "../../src/columns/sparse-set.ts";
import { fileOf, isCorrupt, mayReject, mayThrow, texts } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";
import { joinParts, splitParts } from "./parts.ts";
import { sealSegment } from "./seals.ts";

const trailerBytes = 32;
const everything = { lines: true, lengths: true, metadata: "all" } as const;
/** Of the first golden segment: a footer must be of the tenant, day and id that its key names. */
const goldenId = "019ad5c3e8000123456789abcdef";
const golden = [1, 2].map((n) => fileOf(`src/segment/testdata/golden-${n}.seg`));

function footerOf(bytes: Buffer): SegmentFooter {
  const tableAt = Number(bytes.readBigUInt64LE(bytes.length - trailerBytes));
  const bodyBytes = Number(bytes.readBigUInt64LE(tableAt + 8));
  return decodeFooter({ name: "golden", bytes: bytes.subarray(bodyBytes), bodyBytes });
}

/** Numbers of more than one shape. */
const sizeText = (i: number): string => (i % 2 === 0 ? `${200 + i}KB` : `${i}.5MB`);

/** Fields as columns, numbers among them, and filters of every kind. */
async function fieldsSegment(): Promise<Buffer> {
  const start = dayStartNs(20_513);
  // Fields become columns when they are small beside their lines.
  const random = seededRandom(1);
  const pad = (): string => random.bytes(60).toString("base64");
  const entries = Array.from({ length: 90 }, (_, i) => ({
    timeNs: start + BigInt(i),
    line: `level=info took=${100 + i}.25ms size=${sizeText(i)} pad=${pad()} n=${i % 3}`,
    metadata: { trace_id: `t${i}` },
  }));
  const streams = segmentStreamsOf([{ labels: { app: "fat" }, entries }]);
  const input = { tenant: "golden", day: 20_513, streams, journal: [], replaces: [] };
  const how = { fields: readFields, filters: "all", filteredFromBytes: 0 } as const;
  const { parts } = await buildSegment(input, { id: goldenId, ...how });
  return Buffer.concat(parts);
}

golden.push(await fieldsSegment());
const footers = golden.map(footerOf);
/** Bodies of segments that are made of sections alone. */
const bodyBytes = 4096;
const magic = Buffer.from("SKALDSG1", "latin1");

/** A whole segment of five raw sections, every checksum right. */
function segmentOf(sections: readonly Buffer[]): Buffer {
  const body = Buffer.alloc(bodyBytes);
  magic.copy(body);
  const table = Buffer.alloc(sections.length * 24);
  let offset = bodyBytes;
  for (const [i, section] of sections.entries()) {
    const at = i * 24;
    table.writeUInt16LE(i + 1, at);
    table.writeUInt32LE(crc32(section), at + 4);
    table.writeBigUInt64LE(BigInt(offset), at + 8);
    table.writeUInt32LE(section.length, at + 16);
    table.writeUInt32LE(section.length, at + 20);
    offset += section.length;
  }
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeBigUInt64LE(BigInt(offset), 0);
  trailer.writeUInt32LE(table.length, 8);
  trailer.writeUInt32LE(1, 16);
  magic.copy(trailer, 24);
  return sealSegment(Buffer.concat([body, ...sections, table, trailer]));
}

/** The five sections of a footer, unpacked. */
function sectionsOf(bytes: Buffer, footer: SegmentFooter): Buffer[] {
  return footer.sections.slice(0, 5).map((section) => {
    const stored = bytes.subarray(section.offset, section.offset + section.storedBytes);
    const origin = { key: "golden", offset: section.offset, part: "section" };
    return unpackPartNow(stored, section, origin);
  });
}

/** A vector of 32 million times 0, which takes no bytes. */
const millionsOfSymbols = Buffer.from("80808010" + "00" + "00", "hex");

const keyOf = (bytes: Buffer, footerBytes: number): string => {
  const times = "00000000000000-86399999999999";
  const sizes = `0-${Math.max(0, bytes.length - footerBytes)}-${Math.min(bytes.length, footerBytes)}`;
  return `v1/golden/2026-03-01/${times}-${goldenId}-${sizes}.seg`;
};

/** Whatever a segment says, questions are answered, with a warning when it cannot be read. */
async function question(bytes: Buffer, footerBytes: number): Promise<void> {
  const key = keyOf(bytes, footerBytes);
  const objects = new MemoryObjectStore({ nowMs: () => 0 });
  await objects.put(key, bytes);
  const store = new SegmentStore({ objects });
  const from = dayStartNs(parseSegmentKey(key).day);
  const range = { fromNs: from, toNs: from + nsPerDay };
  const matchers = [makeMatcher("app", "=~", "f.*|thin")];
  const select = { tenant: "golden", range, matchers };
  const warn = (): void => undefined;
  const options = { signal: new AbortController().signal, counters: newReadCounters(), warn };
  await mayReject(isCorrupt, async () => {
    const skip = { lineTerms: [[Buffer.from("request")]] };
    const { blocks } = await store.plan(select, skip, options);
    for await (const block of store.read(blocks, everything, options)) look(block);
  });
  await mayReject(isCorrupt, () => store.series(select, options));
  await mayReject(isCorrupt, () => store.labelNames(select, options));
  await mayReject(isCorrupt, () => store.labelValues(select, "pod", options));
  await mayReject(isCorrupt, () => store.volumes(select, options));
  await mayReject(isCorrupt, () => store.sections(select, 160, options));
}

/** Every row can be read, and lies where the column has bytes. */
function look({ rowCount, offsets, lines, lengths, metadata, fields = [] }: Block): void {
  assert.equal(offsets.length, rowCount, "times");
  assert.ok(lengths === undefined || lengths.length === rowCount, "lengths");
  for (let row = 0; row < rowCount; row++) lines?.text(row);
  for (const { ids, values } of [...metadata, ...fields]) {
    assert.equal(ids.length, rowCount, "ids");
    for (const id of ids) if (id !== 0) values.text(id - 1);
  }
}

/** What the footer says of a stored column. */
function partOf({ blocks }: SegmentFooter, column: number) {
  const { storedBytes, rawBytes, encodings, crcs } = blocks.columns;
  return {
    storedBytes: storedBytes[column]!,
    rawBytes: rawBytes[column]!,
    encoding: encodings[column]!,
    crc: crcs[column]!,
  };
}

interface Columns {
  readonly ref: SegmentBlockRef;
  readonly numbers: readonly number[];
  readonly raw: readonly Buffer[];
}

const parsers = ["json", "logfmt"] as const;

/** Larger blocks only make slow inputs. */
const columnBytesMax = 16_000;

/** The columns of small blocks of the golden segments, as they are unpacked. */
const columns: readonly Columns[] = footers
  .flatMap((footer, n) =>
    Array.from({ length: footer.blocks.count }, (_, block) => columnsOf(footer, n, block)),
  )
  .filter(({ raw }) => raw.reduce((sum, { length }) => sum + length, 0) <= columnBytesMax);

function columnsOf(footer: SegmentFooter, n: number, block: number): Columns {
  const first = footer.blocks.runStarts[block]!;
  const count = footer.blocks.runStarts[block + 1]! - first;
  const runs = Array.from({ length: count }, (_, i) => first + i);
  const ref = blockRefOf(footer, { block, runs });
  const numbers = neededColumns(ref, needsOf(ref));
  const raw = numbers.map((column) => {
    const from = footer.blocks.columns.offsets[column]!;
    const part = partOf(footer, column);
    const stored = golden[n]!.subarray(from, from + part.storedBytes);
    return unpackPartNow(stored, part, { key: "golden", offset: from, part: "column" });
  });
  return { ref, numbers, raw };
}

function needsOf({ columns: { fieldParser, fields } }: SegmentBlockRef) {
  const parser = parsers.find((one) => one === fieldParser);
  const names = fields.filter(({ isStored }) => isStored).map(({ name }) => name);
  const wanted = parser && { parser, names, insteadOfLines: false };
  return { ...everything, fields: wanted };
}

const columnInput = ({ raw }: Columns, which: number): Buffer =>
  joinParts([Buffer.from([which]), ...raw]);

function decodeColumns(input: Buffer): void {
  const [which = Buffer.alloc(0), ...parts] = splitParts(input, 64);
  const { ref, numbers } = columns[(which[0] ?? 0) % columns.length]!;
  const raw = new Map<number, Buffer>();
  for (const [i, column] of numbers.entries()) {
    // Unpacking has checked how long the lines are; the others are read to their end.
    const isLines = column === ref.columns.lines;
    const part = parts[i] ?? Buffer.alloc(0);
    const { rawBytes } = partOf(ref.footer, column);
    raw.set(column, isLines ? Buffer.concat([part], rawBytes) : part);
  }
  mayThrow(isCorrupt, () => look(decodeBlock(ref, raw, needsOf(ref))));
}

function trigramSeed(): Buffer {
  const marks = new Uint8Array(2 ** 18);
  for (let i = 0; i < marks.length; i += 997) marks[i] = 1;
  return packTrigrams(marks);
}

const sparseShape = { universe: 5_000, lowBits: 5 };
const sparseSeed = packSparseSet(Uint32Array.from([1, 7, 500, 501, 4_999]), 5, sparseShape);

const patternSeed = encodePatterns([
  {
    labels: Labels.from({ app: "a", pod: "p" }),
    level: "info",
    text: "GET <_> took <_>",
    buckets: [
      [1, 3],
      [9, 2],
    ],
  },
  { labels: Labels.from({ app: "b" }), level: "", text: "x", buckets: [[8_000, 1]] },
]);

export const segmentTargets: readonly FuzzTarget[] = [
  {
    name: "segment",
    seeds: [golden[0]!, golden[2]!],
    sealed: sealSegment,
    run: async (bytes) => {
      inspectSegment("fuzzed", bytes);
      await question(bytes, 1_000);
    },
  },
  {
    name: "segment-footer",
    seeds: [
      joinParts(sectionsOf(golden[0]!, footers[0]!)),
      joinParts(sectionsOf(golden[0]!, footers[0]!).with(1, millionsOfSymbols)),
      joinParts(sectionsOf(golden[2]!, footers[2]!)),
    ],
    words: ['"day":1e15', '"replaces":[', "null", "-1", "#part#"],
    run: async (input) => {
      const bytes = segmentOf(splitParts(input, 5));
      inspectSegment("fuzzed", bytes);
      await question(bytes, bytes.length - bodyBytes);
    },
  },
  {
    name: "segment-columns",
    seeds: columns.map(columnInput),
    run: decodeColumns,
  },
  {
    name: "segment-filters",
    seeds: [trigramSeed(), sparseSeed],
    run: (bytes) => {
      const trigrams = TrigramSet.open(bytes);
      for (let i = 0; i < 2 ** 18; i += 1_001) trigrams?.has(i);
      const sparse = SparseSet.open(bytes);
      for (let i = 0; i < 5_000; i += 7) sparse?.has(i);
    },
  },
  {
    name: "segment-key",
    seeds: texts(
      keyOf(golden[0]!, 500),
      `v1/%2E%2E/2026-01-10/00000000000001-00000000000000-${"f".repeat(28)}-1-2-3.seg`,
      "v1/a%/2026-13-41/",
    ),
    words: ["%", "%2F", "/", "..", "-", "9999-12-31", "0000-00-00"],
    run: (bytes) => {
      const text = bytes.toString();
      const key = mayThrow(isCorrupt, () => parseSegmentKey(text));
      if (key !== undefined) assert.deepEqual(parseSegmentKey(formatSegmentKey(key)), key);
      tenantOfFolder(text);
    },
  },
  {
    name: "patterns",
    seeds: [patternSeed, encodePatterns([]), Buffer.from("PTRN\u0001")],
    run: (bytes) => {
      mayThrow(isCorrupt, () => decodePatterns(bytes));
      mayThrow(isCorrupt, () => mergePatternSections([bytes, patternSeed]));
    },
  },
  {
    name: "erased-section",
    seeds: [encodeErased(new Map([["00000001", { lines: 3, bytes: 40 }]])), ...texts("{}", "[]")],
    words: ["null", "[]", "{}", "-1", "1e400", '"lines":', '"__proto__":'],
    run: (bytes) => mayThrow(isCorrupt, () => decodeErased(bytes)),
  },
];
