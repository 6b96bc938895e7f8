/** Footer tables → bytes. Byte layout: docs/formats/segment.md. */
import assert from "node:assert";
import zlib from "node:zlib";
import { packUints } from "#columns";
import type { Labels } from "#model";
import { nextTurn } from "#world";
import type { RawRun } from "./block-builder.ts";
import { packPart, type StoredPart } from "./compression.ts";
import { BlockFlag, type SectionFacts, SectionKind, type SegmentInfo } from "./footer.ts";
import {
  rawBytesMax,
  sectionEntryBytes,
  segmentMagic,
  segmentVersion,
  trailerBytes,
} from "./limits.ts";
import { SymbolNumbers } from "./symbol-numbers.ts";

/** A block that has its place in the object. */
export interface PlacedBlock {
  readonly runs: readonly RawRun[];
  readonly isAscii: boolean;
  readonly hasInnerNewline: boolean;
  readonly columns: readonly PlacedColumn[];
}

export interface PlacedColumn extends StoredPart {
  readonly kind: number;
  readonly name: string;
  readonly offset: number;
}

export interface FooterContent {
  readonly info: SegmentInfo;
  /** Sorted; the position is the stream's number. */
  readonly labels: readonly Labels[];
  readonly blocks: readonly PlacedBlock[];
  /** Sections that lie before the footer; listed behind its own. */
  readonly extraSections: readonly SectionFacts[];
  /** Where the footer will start. */
  readonly bodyBytes: number;
  readonly level: number;
}

/** Streams, runs or texts between two turns of the event loop: a few milliseconds of work. */
const itemsPerTurn = 8192;

export async function encodeFooter(content: FooterContent): Promise<Buffer> {
  const symbols = new SymbolNumbers();
  const table = await tableOf(content.labels, symbols);
  for (const block of content.blocks) {
    for (const column of block.columns) symbols.add(column.name);
    for (const run of block.runs) for (const level of run.levels.keys()) symbols.add(level);
    if (block.runs.length > itemsPerTurn) await nextTurn();
  }
  await symbols.number();
  symbols.renumber(table.names);
  symbols.renumber(table.values);
  const raw: [kind: number, bytes: () => Buffer | Promise<Buffer>][] = [
    [SectionKind.info, () => Buffer.from(JSON.stringify(content.info))],
    [SectionKind.symbols, () => symbols.encode()],
    [SectionKind.streams, () => encodeStreams(content.labels, table)],
    [SectionKind.postings, () => encodePostings(table, symbols.count)],
    [SectionKind.blocks, () => encodeBlocks(content.blocks, symbols)],
  ];
  const { extraSections } = content;
  const parts: Buffer[] = [];
  const sections = Buffer.alloc((raw.length + extraSections.length) * sectionEntryBytes);
  let offset = content.bodyBytes;
  for (const [index, [kind, encode]] of raw.entries()) {
    const bytes = await encode();
    assert(bytes.length <= rawBytesMax, `footer section ${kind} of ${bytes.length} bytes`);
    const part = await packPart(bytes, content.level);
    writeSectionEntry(sections, index * sectionEntryBytes, { ...part, kind, offset });
    parts.push(part.bytes);
    offset += part.storedBytes;
  }
  for (const [index, section] of extraSections.entries()) {
    writeSectionEntry(sections, (raw.length + index) * sectionEntryBytes, section);
  }
  return Buffer.concat([...parts, sections, encodeTrailer(sections, offset)]);
}

function writeSectionEntry(
  table: Buffer,
  at: number,
  entry: StoredPart & { kind: number; offset: number },
): void {
  table.writeUInt16LE(entry.kind, at);
  table.writeUInt16LE(entry.encoding, at + 2);
  table.writeUInt32LE(entry.crc, at + 4);
  table.writeBigUInt64LE(BigInt(entry.offset), at + 8);
  table.writeUInt32LE(entry.storedBytes, at + 16);
  table.writeUInt32LE(entry.rawBytes, at + 20);
}

function encodeTrailer(table: Buffer, tableOffset: number): Buffer {
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeBigUInt64LE(BigInt(tableOffset), 0);
  trailer.writeUInt32LE(table.length, 8);
  trailer.writeUInt32LE(zlib.crc32(table), 12);
  trailer.writeUInt32LE(segmentVersion, 16);
  trailer.writeUInt32LE(zlib.crc32(trailer.subarray(0, 20)), 20);
  segmentMagic.copy(trailer, 24);
  return trailer;
}

/** Label pairs of all streams; names and values are symbols. */
interface LabelTable {
  readonly pairCounts: Uint32Array;
  readonly names: Uint32Array;
  readonly values: Uint32Array;
}

/** Names and values are numbered by first use, until `SymbolNumbers.renumber`. */
async function tableOf(streams: readonly Labels[], symbols: SymbolNumbers): Promise<LabelTable> {
  const pairCounts = Uint32Array.from(streams, (labels) => labels.size);
  const pairCount = pairCounts.reduce((sum, count) => sum + count, 0);
  const names = new Uint32Array(pairCount);
  const values = new Uint32Array(pairCount);
  let at = 0;
  for (let stream = 0; stream < streams.length; stream++) {
    for (const [name, value] of streams[stream]!.pairs) {
      names[at] = symbols.add(name);
      values[at++] = symbols.add(value);
    }
    if (stream % itemsPerTurn === itemsPerTurn - 1) await nextTurn();
  }
  return { pairCounts, names, values };
}

