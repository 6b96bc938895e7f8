/**
 * Sorted rows in, the bytes of one segment out. The layout serves the reader: all line columns
 * first, then the small columns of all blocks side by side, then the footer, so that counting a day
 * fetches one short range.
 */
import assert from "node:assert";
import { KiB } from "#base";
import { dayStartNs, type Labels } from "#model";
import type { FieldReader } from "#storage";
import { nextTurn } from "#world";
import { BlockBuilder, ColumnKind, type RawBlock } from "./block-builder.ts";
import { packPart, type PackedPart } from "./compression.ts";
import { encodeFooter, type PlacedBlock } from "./encode-footer.ts";
import { type ExtraSection, placeSections } from "./extra-sections.ts";
import { fieldColumnsOf, packFieldColumns } from "./field-columns.ts";
import { giveColumnsBack } from "./fetched-bytes.ts";
import type { JournalRange, SegmentFacts } from "./footer.ts";
import type { GatheredRows, RowSlice } from "./gathered-rows.ts";
import {
  blockTargetBytesDefault,
  rawBytesMax,
  segmentMagic,
  segmentStreamsMax,
  thinStreamBytesDefault,
} from "./limits.ts";
import type { LineSpool } from "./segment-body.ts";
import { formatSegmentKey } from "./segment-key.ts";
import { SegmentScratch } from "./segment-scratch.ts";
import {
  filteredFromBytesDefault,
  packSkipColumns,
  scanBlock,
  type SkipFilterDepth,
} from "./skip-columns.ts";
import { sortedInTurns } from "./sort-in-turns.ts";

/** All rows of one stream, slices in order of arrival. */
export interface SegmentStream {
  readonly labels: Labels;
  readonly rows: readonly RowSlice[];
}

export interface SegmentInput {
  readonly tenant: string;
  /** UTC day number that all rows are of. */
  readonly day: number;
  /** Each label set once, in any order. May be empty: such a segment only replaces others. */
  readonly streams: readonly SegmentStream[];
  readonly journal: readonly JournalRange[];
  /** Ids of the segments this one stands for. */
  readonly replaces: readonly string[];
  /** What other rooms want kept with these entries. */
  readonly sections?: readonly ExtraSection[];
}

export interface SegmentOptions {
  /** From `newSegmentId`. */
  readonly id: string;
  /** zstd level; 1 when omitted. */
  readonly level?: number;
  readonly blockTargetBytes?: number;
  readonly thinStreamBytes?: number;
  /** Which skip filters; when omitted, all for a segment that replaces others, else trigrams. */
  readonly filters?: SkipFilterDepth;
  /** Blocks whose lines are stored in less have no filters. */
  readonly filteredFromBytes?: number;
  /** Smaller columns are stored as they are. */
  readonly compressFromBytes?: number;
  /** Blocks still in compression while the next one is filled; 4 when omitted. */
  readonly blocksInFlightMax?: number;
  /** Reads fields of lines, for columns of their own; without it there are none. */
  readonly fields?: FieldReader | undefined;
  /** Hears how many bytes of lines are copied into blocks: the caller's are needed no more. */
  readonly onRows?: (lineBytes: number) => void;
  /** Memory kept between segments; of its own when omitted. */
  readonly scratch?: SegmentScratch;
  /** Takes stored lines as soon as their block is done; the put is then of `bodyOf`. */
  readonly spool?: LineSpool | undefined;
}

export interface BuiltSegment {
  readonly key: string;
  /** The object in pieces, for one put; but for the lines in `spooled`, behind the first piece. */
  readonly parts: readonly Buffer[];
  readonly spooled: LineSpool | undefined;
  readonly sizeBytes: number;
  readonly facts: SegmentFacts;
}

/** Name and version of this writer, for whoever looks into a file later. */
const writerName = "skald 0.1";

/** Bytes of lines gathered between two turns of the event loop: a millisecond or two. */
const bytesPerTurn: number = 1024 * KiB;
/** What a stream costs beside its lines. */
const bytesPerStream = 256;

/** Keeps the thread pool busy and bounds memory. */
const blocksInFlightMaxDefault = 4;

/**
 * Builds one segment. Batches are only read, and not kept. The main thread does the copying, the
 * thread pool the compression; other work gets its turn while a block is awaited.
 */
export async function buildSegment(
  input: SegmentInput,
  options: SegmentOptions,
): Promise<BuiltSegment> {
  const writer = await fillSegment(input, options);
  return writer.finish();
}

