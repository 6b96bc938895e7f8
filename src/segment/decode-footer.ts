/**
 * Bytes → footer tables. Every count is checked before it sizes anything. Byte layout:
 * docs/formats/segment.md.
 */
import zlib from "node:zlib";
import { KiB, type StoreError } from "#base";
import { startsOf } from "#columns";
import { compareText, type LabelPair, Labels } from "#model";
import { nextTurn } from "#world";
import { type ByteOrigin, ByteReader, corrupt } from "./byte-reader.ts";
import { unpackPartNow } from "./compression.ts";
import { decodeBlocks } from "./decode-block-table.ts";
import {
  optionalSectionsFrom,
  type Postings,
  type SectionFacts,
  SectionKind,
  type SegmentFooter,
  type StreamTable,
  type SymbolTable,
} from "./footer.ts";
import { decodeInfo } from "./decode-info.ts";
import {
  footerBytesMax,
  rawBytesMax,
  sectionCountMax,
  sectionEntryBytes,
  segmentMagic,
  segmentStreamsMax,
  segmentVersion,
  tableEntriesMax,
  trailerBytes,
} from "./limits.ts";
import type { SharedLabels } from "./shared-labels.ts";

/** The last bytes of an object. */
export interface FooterBytes {
  /** The object's key, or the file's name. */
  readonly name: string;
  readonly bytes: Buffer;
  /** Where in the object `bytes` starts: the length of the body. */
  readonly bodyBytes: number;
}

/**
 * Decodes and checks a footer. StoreError `corrupt` with name, offset, expected and actual. Label
 * sets are shared with the footers decoded with the same `shared`.
 */
export function decodeFooter(stored: FooterBytes, shared?: SharedLabels): SegmentFooter {
  const steps = footerSteps(stored, shared);
  for (;;) {
    const { value, done } = steps.next();
    if (done === true) return value;
  }
}

/** The same; other work has its turn between the sections of a large one. */
export async function decodeFooterInTurns(
  stored: FooterBytes,
  shared?: SharedLabels,
): Promise<SegmentFooter> {
  const steps = footerSteps(stored, shared);
  for (;;) {
    const { value, done } = steps.next();
    if (done === true) return value;
    if (stored.bytes.length > turnsFromBytes) await nextTurn();
  }
}

/** Smaller footers decode in some milliseconds. */
const turnsFromBytes: number = 256 * KiB;

function* footerSteps(
  stored: FooterBytes,
  shared: SharedLabels | undefined,
): Generator<void, SegmentFooter> {
  const { name, bodyBytes } = stored;
  const sections = decodeSections(stored);
  const info = decodeInfo(openSection(stored, sections, SectionKind.info));
  const symbolReader = openSection(stored, sections, SectionKind.symbols);
  yield;
  const symbols = decodeSymbols(symbolReader);
  yield;
  const streamReader = openSection(stored, sections, SectionKind.streams);
  yield;
  const streams = decodeStreams(streamReader, symbols.count);
  yield;
  const postingReader = openSection(stored, sections, SectionKind.postings);
  yield;
  const postings = decodePostings(postingReader, symbols.count, streams.count);
  yield;
  const blockReader = openSection(stored, sections, SectionKind.blocks);
  yield;
  const limits = { symbolCount: symbols.count, streamCount: streams.count, bodyBytes };
  const blocks = decodeBlocks(blockReader, limits);
  const labels = new Map<number, Labels>();
  const tables = { symbols, streams, postings, blocks };
  return {
    name,
    bodyBytes,
    info,
    sections,
    ...tables,
    labelsOf: (stream) => {
      const known = labels.get(stream);
      if (known !== undefined) return known;
      const read = labelsAt(streams, symbols, stream);
      const made = shared === undefined ? read : shared.of(read);
      if (labels.size >= labelsKeptMax) labels.clear();
      labels.set(stream, made);
      return made;
    },
    weightBytes: weightOf(tables),
  };
}

function openSection(
  stored: FooterBytes,
  sections: readonly SectionFacts[],
  kind: number,
): ByteReader {
  const { name, bytes, bodyBytes } = stored;
  const section = sections.find((one) => one.kind === kind);
  const origin: ByteOrigin = { key: name, offset: bodyBytes, part: `footer section ${kind}` };
  if (section === undefined) throw corrupt(origin, "missing");
  const at = section.offset - bodyBytes;
  if (at < 0) throw corrupt(origin, `stored at ${section.offset}, before the footer`);
  const here = { ...origin, offset: section.offset };
  const part = bytes.subarray(at, at + section.storedBytes);
  return new ByteReader(unpackPartNow(part, section, here), here);
}

