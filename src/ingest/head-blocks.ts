import { isAscii } from "node:buffer";
import { KiB, LruMap, MiB } from "#base";
import { ByteStrings } from "#columns";
import type { Labels } from "#model";
import { GatheredRows, MetadataColumns } from "#segment";
import type { Block, BlockFacts, BlockRef, BlockStream, MetadataColumn } from "#storage";
import type { HeadPart, HeadSlice, HeadStream } from "./head-part.ts";

/** Slices of a stream are turned into a block of their own, for good, once they hold this much. */
const runBytes: number = MiB;
/** Streams with less than this share a block: many quiet streams must not mean many tiny blocks. */
const thinStreamBytes: number = 64 * KiB;
/** A shared block is closed once it holds this much. */
const sharedBlockBytes: number = MiB;
/** Blocks built from the head and kept for the next query. */
const cacheBytesMax: number = 32 * MiB;
/** Facts of blocks kept for planning, which needs no block. */
const refsMax = 200_000;
/** Head sources come after all segments, whose order is the time they were made, in ms. */
const headOrderBase: number = 2 ** 52;
const runsPerPartMax = 4096;

/** Slices of one stream that go into one block. */
export interface HeadRun {
  readonly labels: Labels;
  readonly slices: readonly HeadSlice[];
  readonly entryCount: number;
  readonly lineBytes: number;
}

/** The runs of one block, with the key that names its content. */
export interface HeadBlockPlan {
  readonly part: HeadPart;
  readonly runs: readonly HeadRun[];
  readonly sourceOrder: number;
  /** Equal for equal content: part, streams and how many slices of each. */
  readonly key: string;
}

/** Which blocks the given streams of a part make up. Earlier runs of a stream keep their key while it grows. */
export function planHeadBlocks(part: HeadPart, streams: readonly HeadStream[]): HeadBlockPlan[] {
  const plans: HeadBlockPlan[] = [];
  let shared: HeadRun[] = [];
  let sharedBytes = 0;
  const closeShared = (): void => {
    if (shared.length > 0) plans.push(planOf(part, shared, runsPerPartMax - 1));
    shared = [];
    sharedBytes = 0;
  };
  for (const stream of streams) {
    if (stream.lineBytes >= thinStreamBytes) {
      for (const [index, run] of runsOf(stream).entries()) plans.push(planOf(part, [run], index));
      continue;
    }
    const { labels, slices, entryCount, lineBytes } = stream;
    shared.push({ labels, slices: [...slices], entryCount, lineBytes });
    sharedBytes += lineBytes + 64;
    if (sharedBytes >= sharedBlockBytes) closeShared();
  }
  closeShared();
  return plans;
}

function planOf(part: HeadPart, runs: readonly HeadRun[], index: number): HeadBlockPlan {
  const sourceOrder =
    headOrderBase + part.order * runsPerPartMax + Math.min(index, runsPerPartMax - 1);
  let key = `${part.order}/${index}`;
  for (const { labels, slices } of runs) key += `/${labels.key}:${slices.length}`;
  return { part, runs, sourceOrder, key };
}

function runsOf(stream: HeadStream): HeadRun[] {
  const runs: HeadRun[] = [];
  const { labels } = stream;
  let slices: HeadSlice[] = [];
  let [entryCount, lineBytes] = [0, 0];
  for (const slice of stream.slices) {
    slices.push(slice);
    entryCount += slice.toRow - slice.fromRow;
    lineBytes += slice.lineBytes;
    if (lineBytes < runBytes) continue;
    runs.push({ labels, slices, entryCount, lineBytes });
    slices = [];
    [entryCount, lineBytes] = [0, 0];
  }
  if (slices.length > 0) runs.push({ labels, slices, entryCount, lineBytes });
  return runs;
}

/** Builds blocks from head runs, and remembers some. */
export class HeadBlocks {
  readonly #cache = new LruMap<string, Block>({ weightMax: cacheBytesMax, weigh: blockBytes });
  readonly #refs = new LruMap<string, BlockRef>({ weightMax: refsMax });
  readonly #rows: GatheredRows;
  readonly #metadata: MetadataColumns;

  constructor(options: { hashSeed: number }) {
    this.#rows = new GatheredRows(options.hashSeed);
    this.#metadata = new MetadataColumns(options.hashSeed);
  }

  /** What is known of the block; the same object for the same content. */
  ref(plan: HeadBlockPlan): BlockRef {
    return this.#refs.get(plan.key) ?? this.block(plan).ref;
  }

  block(plan: HeadBlockPlan): Block {
    const known = this.#cache.get(plan.key);
    if (known !== undefined) return known;
    const built = this.#build(plan);
    const ref = this.#refs.get(plan.key) ?? built.ref;
    const block = { ...built, ref };
    this.#refs.set(plan.key, ref);
    this.#cache.set(plan.key, block);
    return block;
  }

