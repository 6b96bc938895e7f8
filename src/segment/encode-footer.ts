/** Footer tables → bytes. Byte layout: docs/formats/segment.md. */
import assert from "node:assert";
import zlib from "node:zlib";
import { packUints } from "#columns";
import { compareText, type Labels } from "#model";
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

export async function encodeFooter(content: FooterContent): Promise<Buffer> {
  const symbols = new SymbolNumbers(content);
  const raw: [kind: number, bytes: Buffer][] = [
    [SectionKind.info, Buffer.from(JSON.stringify(content.info))],
    [SectionKind.symbols, symbols.encode()],
    [SectionKind.streams, encodeStreams(content.labels, symbols)],
    [SectionKind.postings, encodePostings(content.labels, symbols)],
    [SectionKind.blocks, encodeBlocks(content.blocks, symbols)],
  ];
  const parts: Buffer[] = [];
  const { extraSections } = content;
  const table = Buffer.alloc((raw.length + extraSections.length) * sectionEntryBytes);
  let offset = content.bodyBytes;
  for (const [index, [kind, bytes]] of raw.entries()) {
    assert(bytes.length <= rawBytesMax, `footer section ${kind} of ${bytes.length} bytes`);
    const part = await packPart(bytes, content.level);
    writeSectionEntry(table, index * sectionEntryBytes, { ...part, kind, offset });
    parts.push(part.bytes);
    offset += part.storedBytes;
  }
  for (const [index, section] of extraSections.entries()) {
    writeSectionEntry(table, (raw.length + index) * sectionEntryBytes, section);
  }
  return Buffer.concat([...parts, table, encodeTrailer(table, offset)]);
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

/** Every text of the footer once, numbered in order. */
class SymbolNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[];

  constructor(content: FooterContent) {
    const texts = new Set<string>([""]);
    for (const labels of content.labels) {
      for (const [name, value] of labels.pairs) texts.add(name).add(value);
    }
    for (const block of content.blocks) {
      for (const column of block.columns) texts.add(column.name);
      for (const run of block.runs) for (const level of run.levels.keys()) texts.add(level);
    }
    this.#texts = [...texts].sort(compareText);
    for (const [index, text] of this.#texts.entries()) this.#numbers.set(text, index);
  }

  of(text: string): number {
    return this.#numbers.get(text)!;
  }

  encode(): Buffer {
    const bytes = this.#texts.map((text) => Buffer.from(text));
    const lengths = Uint32Array.from(bytes, (text) => text.length);
    return Buffer.concat([packUints(lengths), ...bytes]);
  }
}

function encodeStreams(streams: readonly Labels[], symbols: SymbolNumbers): Buffer {
  const pairCounts: number[] = [];
  const names: number[] = [];
  const values: number[] = [];
  const fingerprints = Buffer.alloc(streams.length * 8);
  for (const [index, labels] of streams.entries()) {
    pairCounts.push(labels.size);
    for (const [name, value] of labels.pairs) {
      names.push(symbols.of(name));
      values.push(symbols.of(value));
    }
    fingerprints.writeBigUInt64LE(labels.fingerprint, index * 8);
  }
  return Buffer.concat([pack(pairCounts), pack(names), pack(values), fingerprints]);
}

/** Streams of one label value, as runs of neighbours. */
interface PostingRuns {
  readonly gaps: number[];
  readonly lengths: number[];
  /** End of the last run. */
  end: number;
}

function encodePostings(streams: readonly Labels[], symbols: SymbolNumbers): Buffer {
  const byName = new Map<number, Map<number, PostingRuns>>();
  for (const [stream, labels] of streams.entries()) {
    for (const [name, value] of labels.pairs) addPosting(byName, symbols, { name, value, stream });
  }
  const names = [...byName.keys()].sort((a, b) => a - b);
  const valueCounts: number[] = [];
  const values: number[] = [];
  const runCounts: number[] = [];
  const gaps: number[] = [];
  const lengths: number[] = [];
  for (const name of names) {
    const byValue = [...byName.get(name)!].sort((a, b) => a[0] - b[0]);
    valueCounts.push(byValue.length);
    for (const [value, runs] of byValue) {
      values.push(value);
      runCounts.push(runs.gaps.length);
      for (const gap of runs.gaps) gaps.push(gap);
      for (const length of runs.lengths) lengths.push(length);
    }
  }
  const vectors = [names, valueCounts, values, runCounts, gaps, lengths];
  return Buffer.concat(vectors.map((vector) => pack(vector)));
}

function addPosting(
  byName: Map<number, Map<number, PostingRuns>>,
  symbols: SymbolNumbers,
  posting: { name: string; value: string; stream: number },
): void {
  const name = symbols.of(posting.name);
  const value = symbols.of(posting.value);
  let byValue = byName.get(name);
  if (byValue === undefined) byName.set(name, (byValue = new Map()));
  let runs = byValue.get(value);
  if (runs === undefined) byValue.set(value, (runs = { gaps: [], lengths: [], end: 0 }));
  if (runs.gaps.length > 0 && runs.end === posting.stream) {
    runs.lengths[runs.lengths.length - 1]!++;
  } else {
    runs.gaps.push(posting.stream - runs.end);
    runs.lengths.push(1);
  }
  runs.end = posting.stream + 1;
}

function encodeBlocks(blocks: readonly PlacedBlock[], symbols: SymbolNumbers): Buffer {
  const runs = blocks.flatMap((block) => block.runs);
  const columns = blocks.flatMap((block) => block.columns);
  const levels = runs.flatMap((run) => [...run.levels]);
  const vectors = [
    blocks.map((block) => flagsOf(block)),
    blocks.map((block) => block.runs.length),
    blocks.map((block) => block.columns.length),
    runs.map((run) => run.stream),
    runs.map((run) => run.toRow - run.fromRow),
    runs.map((run) => run.lineBytes),
    runs.map((run) => run.minOffset),
    runs.map((run) => run.maxOffset - run.minOffset),
    runs.map((run) => run.levels.size),
    levels.map(([level]) => symbols.of(level)),
    levels.map(([, count]) => count),
    columns.map((column) => column.kind),
    columns.map((column) => symbols.of(column.name)),
    columns.map((column) => column.offset),
    columns.map((column) => column.storedBytes),
    columns.map((column) => column.rawBytes),
    columns.map((column) => column.encoding),
    columns.map((column) => column.crc),
  ];
  return Buffer.concat(vectors.map((vector) => pack(vector)));
}

function flagsOf(block: PlacedBlock): number {
  return (
    (block.isAscii ? BlockFlag.ascii : 0) | (block.hasInnerNewline ? BlockFlag.innerNewline : 0)
  );
}

function pack(values: readonly number[]): Buffer {
  return packUints(Float64Array.from(values));
}
