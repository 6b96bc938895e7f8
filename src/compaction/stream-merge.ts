/**
 * Several segments of one day → one, stream by stream and in order of time. Identical entries become one. In memory are, of
 * each input, the runs of one stream that overlap in time with those of other inputs, usually one or two
 * blocks. Rows of one instant are never torn apart, for they must be compared with each other.
 */
import assert from "node:assert";
import { MiB } from "#base";
import type { Labels } from "#model";
import {
  batchOfRows,
  GatheredRows,
  giveBatchBack,
  metadataSums,
  type RowSlice,
  type SegmentSource,
  type SegmentWriter,
  type SourceRun,
} from "#segment";
import type { Block } from "#storage";
import type { Pace } from "./pace.ts";

/** Lines of one stream in memory at a time: only very many rows of one instant come near it. */
export const heldBytesMax: number = 256 * MiB;

/** Packed metadata sets of the rows of one input that are gathered at a time. */
const metadataBytesMax: number = 8 * MiB;

/** This segment cannot be merged with others; it is sound and stays as it is. */
export class MergeLimitError extends Error {
  readonly source: SegmentSource;

  constructor(source: SegmentSource, message: string) {
    super(`${source.segment.key} is not merged: ${message}`);
    this.name = "MergeLimitError";
    this.source = source;
  }
}

/** What a source holds is wrong, as said by `cause`. */
export class SourceError extends Error {
  readonly source: SegmentSource;

  constructor(source: SegmentSource, cause: unknown) {
    super(`reading ${source.segment.key} failed`, { cause });
    this.name = "SourceError";
    this.source = source;
  }
}

/** Says which rows do not get into what is written. */
export interface RowEraser {
  /**
   * By row: 0 when it stays, else a number that the rows' counts go to (`erasedBy`). Undefined when all
   * stay. The block has all its columns.
   */
  hiddenRows(block: Block): Uint16Array | undefined;
}

export interface ErasedRows {
  entries: number;
  lineBytes: number;
}

export interface StreamMergeCounts {
  /** Those that were erased included. */
  readEntries: number;
  /** As duplicates. */
  droppedEntries: number;
  erasedEntries: number;
  readonly erasedBy: Map<number, ErasedRows>;
  blocksRead: number;
  /** Decoded blocks in memory at a time, at most. */
  blocksHeldMax: number;
}

export interface StreamMergeJob {
  readonly day: number;
  /** In order of their making. */
  readonly sources: readonly SegmentSource[];
  readonly writer: SegmentWriter;
  readonly eraser?: RowEraser | undefined;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

/** Writes all entries of the sources. The caller finishes the writer. */
export async function mergeStreams(job: StreamMergeJob): Promise<StreamMergeCounts> {
  const merge = new StreamMerge(job);
  const next = job.sources.map(() => 0);
  for (;;) {
    job.signal.throwIfAborted();
    const first = smallestLabels(job.sources, next);
    if (first === undefined) return merge.counts;
    const cursors: StreamCursor[] = [];
    for (const [index, source] of job.sources.entries()) {
      if (labelsOf(source, next[index]!)?.key !== first.key) continue;
      cursors.push(new StreamCursor(source, next[index]!++));
    }
    await merge.mergeStream(first, cursors);
  }
}

function labelsOf(source: SegmentSource, stream: number): Labels | undefined {
  if (stream >= source.streamCount) return undefined;
  return blaming(source, () => source.labelsAt(stream));
}

function smallestLabels(
  sources: readonly SegmentSource[],
  next: readonly number[],
): Labels | undefined {
  let smallest: Labels | undefined;
  for (const [index, source] of sources.entries()) {
    const labels = labelsOf(source, next[index]!);
    if (labels === undefined) continue;
    if (smallest === undefined || labels.key < smallest.key) smallest = labels;
  }
  return smallest;
}

function blaming<T>(source: SegmentSource, task: () => T): T {
  try {
    return task();
  } catch (error) {
    throw new SourceError(source, error);
  }
}

/** A run in memory, from its first row that is not written yet. */
interface LoadedRun {
  readonly run: SourceRun;
  readonly block: Block;
  row: number;
  /** Of the run's rows, when the block has metadata (`metadataSums`). */
  readonly sums: Float64Array | undefined;
  /** Of the block's rows, from the eraser. */
  readonly hidden: Uint16Array | undefined;
}

/** What was taken from cursors: rows to write, and how many rows it was with those that go. */
class TakenRows {
  readonly slices: RowSlice[] = [];
  count = 0;
  readonly #finished: { readonly source: SegmentSource; readonly block: number }[] = [];
  readonly #counts: StreamMergeCounts;