async function encodeStreams(streams: readonly Labels[], table: LabelTable): Promise<Buffer> {
  const fingerprints = Buffer.alloc(streams.length * 8);
  for (let stream = 0; stream < streams.length; stream++) {
    fingerprints.writeBigUInt64LE(streams[stream]!.fingerprint, stream * 8);
    if (stream % itemsPerTurn === itemsPerTurn - 1) await nextTurn();
  }
  const vectors = [table.pairCounts, table.names, table.values];
  return Buffer.concat([...vectors.map((vector) => packUints(vector)), fingerprints]);
}

/** Pairs by name, then value, then stream; then neighbours of one value are joined to runs. */
async function encodePostings(table: LabelTable, symbolCount: number): Promise<Buffer> {
  const pairCount = table.names.length;
  const streamOf = new Uint32Array(pairCount);
  let at = 0;
  for (let stream = 0; stream < table.pairCounts.length; stream++) {
    for (let i = 0; i < table.pairCounts[stream]!; i++) streamOf[at++] = stream;
  }
  const inOrder = Uint32Array.from({ length: pairCount }, (_, i) => i);
  await nextTurn();
  const byValue = orderedBy(table.values, inOrder, symbolCount);
  await nextTurn();
  const order = orderedBy(table.names, byValue, symbolCount);
  await nextTurn();
  const names = new Vector(16);
  const valueCounts = new Vector(16);
  const values = new Vector(1024);
  const runCounts = new Vector(1024);
  const gaps = new Vector(1024);
  const lengths = new Vector(1024);
  let [name, value, end] = [-1, -1, 0];
  for (const pair of order) {
    const stream = streamOf[pair]!;
    const isNewName = table.names[pair] !== name;
    if (isNewName) {
      names.push((name = table.names[pair]!));
      valueCounts.push(0);
    }
    if (isNewName || table.values[pair] !== value) {
      values.push((value = table.values[pair]!));
      valueCounts.addToLast(1);
      runCounts.push(0);
      end = 0;
    }
    if (runCounts.last > 0 && stream === end) lengths.addToLast(1);
    else {
      gaps.push(stream - end);
      lengths.push(1);
      runCounts.addToLast(1);
    }
    end = stream + 1;
  }
  const vectors = [names, valueCounts, values, runCounts, gaps, lengths];
  return Buffer.concat(vectors.map((vector) => vector.pack()));
}

/** Items of `order`, sorted by their key, which is below `keyCount`; equal ones stay in order. */
function orderedBy(keys: Uint32Array, order: Uint32Array, keyCount: number): Uint32Array {
  const starts = new Uint32Array(keyCount + 1);
  for (const key of keys) starts[key + 1]!++;
  for (let key = 0; key < keyCount; key++) starts[key + 1]! += starts[key]!;
  const sorted = new Uint32Array(order.length);
  for (const item of order) sorted[starts[keys[item]!]!++] = item;
  return sorted;
}

/** Numbers that grow; no array of a million doubles on the way. */
class Vector {
  #values: Uint32Array;
  #count = 0;

  constructor(capacity: number) {
    this.#values = new Uint32Array(capacity);
  }

  get last(): number {
    return this.#values[this.#count - 1]!;
  }

  push(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Uint32Array(this.#count * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = value;
  }

  addToLast(by: number): void {
    this.#values[this.#count - 1]! += by;
  }

  pack(): Buffer {
    return packUints(this.#values, this.#count);
  }
}

async function encodeBlocks(
  blocks: readonly PlacedBlock[],
  symbols: SymbolNumbers,
): Promise<Buffer> {
  const runs = blocks.flatMap((block) => block.runs);
  const columns = blocks.flatMap((block) => block.columns);
  const levels = runs.flatMap((run) => (run.levels.size === 0 ? [] : [...run.levels]));
  const vectors = [
    () => pack(blocks, (block) => flagsOf(block)),
    () => pack(blocks, (block) => block.runs.length),
    () => pack(blocks, (block) => block.columns.length),
    () => pack(runs, (run) => run.stream),
    () => pack(runs, (run) => run.toRow - run.fromRow),
    () => pack(runs, (run) => run.lineBytes),
    () => pack(runs, (run) => run.minOffset),
    () => pack(runs, (run) => run.maxOffset - run.minOffset),
    () => pack(runs, (run) => run.levels.size),
    () => pack(levels, ([level]) => symbols.of(level)),
    () => pack(levels, ([, count]) => count),
    () => pack(columns, (column) => column.kind),
    () => pack(columns, (column) => symbols.of(column.name)),
    () => pack(columns, (column) => column.offset),
    () => pack(columns, (column) => column.storedBytes),
    () => pack(columns, (column) => column.rawBytes),
    () => pack(columns, (column) => column.encoding),
    () => pack(columns, (column) => column.crc),
  ];
  const parts: Buffer[] = [];
  for (const vector of vectors) {
    parts.push(vector());
    if (runs.length > itemsPerTurn) await nextTurn();
  }
  return Buffer.concat(parts);
}

function flagsOf(block: PlacedBlock): number {
  return (
    (block.isAscii ? BlockFlag.ascii : 0) | (block.hasInnerNewline ? BlockFlag.innerNewline : 0)
  );
}

function pack<T>(items: readonly T[], valueOf: (item: T) => number): Buffer {
  const values = new Float64Array(items.length);
  for (let i = 0; i < items.length; i++) values[i] = valueOf(items[i]!);
  return packUints(values);
}
