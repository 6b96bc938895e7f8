/**
 * Sorted rows in, the bytes of one segment out. The layout serves the reader: all line columns first, then the small
 * columns of all blocks side by side, then the footer, so that counting a day fetches one short range.
 */
import assert from "node:assert";
import { KiB } from "#base";
import { dayStartNs, type Labels } from "#model";
import { BlockBuilder, ColumnKind, type RawBlock } from "./block-builder.ts";
import { packPart, type PackedPart } from "./compression.ts";
import { encodeFooter, type PlacedBlock } from "./encode-footer.ts";
import type { JournalRange, SegmentFacts } from "./footer.ts";
import { GatheredRows, type RowSlice } from "./gathered-rows.ts";
import {
  blockTargetBytesDefault,
  rawBytesMax,
  segmentMagic,
  segmentStreamsMax,
  thinStreamBytesDefault,
} from "./limits.ts";
import { formatSegmentKey, type SegmentKey } from "./segment-key.ts";

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
}

export interface SegmentOptions {
  /** From `newSegmentId`. */
  readonly id: string;
  /** zstd level; 1 when omitted. */
  readonly level?: number;
  readonly blockTargetBytes?: number;
  readonly thinStreamBytes?: number;
}

export interface BuiltSegment {
  readonly key: string;
  /** The object in pieces, for one put. */
  readonly parts: readonly Buffer[];
  readonly sizeBytes: number;
  readonly facts: SegmentFacts;
}

/** Name and version of this writer, for whoever looks into a file later. */
const writerName = "skald 0.1";

/** Blocks in compression at a time: keeps the thread pool busy and bounds memory. */
const blocksInFlightMax = 4;

/**
 * Builds one segment. Batches are only read, and not kept. The main thread does the copying, the thread pool the
 * compression; other work gets its turn while a block is awaited.
 */
export async function buildSegment(
  input: SegmentInput,
  options: SegmentOptions,
): Promise<BuiltSegment> {
  assert(input.streams.length <= segmentStreamsMax, `${input.streams.length} streams`);
  const streams = sortedByLabels(input.streams);
  const writer = new BlockWriter(options);
  const rows = new GatheredRows(writer.seed);
  for (let i = 0; i < streams.length; i++) {
    rows.gather(streams[i]!.rows, input.day);
    if (rows.count > 0) await writer.add(i, rows);
  }
  const { parts, placed } = placeBlocks(await writer.finish());
  const bodyBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const labels = streams.map((stream) => stream.labels);
  const facts = factsOf(input, placed, labels.length);
  const footer = await encodeFooter({
    info: {
      writer: writerName,
      tenant: input.tenant,
      day: input.day,
      id: options.id,
      streamCount: facts.streamCount,
      blockCount: facts.blockCount,
      entryCount: facts.entryCount,
      lineBytes: facts.lineBytes,
      journal: input.journal,
      replaces: input.replaces,
    },
    labels,
    blocks: placed,
    bodyBytes,
    level: options.level ?? 1,
  });
  const key: SegmentKey = {
    tenant: input.tenant,
    day: input.day,
    minNs: facts.minNs,
    maxNs: facts.maxNs,
    id: options.id,
    replacesCount: input.replaces.length,
    bodyBytes,
    footerBytes: footer.length,
  };
  return {
    key: formatSegmentKey(key),
    parts: [...parts, footer],
    sizeBytes: bodyBytes + footer.length,
    facts: { ...facts, ...key },
  };
}

/** Streams in order of their label text, so that neighbours in a shared block are alike. */
function sortedByLabels(streams: readonly SegmentStream[]): SegmentStream[] {
  const sorted = [...streams].sort((a, b) => {
    const [left, right] = [a.labels.key, b.labels.key];
    return left < right ? -1 : left > right ? 1 : 0;
  });
  for (let i = 1; i < sorted.length; i++) {
    const { labels } = sorted[i]!;
    assert(labels.key !== sorted[i - 1]!.labels.key, `stream ${labels.toString()} comes twice`);
  }
  return sorted;
}

type PackedBlock = Omit<RawBlock, "columns" | "linesBuffer"> & {
  readonly columns: readonly { kind: number; name: string; part: PackedPart }[];
};