/** Label sets and texts a footer keeps once they were asked for; then it starts anew. */
const labelsKeptMax = 16_384;
const textsKeptMax = 4_096;

/** What a label set, mostly shared, and a text take once they were asked for, about. */
const labelsBytes = 64;
const textBytes = 64;
/** Texts that are kept at all: names, and those that a search compares with. */
const textsPerFooter = 128;
/** What a kept view may hold beyond itself. */
const spareBytesMax = 4096;
/** Objects around the columns. */
const footerObjectsBytes = 8192;

/** The tables, and what is built from them on demand at most. */
function weightOf(
  tables: Pick<SegmentFooter, "symbols" | "streams" | "postings" | "blocks">,
): number {
  const { symbols, streams, postings, blocks } = tables;
  let sum = footerObjectsBytes + symbols.tableBytes;
  for (const table of [streams, postings, blocks, blocks.runs, blocks.columns]) {
    for (const column of Object.values(table)) {
      if (ArrayBuffer.isView(column)) sum += column.byteLength;
    }
  }
  sum += Math.min(streams.count, labelsKeptMax) * labelsBytes;
  return sum + Math.min(symbols.count, textsPerFooter) * textBytes;
}

/** Raw bytes of the sections in the footer itself; others may lie before it. */
export function footerRawBytes(footer: Pick<SegmentFooter, "bodyBytes" | "sections">): number {
  let sum = 0;
  for (const { offset, rawBytes } of footer.sections) {
    if (offset >= footer.bodyBytes) sum += rawBytes;
  }
  return sum;
}

function decodeSections(stored: FooterBytes): SectionFacts[] {
  const { name, bytes, bodyBytes } = stored;
  const fail = (offset: number, what: string): StoreError =>
    corrupt({ key: name, offset: bodyBytes + offset, part: "trailer" }, what);
  if (bytes.length < trailerBytes || bytes.length > footerBytesMax) {
    throw fail(0, `footer of ${bytes.length} bytes, expected ${trailerBytes} to ${footerBytesMax}`);
  }
  const at = bytes.length - trailerBytes;
  const trailer = bytes.subarray(at);
  if (!trailer.subarray(24).equals(segmentMagic)) {
    throw fail(
      at + 24,
      `magic ${segmentMagic.toString()} expected but ${trailer.toString("hex", 24)} read`,
    );
  }
  const crc = zlib.crc32(trailer.subarray(0, 20));
  if (crc !== trailer.readUInt32LE(20)) {
    throw fail(at, `crc ${trailer.readUInt32LE(20)} expected but ${crc} computed`);
  }
  const version = trailer.readUInt32LE(16);
  if (version !== segmentVersion) {
    throw fail(at + 16, `version ${version}, this reader knows ${segmentVersion}`);
  }
  const tableBytes = trailer.readUInt32LE(8);
  const tableAt = Number(trailer.readBigUInt64LE(0)) - bodyBytes;
  const count = tableBytes / sectionEntryBytes;
  if (!Number.isInteger(count) || count > sectionCountMax || tableAt + tableBytes !== at) {
    throw fail(at, `section table of ${tableBytes} bytes at ${bodyBytes + tableAt}`);
  }
  const table = bytes.subarray(tableAt, at);
  const tableCrc = zlib.crc32(table);
  if (tableCrc !== trailer.readUInt32LE(12)) {
    throw fail(tableAt, `table crc ${trailer.readUInt32LE(12)} expected but ${tableCrc} computed`);
  }
  return Array.from({ length: count }, (_, i) => {
    const section = readSectionEntry(table, i * sectionEntryBytes);
    const end = section.offset + section.storedBytes;
    if (end > bodyBytes + tableAt || section.rawBytes > rawBytesMax) {
      throw fail(tableAt, `section ${i}: ${section.storedBytes} bytes at ${section.offset}`);
    }
    if (section.kind > SectionKind.blocks && section.kind < optionalSectionsFrom) {
      throw fail(tableAt, `section ${i} has kind ${section.kind}, which this reader must know`);
    }
    return section;
  });
}

