import assert from "node:assert";
import { hashBytes, sameBytes, stableOrder } from "#columns";
import { type EntryBatch, secondsPerDay } from "#model";

/** Rows [fromRow, toRow) of a batch; all of one stream and one day. */
export interface RowSlice {
  readonly batch: EntryBatch;
  readonly fromRow: number;
  readonly toRow: number;
}

/**
 * Runs of equal times up to this long are compared pair by pair; longer ones through a hash table.
 */
const pairwiseMax = 8;

/** Below this, a plain loop compares faster than a call of Buffer.compare. */
const loopBytesMax = 32;

/**
 * The rows of one stream, sorted by (time, arrival), identical entries dropped (the first stays).
 * Columns are scratch memory: valid until the next `gather`.
 */
export class GatheredRows {
  count = 0;
  /** Sum of line lengths. */
  lineBytes = 0;
  /** Nanoseconds since the day began. */
  offsets: Float64Array = new Float64Array(1024);
  /** Which slice, and which row of its batch. */
  sliceOf: Uint32Array = new Uint32Array(1024);
  rowOf: Uint32Array = new Uint32Array(1024);
  slices: readonly RowSlice[] = [];
  /** Of tables in memory. */
  seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Keeps the columns for the next `gather`, and nothing of the rows. */
  release(): void {
    this.slices = [];
    this.count = 0;
  }

  gather(slices: readonly RowSlice[], day: number): void {
    this.slices = slices;
    let count = 0;
    for (const { fromRow, toRow } of slices) count += toRow - fromRow;
    this.#reserve(count);
    this.count = count;
    if (!this.#readTimes(day)) this.#sort();
    this.#dropDuplicates();
    this.lineBytes = this.#sumLineBytes();
  }

  #reserve(count: number): void {
    if (count <= this.offsets.length) return;
    const capacity = Math.max(count, this.offsets.length * 2);
    this.offsets = new Float64Array(capacity);
    this.sliceOf = new Uint32Array(capacity);
    this.rowOf = new Uint32Array(capacity);
  }

  /** Returns whether the rows came sorted. */
  #readTimes(day: number): boolean {
    const dayStartSeconds = day * secondsPerDay;
    let at = 0;
    let previous = -1;
    let isSorted = true;
    for (let s = 0; s < this.slices.length; s++) {
      const slice = this.slices[s]!;
      if (!this.#readSlice(slice, s, { at, dayStartSeconds, previous })) isSorted = false;
      at += slice.toRow - slice.fromRow;
      previous = this.offsets[at - 1] ?? previous;
    }
    return isSorted;
  }