/** The first half of `buildSegment`: all rows are copied when this resolved. */
export async function fillSegment(
  input: SegmentInput,
  options: SegmentOptions,
): Promise<SegmentWriter> {
  const scratch = options.scratch ?? new SegmentScratch();
  const writer = new SegmentWriter(input, { ...options, scratch });
  const rows = scratch.takeRows(writer.seed);
  const order = await sortedInTurns(input.streams, byLabels);
  let lineBytes = 0;
  let turnBytes = 0;
  for (let i = 0; i < order.length; i++) {
    const { labels, rows: slices } = input.streams[order[i]!]!;
    rows.gather(slices, input.day);
    await writer.startStream(labels, rows.lineBytes + rows.count);
    if (rows.count > 0) await writer.addRows(rows);
    options.onRows?.((lineBytes += rows.lineBytes));
    turnBytes += rows.lineBytes + bytesPerStream;
    if (turnBytes < bytesPerTurn) continue;
    turnBytes = 0;
    await nextTurn();
  }
  scratch.giveRows(rows);
  return writer;
}

/**
 * A segment under construction, for whoever does not have all rows in memory. Streams are started
 * in order of `labels.key`; the rows of a stream come in one or more pieces, sorted by time over
 * all of them, without duplicates.
 */
export class SegmentWriter {
  /** For tables in memory. */
  readonly seed: number;
  readonly #input: Omit<SegmentInput, "streams">;
  readonly #options: SegmentOptions;
  readonly #blocks: BlockWriter;
  readonly #labels: Labels[] = [];

  constructor(input: Omit<SegmentInput, "streams">, options: SegmentOptions) {
    this.#input = input;
    this.#options = options;
    // What is merged is written once and read for long; fresh segments are on the way in.
    const isMerged = input.replaces.length > 0;
    this.#blocks = new BlockWriter({ filters: isMerged ? "all" : "trigrams", ...options });
    this.seed = this.#blocks.seed;
  }

