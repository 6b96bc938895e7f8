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

export interface StreamMergeCounts {
  readEntries: number;
  droppedEntries: number;
  blocksRead: number;
  /** Decoded blocks in memory at a time, at most. */
  blocksHeldMax: number;
}

export interface StreamMergeJob {
  readonly day: number;
  /** In order of their making. */
  readonly sources: readonly SegmentSource[];
  readonly writer: SegmentWriter;
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

  load(block: Block): void {
    const run = this.#runs[this.#next++]!;
    const { fromRow, toRow } = run;
    const hasMetadata = block.metadata.length > 0;
    const sums = hasMetadata ? metadataSums(block, fromRow, toRow) : undefined;
    this.loaded.push({ run, block, row: fromRow, sums });
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
  take(bound: number, slices: RowSlice[]): void {
    while (this.loaded.length > 0) {
      const first = this.loaded[0]!;
      const { run, block, row } = first;
      const to = firstAtOrAfter(block.offsets, row, run.toRow, bound);
      if (to > row) {
        slices.push({ batch: batchOfRows(block, row, to), fromRow: 0, toRow: to - row });
        first.row = to;
      }
      if (to < run.toRow) return;
      this.loaded.shift();
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
    blocksRead: 0,
    blocksHeldMax: 0,
  };
  readonly #job: StreamMergeJob;
  readonly #rows: GatheredRows;

  constructor(job: StreamMergeJob) {
    this.#job = job;
    this.#rows = new GatheredRows(job.writer.seed);
  }

  async mergeStream(labels: Labels, cursors: readonly StreamCursor[]): Promise<void> {
    const bytes = cursors.reduce((sum, cursor) => sum + cursor.bytes, 0);
    await this.#job.writer.startStream(labels, bytes);
    for (;;) {
      const bound = Math.min(...cursors.map((cursor) => cursor.bound));
      const slices = takeBefore(bound, cursors);
      if (slices.length > 0) await this.#write(slices);
      else if (bound === Infinity) return;
      else await this.#load(cursors, bound);
    }
  }

  /** Loads the next run of those that keep the others from going on. */
  async #load(cursors: readonly StreamCursor[], bound: number): Promise<void> {
    for (const cursor of cursors) {
      if (cursor.bound !== bound) continue;
      const { source, nextBlock } = cursor;
      cursor.load(source.held(nextBlock) ?? (await this.#read(source, nextBlock)));
    }
    const held = cursors.reduce((sum, cursor) => sum + cursor.heldBytes, 0);
    if (held > heldBytesMax) {
      const largest = cursors.reduce((a, b) => (b.heldBytes > a.heldBytes ? b : a));
      throw new MergeLimitError(largest.source, `${held} bytes of lines at one instant`);
    }
    this.#countHeld(cursors);
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

  #countHeld(cursors: readonly StreamCursor[]): void {
    let held = this.#job.sources.reduce((sum, source) => sum + source.heldCount, 0);
    for (const { source, loaded } of cursors) {
      for (const { run, block } of loaded) if (source.held(run.block) !== block) held++;
    }
    this.counts.blocksHeldMax = Math.max(this.counts.blocksHeldMax, held);
  }

  async #write(slices: readonly RowSlice[]): Promise<void> {
    const { writer, day, pace, signal } = this.#job;
    const rows = this.#rows;
    rows.gather(slices, day);
    const readEntries = slices.reduce((sum, { toRow }) => sum + toRow, 0);
    assert(rows.count > 0 && rows.count <= readEntries, `${rows.count} rows of ${readEntries}`);
    this.counts.readEntries += readEntries;
    this.counts.droppedEntries += readEntries - rows.count;
    await writer.addRows(rows);
    if (pace.spend(rows.lineBytes + rows.count)) await pace.rest(signal);
  }
}

/** Rows before `bound`, inputs in order; fewer when their metadata is large. */
function takeBefore(bound: number, cursors: readonly StreamCursor[]): RowSlice[] {
  const slices: RowSlice[] = [];
  const lower = cursors.reduce((to, cursor) => cursor.metadataBound(to), bound);
  for (const cursor of cursors) cursor.take(lower, slices);
  // Rows of one instant go together, however large their metadata.
  if (slices.length === 0 && lower < bound) {
    const after = lower + 1;
    for (const cursor of cursors) cursor.take(Math.min(after, bound), slices);
  }
  return slices;
}