  constructor(counts: StreamMergeCounts) {
    this.#counts = counts;
  }

  /** All rows of a run were taken: its block is needed until these were written. */
  finish(source: SegmentSource, block: number): void {
    this.#finished.push({ source, block });
  }

  /** The rows were written, or go: memory of theirs is given back. */
  release(): void {
    for (const { batch } of this.slices) giveBatchBack(batch);
    for (const { source, block } of this.#finished) source.finishRun(block);
  }

  add({ block, hidden }: LoadedRun, fromRow: number, toRow: number): void {
    this.count += toRow - fromRow;
    const batch = batchOfRows(block, fromRow, toRow);
    if (hidden === undefined) {
      this.slices.push({ batch, fromRow: 0, toRow: toRow - fromRow });
      return;
    }
    let row = fromRow;
    while (row < toRow) {
      const first = row;
      while (row < toRow && hidden[row] === 0) row++;
      if (row > first) {
        this.slices.push({ batch, fromRow: first - fromRow, toRow: row - fromRow });
      }
      for (; row < toRow && hidden[row] !== 0; row++) this.#erase(block, row, hidden[row]!);
    }
  }

  #erase(block: Block, row: number, by: number): void {
    const counts = this.#counts;
    const rows = counts.erasedBy.get(by) ?? { entries: 0, lineBytes: 0 };
    rows.entries++;
    rows.lineBytes += block.lines!.to(row) - block.lines!.from(row);
    counts.erasedBy.set(by, rows);
    counts.erasedEntries++;
  }
}

/** One stream of one source: runs that are loaded, and those that are still to come. */
class StreamCursor {
  readonly source: SegmentSource;
  readonly loaded: LoadedRun[] = [];
  readonly #runs: readonly SourceRun[];
  #next = 0;

  constructor(source: SegmentSource, stream: number) {
    this.source = source;
    this.#runs = blaming(source, () => source.runsOf(stream));
  }

  get bytes(): number {
    return this.#runs.reduce((sum, run) => sum + run.lineBytes + run.toRow - run.fromRow, 0);
  }

  /** Every row before this time is loaded. */
  get bound(): number {
    return this.#runs[this.#next]?.minOffset ?? Infinity;
  }

  /** The block that `load` needs. */
  get nextBlock(): number {
    return this.#runs[this.#next]!.block;
  }

  load(block: Block, hidden: Uint16Array | undefined): void {
    const run = this.#runs[this.#next++]!;
    const { fromRow, toRow } = run;
    const hasMetadata = block.metadata.length > 0;
    const sums = hasMetadata ? metadataSums(block, fromRow, toRow) : undefined;
    this.loaded.push({ run, block, row: fromRow, sums, hidden });
  }

  get heldBytes(): number {
    return this.loaded.reduce((sum, { run }) => sum + run.lineBytes, 0);
  }

  /** Where to stop before `bound`, so that the metadata of the rows up to there stays within its limit. */
  metadataBound(bound: number): number {
    let room = metadataBytesMax;
    for (const { run, block, row, sums } of this.loaded) {
      if (sums === undefined) continue;
      const used = sums[row - run.fromRow]!;
      const to = firstAbove(sums, row - run.fromRow, used + room) + run.fromRow;
      if (to < run.toRow) return Math.min(bound, block.offsets[to]!);
      room -= sums[sums.length - 1]! - used;
    }
    return bound;
  }

