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
/** Facts of blocks kept for planning, which needs no block: that many streams, over all blocks. */
const refStreamsMax = 200_000;
/** Head sources come after all segments, whose order is the time they were made, in ms. */
const headOrderBase: number = 2 ** 52;
const runsPerPartMax = 4096;

/** Slices of one stream that go into one block. */
export interface HeadRun {
  readonly labels: Labels;
  /** The first `sliceCount` of them; more may have come since. */
  readonly slices: readonly HeadSlice[];
  readonly sliceCount: number;
  /** Number of the stream in its part. */
  readonly stream: number;
  readonly entryCount: number;
  readonly lineBytes: number;
}

/** The runs of one block, with the key that names its content. */
export interface HeadBlockPlan {
  readonly part: HeadPart;
  readonly runs: readonly HeadRun[];
  readonly sourceOrder: number;
  /** Equal for equal content; different content may have the same, too. */
  readonly key: string;
  /** Stream and slices of each run: with equal keys, equal for equal content only. */
  readonly signature: Uint32Array;
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
    const { labels, number, slices, entryCount, lineBytes } = stream;
    const sliceCount = slices.length;
    shared.push({ labels, stream: number, slices, sliceCount, entryCount, lineBytes });
    sharedBytes += lineBytes + 64;
    if (sharedBytes >= sharedBlockBytes) closeShared();
  }
  closeShared();
  return plans;
}

function planOf(part: HeadPart, runs: readonly HeadRun[], index: number): HeadBlockPlan {
  const sourceOrder =
    headOrderBase + part.order * runsPerPartMax + Math.min(index, runsPerPartMax - 1);
  const signature = new Uint32Array(runs.length * 2);
  let hash = 0;
  for (let i = 0; i < runs.length; i++) {
    const { stream, sliceCount } = runs[i]!;
    signature[i * 2] = stream;
    signature[i * 2 + 1] = sliceCount;
    hash = Math.imul(hash ^ stream, 0x9e3779b1);
    hash = Math.imul((hash ^ (hash >>> 15)) + sliceCount, 0x85ebca6b);
  }
  const key = `${part.order}/${index}/${runs.length}/${hash >>> 0}`;
  return { part, runs, sourceOrder, key, signature };
}

function runsOf(stream: HeadStream): HeadRun[] {
  const runs: HeadRun[] = [];
  const { labels, number } = stream;
  const close = (): void => {
    const sliceCount = slices.length;
    runs.push({ labels, stream: number, slices, sliceCount, entryCount, lineBytes });
  };
  let slices: HeadSlice[] = [];
  let [entryCount, lineBytes] = [0, 0];
  for (const slice of stream.slices) {
    slices.push(slice);
    entryCount += slice.toRow - slice.fromRow;
    lineBytes += slice.lineBytes;
    if (lineBytes < runBytes) continue;
    close();
    slices = [];
    [entryCount, lineBytes] = [0, 0];
  }
  if (slices.length > 0) close();
  return runs;
}

interface Known<T> {
  readonly signature: Uint32Array;
  readonly value: T;
}

/** Builds blocks from head runs, and remembers some. */
export class HeadBlocks {
  readonly #cache = new LruMap<string, Known<Block>>({
    name: "head_blocks",
    weightMax: cacheBytesMax,
    weigh: ({ value, signature }) => blockBytes(value) + signature.byteLength,
  });
  readonly #refs = new LruMap<string, Known<BlockRef>>({
    weightMax: refStreamsMax,
    weigh: ({ value }) => 1 + value.facts.streams.length,
  });
  readonly #rows: GatheredRows;
  readonly #metadata: MetadataColumns;

  constructor(options: { hashSeed: number }) {
    this.#rows = new GatheredRows(options.hashSeed);
    this.#metadata = new MetadataColumns(options.hashSeed);
  }

  /** What is known of the block if it was built before; the same object for the same content. */
  knownRef(plan: HeadBlockPlan): BlockRef | undefined {
    return sameOf(this.#refs.get(plan.key), plan);
  }

  block(plan: HeadBlockPlan): Block {
    const known = sameOf(this.#cache.get(plan.key), plan);
    if (known !== undefined) return known;
    const built = this.#build(plan);
    const ref = this.knownRef(plan) ?? built.ref;
    const block = { ...built, ref };
    const { signature } = plan;
    this.#refs.set(plan.key, { signature, value: ref });
    this.#cache.set(plan.key, { signature, value: block });
    return block;
  }

  #build(plan: HeadBlockPlan): Block {
    const { part, runs } = plan;
    const columns = new ColumnsUnderConstruction(runs);
    const streams: BlockStream[] = [];
    const rows = this.#rows;
    const metadata = this.#metadata;
    for (const [index, run] of runs.entries()) {
      const { slices, sliceCount } = run;
      const isAll = slices.length === sliceCount;
      rows.gather(isAll ? slices : slices.slice(0, sliceCount), part.day);
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

/** What is remembered under the key, when it is of this content. */
function sameOf<T>(known: Known<T> | undefined, plan: HeadBlockPlan): T | undefined {
  if (known === undefined || known.signature.length !== plan.signature.length) return undefined;
  for (let i = 0; i < plan.signature.length; i++) {
    if (known.signature[i] !== plan.signature[i]) return undefined;
  }
  return known.value;
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