  /**
   * `bytes` is what its lines take, each with a newline: about, when duplicates are yet to be
   * dropped.
   */
  async startStream(labels: Labels, bytes: number): Promise<void> {
    const previous = this.#labels.at(-1);
    // Not `assert(…, message)`, which would write out the labels of every stream.
    if (previous !== undefined && !(previous.key < labels.key)) {
      assert.fail(`stream ${labels.toString()} comes twice or late`);
    }
    assert(this.#labels.length < segmentStreamsMax, `more than ${segmentStreamsMax} streams`);
    this.#labels.push(labels);
    await this.#blocks.startStream(this.#labels.length - 1, bytes);
  }

  /** Rows of the stream started last; copied when this resolved. */
  async addRows(rows: GatheredRows): Promise<void> {
    await this.#blocks.addRows(rows);
  }

  /** `sections` come after those of the input. */
  async finish(sections: readonly ExtraSection[] = []): Promise<BuiltSegment> {
    const { tenant, day, journal, replaces } = this.#input;
    const allSections = [...(this.#input.sections ?? []), ...sections];
    const { id } = this.#options;
    const { parts: columns, placed } = placeBlocks(await this.#blocks.finish());
    const level = this.#options.level ?? 1;
    const { spool } = this.#options;
    const offset = columns.reduce((sum, part) => sum + part.length, spool?.sizeBytes ?? 0);
    const extra = await placeSections(allSections, { offset, level });
    const parts = [...columns, ...extra.parts];
    const bodyBytes = extra.parts.reduce((sum, part) => sum + part.length, offset);
    const facts = factsOf(this.#input, placed, this.#labels.length);
    const { streamCount, blockCount, entryCount, lineBytes, minNs, maxNs } = facts;
    const counts = { streamCount, blockCount, entryCount, lineBytes };
    const footer = await encodeFooter({
      info: { writer: writerName, tenant, day, id, ...counts, journal, replaces },
      labels: this.#labels,
      blocks: placed,
      extraSections: extra.sections,
      bodyBytes,
      level,
    });
    const footerBytes = footer.length;
    const replacesCount = replaces.length;
    const key = { tenant, day, minNs, maxNs, id, replacesCount, bodyBytes, footerBytes };
    return {
      key: formatSegmentKey(key),
      parts: [...parts, footer],
      spooled: spool,
      sizeBytes: bodyBytes + footerBytes,
      facts: { ...facts, ...key },
    };
  }
}

/** Streams in order of their label text, so that neighbours in a shared block are alike. */
function byLabels(a: SegmentStream, b: SegmentStream): number {
  const [left, right] = [a.labels.key, b.labels.key];
  return left < right ? -1 : left > right ? 1 : 0;
}

type PackedBlock = Omit<RawBlock, "columns" | "valueKeys" | "lengths" | "lines" | "linesBuffer"> & {
  readonly columns: readonly { readonly kind: number; readonly name: string; part: PackedPart }[];
};

const noBytes = Buffer.alloc(0);

/**
 * Cuts rows into blocks and compresses them: a block of its own for a fat stream, shared ones for
 * thin streams.
 */
class BlockWriter {
  /** Of the tables in memory, from the random part of the id. */
  readonly seed: number;
  readonly #level: number;
  readonly #targetBytes: number;
  readonly #thinBytes: number;
  readonly #scratch: SegmentScratch;
  readonly #fat: BlockBuilder;
  readonly #thin: BlockBuilder;
  readonly #blocks: Promise<PackedBlock>[] = [];
  #nextToAwait = 0;
  /** The stream whose rows come now, where they go, and when that block is cut. */
  #stream = 0;
  #builder: BlockBuilder;
  #cutBytes = 0;
  readonly #inFlightMax: number;
  readonly #filters: SkipFilterDepth;
  readonly #filteredFromBytes: number;
  readonly #fields: FieldReader | undefined;
  readonly #compressFrom: number | undefined;
  readonly #spool: LineSpool | undefined;

  constructor(options: SegmentOptions) {
    this.seed = Number.parseInt(options.id.slice(-8), 16) | 0;
    this.#level = options.level ?? 1;
    this.#targetBytes = options.blockTargetBytes ?? blockTargetBytesDefault;
    this.#thinBytes = options.thinStreamBytes ?? thinStreamBytesDefault;
    this.#scratch = options.scratch ?? new SegmentScratch();
    this.#fat = new BlockBuilder(this.#newBuffer(), this.seed);
    this.#thin = new BlockBuilder(this.#newBuffer(), this.seed);
    this.#builder = this.#thin;
    this.#inFlightMax = options.blocksInFlightMax ?? blocksInFlightMaxDefault;
    this.#fields = options.fields;
    this.#compressFrom = options.compressFromBytes;
    this.#spool = options.spool;
    this.#filters = options.filters ?? "trigrams";
    this.#filteredFromBytes = options.filteredFromBytes ?? filteredFromBytesDefault;
  }

  async startStream(stream: number, bytes: number): Promise<void> {
    if (this.#fat.rowCount > 0) await this.#emit(this.#fat);
    this.#stream = stream;
    if (bytes < this.#thinBytes) {
      const isCrowded = this.#thin.linesBytes + bytes > this.#targetBytes;
      if (isCrowded && this.#thin.rowCount > 0) await this.#emit(this.#thin);
      this.#builder = this.#thin;
      this.#cutBytes = this.#targetBytes;
    } else {
      const blockCount = Math.max(1, Math.round(bytes / this.#targetBytes));
      this.#builder = this.#fat;
      this.#cutBytes = Math.ceil(bytes / blockCount);
    }
  }

  async addRows(rows: GatheredRows): Promise<void> {
    const builder = this.#builder;
    const cutBytes = this.#cutBytes;
    let row = 0;
    while (row < rows.count) {
      if (builder.isFull || builder.linesBytes >= cutBytes) await this.#emit(builder);
      row = fillBlock(builder, this.#stream, { rows, from: row, cutBytes });
    }
  }

  /** Each step holds the thread for a millisecond or two; a push waits for several turns of it. */
  async #emit(builder: BlockBuilder): Promise<void> {
    await nextTurn();
    const block = builder.take(this.#newBuffer());
    const packed = this.#pack(block);
    // Whoever awaits it below sees the failure; this only keeps an early one from being
    // "unhandled".
    packed.catch(() => undefined);
    this.#blocks.push(packed);
    await nextTurn();
    while (this.#blocks.length - this.#nextToAwait > this.#inFlightMax) await this.#settleNext();
  }

  /** Lines leave in order of blocks, as the object has them. */
  async #settleNext(): Promise<void> {
    const block = await this.#blocks[this.#nextToAwait++]!;
    if (this.#spool === undefined) return;
    const lines = block.columns.find(({ kind }) => kind === ColumnKind.lines)!;
    const { bytes } = lines.part;
    lines.part = { ...lines.part, bytes: noBytes };
    await this.#spool.append(bytes);
  }

  async #pack(block: RawBlock): Promise<PackedBlock> {
    const packing = Promise.all(
      block.columns.map(async ({ kind, name, raw }) => {
        assert(raw.length <= rawBytesMax, `column of ${raw.length} bytes`);
        return { kind, name, part: await packPart(raw, this.#level, this.#compressFrom) };
      }),
    );
    // This thread scans while the pool compresses.
    await nextTurn();
    const { lines } = block;
    const isScanned = this.#filters !== "none" && lines.length >= this.#filteredFromBytes;
    const scan = isScanned ? scanBlock(this.#scratch.scanner, block, this.#filters) : undefined;
    const fields = this.#fields === undefined ? [] : fieldColumnsOf(block, this.#fields, this.seed);
    const columns = await packing;
    this.#scratch.giveBuffer(block.linesBuffer);
    const { runs, isAscii, hasInnerNewline } = block;
    const { storedBytes } = columns.find(({ kind }) => kind === ColumnKind.lines)!.part;
    const skip =
      scan === undefined || storedBytes < this.#filteredFromBytes
        ? []
        : await packSkipColumns(scan, storedBytes, this.#compressFrom);
    const how = { level: this.#level, linesStoredBytes: storedBytes };
    const more = await packFieldColumns(fields, how);
    giveBackColumns(block);
    return { runs, isAscii, hasInnerNewline, columns: [...columns, ...skip, ...more] };
  }

  #newBuffer(): Buffer {
    return this.#scratch.takeBuffer(this.#targetBytes + this.#thinBytes + KiB);
  }

  async finish(): Promise<PackedBlock[]> {
    if (this.#fat.rowCount > 0) await this.#emit(this.#fat);
    if (this.#thin.rowCount > 0) await this.#emit(this.#thin);
    for (const builder of [this.#fat, this.#thin]) this.#scratch.giveBuffer(builder.end());
    while (this.#nextToAwait < this.#blocks.length) await this.#settleNext();
    return Promise.all(this.#blocks);
  }
}

/** Packed and scanned: but for the lines, whose buffer is used again, nobody reads it any more. */
function giveBackColumns({ columns, lengths }: RawBlock): void {
  const small = columns.filter(({ kind }) => kind !== ColumnKind.lines);
  giveColumnsBack([lengths, ...small.map(({ raw }) => raw)]);
}

/** Adds rows until the block is full; returns the first row that was not added. */
function fillBlock(
  builder: BlockBuilder,
  stream: number,
  job: { rows: GatheredRows; from: number; cutBytes: number },
): number {
  const { rows, from, cutBytes } = job;
  const { offsets, sliceOf, rowOf, slices, count } = rows;
  if (builder.runStream !== stream) builder.startRun(stream, offsets[from]!);
  let row = from;
  do {
    builder.add(slices[sliceOf[row]!]!.batch, rowOf[row]!, offsets, row);
    row++;
  } while (row < count && builder.linesBytes < cutBytes && !builder.isFull);
  return row;
}

/** Line columns in order of blocks, then the small columns, the fields, and the skip filters. */
function placeBlocks(blocks: readonly PackedBlock[]): { parts: Buffer[]; placed: PlacedBlock[] } {
  const parts: Buffer[] = [segmentMagic];
  const offsets = new Map<PackedPart, number>();
  let offset = segmentMagic.length;
  for (const place of [Place.lines, Place.small, Place.fields, Place.filters]) {
    for (const block of blocks) {
      for (const { kind, part } of block.columns) {
        if (placeOf(kind) !== place) continue;
        offsets.set(part, offset);
        parts.push(part.bytes);
        offset += part.storedBytes;
      }
    }
  }
  const placed = blocks.map((block) => ({
    ...block,
    columns: block.columns.map(({ kind, name, part }) => {
      const { storedBytes, rawBytes, encoding, crc } = part;
      return { kind, name, offset: offsets.get(part)!, storedBytes, rawBytes, encoding, crc };
    }),
  }));
  return { parts, placed };
}

/** Skip filters come last, so that one GET can take them along with the footer. */
const Place = { lines: 0, small: 1, fields: 2, filters: 3 } as const;

function placeOf(kind: number): number {
  if (kind === ColumnKind.lines) return Place.lines;
  if (kind < ColumnKind.trigrams) return Place.small;
  return kind < ColumnKind.jsonField ? Place.filters : Place.fields;
}

function factsOf(
  input: Omit<SegmentInput, "streams">,
  blocks: readonly PlacedBlock[],
  streamCount: number,
): Omit<SegmentFacts, "bodyBytes" | "footerBytes" | "id" | "replacesCount"> {
  let [minOffset, maxOffset, entryCount, lineBytes] = [Infinity, 0, 0, 0];
  for (const block of blocks) {
    for (const run of block.runs) {
      minOffset = Math.min(minOffset, run.minOffset);
      maxOffset = Math.max(maxOffset, run.maxOffset);
      entryCount += run.toRow - run.fromRow;
      lineBytes += run.lineBytes;
    }
  }
  if (entryCount === 0) minOffset = 0;
  const start = dayStartNs(input.day);
  return {
    tenant: input.tenant,
    day: input.day,
    minNs: start + BigInt(minOffset),
    maxNs: start + BigInt(maxOffset),
    entryCount,
    lineBytes,
    streamCount,
    blockCount: blocks.length,
  };
}