  /** Hands over the rows before `bound`. */
  take(bound: number, taken: TakenRows): void {
    while (this.loaded.length > 0) {
      const first = this.loaded[0]!;
      const { run, block, row } = first;
      const to = firstAtOrAfter(block.offsets, row, run.toRow, bound);
      if (to > row) {
        taken.add(first, row, to);
        first.row = to;
      }
      if (to < run.toRow) return;
      this.loaded.shift();
      taken.finish(this.source, run.block);
    }
  }
}

/** The last index whose sum is at most `limit`, from `from` on: so many rows may be taken. */
function firstAbove(sums: Float64Array, from: number, limit: number): number {
  let [low, high] = [from, sums.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (sums[middle]! <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}

function firstAtOrAfter(offsets: Float64Array, from: number, to: number, bound: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

class StreamMerge {
  readonly counts: StreamMergeCounts = {
    readEntries: 0,
    droppedEntries: 0,
    erasedEntries: 0,
    erasedBy: new Map(),
    blocksRead: 0,
    blocksHeldMax: 0,
  };
  readonly #job: StreamMergeJob;
  readonly #rows: GatheredRows;
  /** A stream whose first row has not been written: it may have none left. */
  #unstarted: { readonly labels: Labels; readonly bytes: number } | undefined;
  /** Of the block whose rows were asked for last: thin streams share one. */
  #marks: { readonly block: Block; readonly hidden: Uint16Array | undefined } | undefined;

  constructor(job: StreamMergeJob) {
    this.#job = job;
    this.#rows = new GatheredRows(job.writer.seed);
  }

  async mergeStream(labels: Labels, cursors: readonly StreamCursor[]): Promise<void> {
    const bytes = cursors.reduce((sum, cursor) => sum + cursor.bytes, 0);
    this.#unstarted = { labels, bytes };
    for (;;) {
      const bound = Math.min(...cursors.map((cursor) => cursor.bound));
      const taken = takeBefore(bound, cursors, this.counts);
      this.counts.readEntries += taken.count;
      const lineBytes = taken.slices.length > 0 ? await this.#write(taken.slices) : 0;
      taken.release();
      if (taken.count > 0) await this.#pause(lineBytes + taken.count);
      else if (bound === Infinity) return;
      else await this.#load(cursors, bound);
    }
  }

  #hiddenOf(block: Block): Uint16Array | undefined {
    const { eraser } = this.#job;
    if (eraser === undefined) return undefined;
    if (this.#marks?.block !== block) this.#marks = { block, hidden: eraser.hiddenRows(block) };
    return this.#marks.hidden;
  }

  async #pause(bytes: number): Promise<void> {
    const { pace, signal } = this.#job;
    if (pace.spend(bytes)) await pace.rest(signal);
  }

  /** Loads the next run of those that keep the others from going on. */
  async #load(cursors: readonly StreamCursor[], bound: number): Promise<void> {
    for (const cursor of cursors) {
      if (cursor.bound !== bound) continue;
      const { source, nextBlock } = cursor;
      const block = source.held(nextBlock) ?? (await this.#read(source, nextBlock));
      cursor.load(block, this.#hiddenOf(block));
    }
    const held = cursors.reduce((sum, cursor) => sum + cursor.heldBytes, 0);
    if (held > heldBytesMax) {
      const largest = cursors.reduce((a, b) => (b.heldBytes > a.heldBytes ? b : a));
      throw new MergeLimitError(largest.source, `${held} bytes of lines at one instant`);
    }
    this.#countHeld();
  }

  async #read(source: SegmentSource, block: number): Promise<Block> {
    this.counts.blocksRead++;
    try {
      return await source.read(block, this.#job.signal);
    } catch (error) {
      this.#job.signal.throwIfAborted();
      throw new SourceError(source, error);
    }
  }

  #countHeld(): void {
    const held = this.#job.sources.reduce((sum, source) => sum + source.heldCount, 0);
    this.counts.blocksHeldMax = Math.max(this.counts.blocksHeldMax, held);
  }

  /** Returns how many bytes of lines were written. */
  async #write(slices: readonly RowSlice[]): Promise<number> {
    const { writer, day } = this.#job;
    const rows = this.#rows;
    rows.gather(slices, day);
    const readEntries = slices.reduce((sum, { fromRow, toRow }) => sum + toRow - fromRow, 0);
    assert(rows.count > 0 && rows.count <= readEntries, `${rows.count} rows of ${readEntries}`);
    this.counts.droppedEntries += readEntries - rows.count;
    if (this.#unstarted !== undefined) {
      await writer.startStream(this.#unstarted.labels, this.#unstarted.bytes);
      this.#unstarted = undefined;
    }
    await writer.addRows(rows);
    return rows.lineBytes;
  }
}

/** Rows before `bound`, inputs in order; fewer when their metadata is large. */
function takeBefore(
  bound: number,
  cursors: readonly StreamCursor[],
  counts: StreamMergeCounts,
): TakenRows {
  const taken = new TakenRows(counts);
  const lower = cursors.reduce((to, cursor) => cursor.metadataBound(to), bound);
  for (const cursor of cursors) cursor.take(lower, taken);
  // Rows of one instant go together, however large their metadata.
  if (taken.count === 0 && lower < bound) {
    const after = lower + 1;
    for (const cursor of cursors) cursor.take(Math.min(after, bound), taken);
  }
  return taken;
}