  /**
   * Returns whether its rows came sorted, none before `previous`. A function for itself: a loop in a
   * loop is compiled while it runs, for one way out of it, and again and again.
   */
  #readSlice(
    { batch, fromRow, toRow }: RowSlice,
    number: number,
    from: { readonly at: number; readonly dayStartSeconds: number; readonly previous: number },
  ): boolean {
    const { epochSeconds, nanos } = batch;
    const { offsets, sliceOf, rowOf } = this;
    const { dayStartSeconds } = from;
    let { at, previous } = from;
    let isSorted = true;
    for (let row = fromRow; row < toRow; row++, at++) {
      const second = epochSeconds[row]! - dayStartSeconds;
      // Not `assert` for each row: it takes its arguments as an array.
      if (!(second >= 0 && second < secondsPerDay)) assert.fail(`row ${row} is not of the day`);
      const offset = second * 1e9 + nanos[row]!;
      if (offset < previous) isSorted = false;
      previous = offset;
      offsets[at] = offset;
      sliceOf[at] = number;
      rowOf[at] = row;
    }
    return isSorted;
  }

  #sort(): void {
    const { count } = this;
    const order = stableOrder(this.offsets, count);
    const offsets = this.offsets.slice(0, count);
    const sliceOf = this.sliceOf.slice(0, count);
    const rowOf = this.rowOf.slice(0, count);
    for (let i = 0; i < count; i++) {
      const from = order[i]!;
      this.offsets[i] = offsets[from]!;
      this.sliceOf[i] = sliceOf[from]!;
      this.rowOf[i] = rowOf[from]!;
    }
  }

  #sumLineBytes(): number {
    let sum = 0;
    for (let i = 0; i < this.count; i++) {
      const { batch } = this.slices[this.sliceOf[i]!]!;
      const row = this.rowOf[i]!;
      sum += batch.lineEnds[row]! - batch.lineStarts[row]!;
    }
    return sum;
  }

  #dropDuplicates(): void {
    const { offsets, count } = this;
    let kept = 0;
    let from = 0;
    while (from < count) {
      const to = endOfEqual(offsets, from, count);
      if (to - from === 1) this.#move(from, kept++);
      else if (to - from <= pairwiseMax) kept = this.#keepDistinctByPairs(from, to, kept);
      else kept = this.#keepDistinctByHash(from, to, kept);
      from = to;
    }
    this.count = kept;
  }

  #move(from: number, to: number): void {
    if (from === to) return;
    this.offsets[to] = this.offsets[from]!;
    this.sliceOf[to] = this.sliceOf[from]!;
    this.rowOf[to] = this.rowOf[from]!;
  }

  #keepDistinctByPairs(from: number, to: number, keptBefore: number): number {
    let kept = keptBefore;
    for (let i = from; i < to; i++) {
      let isNew = true;
      for (let j = keptBefore; j < kept && isNew; j++) isNew = !this.#isSame(j, i);
      if (isNew) this.#move(i, kept++);
    }
    return kept;
  }

  #keepDistinctByHash(from: number, to: number, keptBefore: number): number {
    const mask = 2 ** Math.ceil(Math.log2((to - from) * 2)) - 1;
    // Row + 1 by slot; rows are only moved down to slots already decided, so the numbers stay
    // right.
    const table = new Uint32Array(mask + 1);
    let kept = keptBefore;
    for (let i = from; i < to; i++) {
      const { batch } = this.slices[this.sliceOf[i]!]!;
      const row = this.rowOf[i]!;
      let slot = hashBytes(batch.bytes, batch.lineStarts[row]!, batch.lineEnds[row]!, this.seed);
      slot &= mask;
      while (table[slot] !== 0 && !this.#isSame(table[slot]! - 1, i)) slot = (slot + 1) & mask;
      if (table[slot] !== 0) continue;
      this.#move(i, kept);
      table[slot] = ++kept;
    }
    return kept;
  }

  #isSame(i: number, j: number): boolean {
    const a = this.slices[this.sliceOf[i]!]!.batch;
    const b = this.slices[this.sliceOf[j]!]!.batch;
    const aRow = this.rowOf[i]!;
    const bRow = this.rowOf[j]!;
    const [aFrom, aTo] = [a.lineStarts[aRow]!, a.lineEnds[aRow]!];
    const [bFrom, bTo] = [b.lineStarts[bRow]!, b.lineEnds[bRow]!];
    return (
      isSameRange(a.bytes, aFrom, aTo, b.bytes, bFrom, bTo) &&
      isSameSet(a, a.metadataOfRow[aRow]!, b, b.metadataOfRow[bRow]!)
    );
  }
}

/** The place behind the last one that has the same time as `from`. */
function endOfEqual(offsets: Float64Array, from: number, count: number): number {
  let to = from + 1;
  while (to < count && offsets[to] === offsets[from]) to++;
  return to;
}

function isSameSet(a: EntryBatch, aSet: number, b: EntryBatch, bSet: number): boolean {
  if (a === b && aSet === bSet) return true;
  const [aStarts, bStarts] = [a.metadata.starts, b.metadata.starts];
  return isSameRange(
    a.metadata.bytes,
    aStarts[aSet]!,
    aStarts[aSet + 1]!,
    b.metadata.bytes,
    bStarts[bSet]!,
    bStarts[bSet + 1]!,
  );
}

/**
 * Six positionals: called per pair of rows, where an object would cost more than the comparison.
 */
function isSameRange(
  a: Buffer,
  aFrom: number,
  aTo: number,
  b: Buffer,
  bFrom: number,
  bTo: number,
): boolean {
  if (aTo - aFrom !== bTo - bFrom) return false;
  if (aTo - aFrom <= loopBytesMax) return sameBytes(a, aFrom, b, bFrom, aTo - aFrom);
  return a.compare(b, bFrom, bTo, aFrom, aTo) === 0;
}