/** Cuts rows into blocks and compresses them: a block of its own for a fat stream, shared ones for thin streams. */
class BlockWriter {
  /** Of the tables in memory, from the random part of the id. */
  readonly seed: number;
  readonly #level: number;
  readonly #targetBytes: number;
  readonly #thinBytes: number;
  readonly #freeBuffers: Buffer[] = [];
  readonly #fat: BlockBuilder;
  readonly #thin: BlockBuilder;
  readonly #blocks: Promise<PackedBlock>[] = [];
  #nextToAwait = 0;

  constructor(options: SegmentOptions) {
    this.seed = Number.parseInt(options.id.slice(-8), 16) | 0;
    this.#level = options.level ?? 1;
    this.#targetBytes = options.blockTargetBytes ?? blockTargetBytesDefault;
    this.#thinBytes = options.thinStreamBytes ?? thinStreamBytesDefault;
    this.#fat = new BlockBuilder(this.#newBuffer(), this.seed);
    this.#thin = new BlockBuilder(this.#newBuffer(), this.seed);
  }

  async add(stream: number, rows: GatheredRows): Promise<void> {
    const bytes = rows.lineBytes + rows.count;
    if (bytes < this.#thinBytes) {
      const isCrowded = this.#thin.linesBytes + bytes > this.#targetBytes;
      if (isCrowded && this.#thin.rowCount > 0) await this.#emit(this.#thin);
      await this.#addRows(this.#thin, stream, rows, this.#targetBytes);
      return;
    }
    const blockCount = Math.max(1, Math.round(bytes / this.#targetBytes));
    await this.#addRows(this.#fat, stream, rows, Math.ceil(bytes / blockCount));
    if (this.#fat.rowCount > 0) await this.#emit(this.#fat);
  }

  async #addRows(
    builder: BlockBuilder,
    stream: number,
    rows: GatheredRows,
    cutBytes: number,
  ): Promise<void> {
    let row = 0;
    while (row < rows.count) {
      if (builder.isFull || builder.linesBytes >= cutBytes) await this.#emit(builder);
      row = fillBlock(builder, stream, { rows, from: row, cutBytes });
    }
  }

  async #emit(builder: BlockBuilder): Promise<void> {
    const block = builder.take(this.#freeBuffers.pop() ?? this.#newBuffer());
    const packed = this.#pack(block);
    // Whoever awaits it below sees the failure; this only keeps an early one from being "unhandled".
    packed.catch(() => undefined);
    this.#blocks.push(packed);
    while (this.#blocks.length - this.#nextToAwait > blocksInFlightMax) {
      await this.#blocks[this.#nextToAwait++];
    }
  }

  async #pack(block: RawBlock): Promise<PackedBlock> {
    const columns = await Promise.all(
      block.columns.map(async ({ kind, name, raw }) => {
        assert(raw.length <= rawBytesMax, `column of ${raw.length} bytes`);
        return { kind, name, part: await packPart(raw, this.#level) };
      }),
    );
    if (this.#freeBuffers.length < blocksInFlightMax) this.#freeBuffers.push(block.linesBuffer);
    const { runs, isAscii, hasInnerNewline } = block;
    return { runs, isAscii, hasInnerNewline, columns };
  }

  #newBuffer(): Buffer {
    return Buffer.allocUnsafeSlow(this.#targetBytes + this.#thinBytes + KiB);
  }

  async finish(): Promise<PackedBlock[]> {
    if (this.#thin.rowCount > 0) await this.#emit(this.#thin);
    return Promise.all(this.#blocks);
  }
}

/** Adds rows until the block is full; returns the first row that was not added. */
function fillBlock(
  builder: BlockBuilder,
  stream: number,
  job: { rows: GatheredRows; from: number; cutBytes: number },
): number {
  const { rows, from, cutBytes } = job;
  const { offsets, sliceOf, rowOf, slices, count } = rows;
  builder.startRun(stream, offsets[from]!);
  let row = from;
  do {
    builder.add(slices[sliceOf[row]!]!.batch, rowOf[row]!, offsets[row]!);
    row++;
  } while (row < count && builder.linesBytes < cutBytes && !builder.isFull);
  return row;
}

/** Line columns in order of blocks, then all other columns in order of blocks. */
function placeBlocks(blocks: readonly PackedBlock[]): { parts: Buffer[]; placed: PlacedBlock[] } {
  const parts: Buffer[] = [segmentMagic];
  const offsets = new Map<PackedPart, number>();
  let offset = segmentMagic.length;
  for (const isLines of [true, false]) {
    for (const block of blocks) {
      for (const { kind, part } of block.columns) {
        if ((kind === ColumnKind.lines) !== isLines) continue;
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

function factsOf(
  input: SegmentInput,
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