function readSectionEntry(table: Buffer, at: number): SectionFacts {
  return {
    kind: table.readUInt16LE(at),
    encoding: table.readUInt16LE(at + 2),
    crc: table.readUInt32LE(at + 4),
    offset: Number(table.readBigUInt64LE(at + 8)),
    storedBytes: table.readUInt32LE(at + 16),
    rawBytes: table.readUInt32LE(at + 20),
  };
}

function decodeSymbols(reader: ByteReader): SymbolTable {
  const lengths = reader.uint32s({ countMax: tableEntriesMax });
  let sum = 0;
  for (let i = 0; i < lengths.length; i++) sum += lengths[i]!;
  const taken = reader.take(sum);
  reader.end();
  // A view may hold much more than itself: what was read along with the footer.
  const isLoose = taken.buffer.byteLength > sum + spareBytesMax;
  const bytes = isLoose ? Buffer.from(taken) : taken;
  const starts = startsOf(lengths);
  const texts = new Map<number, string>();
  const textOnce = (symbol: number): string =>
    bytes.toString("utf8", starts[symbol], starts[symbol + 1]);
  const text = (symbol: number): string => {
    const known = texts.get(symbol);
    if (known !== undefined) return known;
    const made = textOnce(symbol);
    if (texts.size >= textsKeptMax) texts.clear();
    texts.set(symbol, made);
    return made;
  };
  const find = (wanted: string): number => {
    let [low, high] = [0, lengths.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareText(text(middle), wanted);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  };
  const tableBytes = bytes.length + starts.byteLength;
  return { count: lengths.length, text, textOnce, find, tableBytes };
}

function decodeStreams(reader: ByteReader, symbolCount: number): StreamTable {
  const starts = reader.starts({ countMax: tableEntriesMax });
  const streamCount = starts.length - 1;
  if (streamCount > segmentStreamsMax) throw reader.corrupt(`${streamCount} streams`);
  const count = starts[streamCount]!;
  const names = reader.uint32s({ countMax: tableEntriesMax, count });
  const values = reader.uint32s({ countMax: tableEntriesMax, count });
  checkBelow(reader, "label name", names, symbolCount);
  checkBelow(reader, "label value", values, symbolCount);
  const stored = reader.take(streamCount * 8);
  reader.end();
  const fingerprints = new BigUint64Array(streamCount);
  for (let i = 0; i < streamCount; i++) fingerprints[i] = stored.readBigUInt64LE(i * 8);
  return { count: streamCount, starts, names, values, fingerprints };
}

function decodePostings(reader: ByteReader, symbolCount: number, streamCount: number): Postings {
  const names = reader.uint32s({ countMax: tableEntriesMax });
  const countMax = tableEntriesMax;
  const valueStarts = reader.starts({ countMax, count: names.length });
  const values = reader.uint32s({ countMax, count: valueStarts[names.length]! });
  const runStarts = reader.starts({ countMax, count: values.length });
  const runCount = runStarts[values.length]!;
  const runFrom = reader.uint32s({ countMax, count: runCount });
  const runTo = reader.uint32s({ countMax, count: runCount });
  reader.end();
  checkBelow(reader, "posting name", names, symbolCount);
  checkBelow(reader, "posting value", values, symbolCount);
  // What is stored are gaps and lengths; what is kept are positions.
  for (let value = 0; value < values.length; value++) {
    let end = 0;
    for (let run = runStarts[value]!; run < runStarts[value + 1]!; run++) {
      const from = end + runFrom[run]!;
      end = from + runTo[run]!;
      if (end > streamCount) throw reader.corrupt(`posting of stream ${end} of ${streamCount}`);
      runFrom[run] = from;
      runTo[run] = end;
    }
  }
  return { names, valueStarts, values, runStarts, runFrom, runTo };
}

/** Every value must be below `limit`: later code indexes with them unchecked. */
export function checkBelow(
  reader: ByteReader,
  what: string,
  values: Uint32Array,
  limit: number,
): void {
  for (let i = 0; i < values.length; i++) {
    if (values[i]! >= limit) throw reader.corrupt(`${what} ${values[i]} of ${limit}`);
  }
}

function labelsAt(streams: StreamTable, symbols: SymbolTable, stream: number): Labels {
  const pairs: LabelPair[] = [];
  for (let i = streams.starts[stream]!; i < streams.starts[stream + 1]!; i++) {
    pairs.push([symbols.text(streams.names[i]!), symbols.textOnce(streams.values[i]!)]);
  }
  return Labels.ofSorted(pairs);
}