  #build(plan: HeadBlockPlan): Block {
    const { part, runs } = plan;
    const columns = new ColumnsUnderConstruction(runs);
    const streams: BlockStream[] = [];
    const rows = this.#rows;
    const metadata = this.#metadata;
    for (const [index, run] of runs.entries()) {
      rows.gather(run.slices, part.day);
      const from = columns.rowCount;
      columns.append(rows, index, metadata);
      if (rows.count === 0) continue;
      streams.push({
        labels: run.labels,
        entryCount: rows.count,
        lineBytes: rows.lineBytes,
        minNs: part.baseNs + BigInt(columns.offsets[from]!),
        maxNs: part.baseNs + BigInt(columns.offsets[columns.rowCount - 1]!),
      });
    }
    const finished = columns.finish(metadata);
    metadata.reset();
    return finishBlock(plan, streams, finished);
  }
}

interface FinishedColumns {
  readonly rowCount: number;
  readonly offsets: Float64Array;
  readonly streamOfRow: Uint32Array | undefined;
  readonly lines: ByteStrings;
  readonly lengths: Uint32Array;
  readonly metadata: readonly MetadataColumn[];
}

class ColumnsUnderConstruction {
  rowCount = 0;
  readonly offsets: Float64Array;
  readonly #starts: Uint32Array;
  readonly #bytes: Buffer;
  readonly #streamOfRow: Uint32Array | undefined;

  constructor(runs: readonly HeadRun[]) {
    let [rows, bytes] = [0, 0];
    for (const run of runs) {
      rows += run.entryCount;
      bytes += run.lineBytes;
    }
    this.offsets = new Float64Array(rows);
    this.#starts = new Uint32Array(rows + 1);
    this.#bytes = Buffer.allocUnsafeSlow(bytes + rows);
    this.#streamOfRow = runs.length > 1 ? new Uint32Array(rows) : undefined;
  }

  append(rows: GatheredRows, stream: number, metadata: MetadataColumns): void {
    let at = this.#starts[this.rowCount]!;
    for (let i = 0; i < rows.count; i++) {
      const { batch } = rows.slices[rows.sliceOf[i]!]!;
      const row = rows.rowOf[i]!;
      const target = this.rowCount++;
      this.offsets[target] = rows.offsets[i]!;
      at += batch.bytes.copy(this.#bytes, at, batch.lineStarts[row]!, batch.lineEnds[row]!);
      this.#bytes[at++] = 0x0a;
      this.#starts[target + 1] = at;
      if (this.#streamOfRow !== undefined) this.#streamOfRow[target] = stream;
      const set = batch.metadataOfRow[row]!;
      if (set !== 0) metadata.add(batch, set, target);
    }
  }

  finish(metadata: MetadataColumns): FinishedColumns {
    const { rowCount } = this;
    const starts = this.#starts.subarray(0, rowCount + 1);
    const lengths = new Uint32Array(rowCount);
    for (let i = 0; i < rowCount; i++) lengths[i] = starts[i + 1]! - starts[i]! - 1;
    return {
      rowCount,
      offsets: this.offsets.subarray(0, rowCount),
      streamOfRow: this.#streamOfRow?.subarray(0, rowCount),
      lines: new ByteStrings(this.#bytes.subarray(0, starts[rowCount]), starts, 1),
      lengths,
      metadata: finishMetadata(metadata, rowCount),
    };
  }
}

function finishMetadata(metadata: MetadataColumns, rowCount: number): MetadataColumn[] {
  const columns: MetadataColumn[] = [];
  for (const column of metadata.columns) {
    if (column.valueCount === 0) continue;
    const ids = new Uint32Array(rowCount);
    for (let row = 0; row < rowCount; row++) ids[row] = column.idAt(row);
    const starts = new Uint32Array(column.valueCount + 1);
    starts.set(column.ends.subarray(0, column.valueCount), 1);
    const bytes = Buffer.from(column.valueBytes.subarray(0, column.usedValueBytes));
    columns.push({
      name: column.name.toString("utf8"),
      ids,
      values: new ByteStrings(bytes, starts, 0),
    });
  }
  return columns;
}

function finishBlock(
  plan: HeadBlockPlan,
  streams: readonly BlockStream[],
  columns: FinishedColumns,
): Block {
  const { rowCount, lines } = columns;
  const facts: BlockFacts = {
    entryCount: rowCount,
    lineBytes: lines.bytes.length - rowCount,
    minNs: streams.reduce((min, { minNs }) => (minNs < min ? minNs : min), streams[0]!.minNs),
    maxNs: streams.reduce((max, { maxNs }) => (maxNs > max ? maxNs : max), streams[0]!.maxNs),
    isAscii: isAscii(lines.bytes),
    hasInnerNewline: countNewlines(lines.bytes) !== rowCount,
    streams,
    levelCounts: levelCountsOf(columns.metadata),
    source: "head",
    sourceOrder: plan.sourceOrder,
  };
  return { ref: { facts }, baseNs: plan.part.baseNs, ...columns };
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count++;
  return count;
}

function levelCountsOf(metadata: readonly MetadataColumn[]): Map<string, number> {
  const counts = new Map<string, number>();
  const column = metadata.find(({ name }) => name === "detected_level");
  if (column === undefined) return counts;
  const byId = new Uint32Array(column.values.count + 1);
  for (const id of column.ids) byId[id]!++;
  for (let id = 1; id < byId.length; id++) counts.set(column.values.text(id - 1), byId[id]!);
  return counts;
}

function blockBytes(block: Block): number {
  const rowBytes = 8 + 4 + 4 + 4 + 4 * block.metadata.length;
  return (block.lines?.bytes.length ?? 0) + block.rowCount * rowBytes;
}
