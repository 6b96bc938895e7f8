/**
 * The rows of one stream in order of time, equal times in order of arrival, each entry once: what is
 * equal in time, line and metadata is one entry.
 */
import { hashBytes, sameBytes, stableOrder } from "#columns";
import type { ChunkRowSlice } from "./chunk.ts";
import { MetadataSets } from "./metadata-sets.ts";

/** Columns may be longer than `count`. */
export interface GatheredRows {
  readonly count: number;
  readonly slices: readonly ChunkRowSlice[];
  readonly sliceOf: Uint32Array;
  readonly rowOf: Uint32Array;
  readonly seconds: Float64Array;
  readonly nanos: Uint32Array;
  /** Set of each row, in `sets`. */
  readonly setOf: Uint32Array;
  readonly sets: MetadataSets;
}

/** Doubles hold ns of this many seconds exactly. */
const exactSecondsMax = 9_000_000;

/** For tables in memory; the outcome does not depend on it. */
const lineSeed = 0x711;

/** Without metadata, entries that differ in nothing else are one. */
export function gatherRows(
  slices: readonly ChunkRowSlice[],
  { hasMetadata }: { readonly hasMetadata: boolean },
): GatheredRows {
  let total = 0;
  for (const { fromRow, toRow } of slices) total += toRow - fromRow;
  const arrived = columnsOf(slices, total, hasMetadata);
  const { sets } = arrived;
  const order = timeOrder(arrived.seconds, arrived.nanos);
  const pick = (values: Uint32Array): Uint32Array => {
    const picked = new Uint32Array(total);
    for (let i = 0; i < total; i++) picked[i] = values[order[i]!]!;
    return picked;
  };
  const seconds = new Float64Array(total);
  for (let i = 0; i < total; i++) seconds[i] = arrived.seconds[order[i]!]!;
  const rows = {
    slices,
    sliceOf: pick(arrived.sliceOf),
    rowOf: pick(arrived.rowOf),
    seconds,
    nanos: pick(arrived.nanos),
    setOf: pick(arrived.setOf),
    sets,
  };
  return { ...rows, count: dropDuplicates(rows, total) };
}

type Columns = Omit<GatheredRows, "count">;

function columnsOf(slices: readonly ChunkRowSlice[], total: number, hasMetadata: boolean): Columns {
  const sets = new MetadataSets();
  const sliceOf = new Uint32Array(total);
  const rowOf = new Uint32Array(total);
  const seconds = new Float64Array(total);
  const nanos = new Uint32Array(total);
  const setOf = new Uint32Array(total);
  let at = 0;
  for (let s = 0; s < slices.length; s++) {
    const { batch, fromRow, toRow } = slices[s]!;
    for (let row = fromRow; row < toRow; row++) {
      sliceOf[at] = s;
      rowOf[at] = row;
      seconds[at] = batch.epochSeconds[row]!;
      nanos[at] = batch.nanos[row]!;
      if (hasMetadata) setOf[at] = sets.numberOf(batch.metadata, batch.metadataOfRow[row]!);
      at++;
    }
  }
  return { slices, sliceOf, rowOf, seconds, nanos, setOf, sets };
}

function timeOrder(seconds: Float64Array, nanos: Uint32Array): Uint32Array {
  const count = seconds.length;
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    if (seconds[i]! < min) min = seconds[i]!;
    if (seconds[i]! > max) max = seconds[i]!;
  }
  const keys = new Float64Array(count);
  if (max - min < exactSecondsMax) {
    for (let i = 0; i < count; i++) keys[i] = (seconds[i]! - min) * 1e9 + nanos[i]!;
    return stableOrder(keys, count);
  }
  // Too far apart for one double: by nanoseconds first, then, stably, by seconds.
  for (let i = 0; i < count; i++) keys[i] = nanos[i]!;
  const byNanos = stableOrder(keys, count);
  for (let i = 0; i < count; i++) keys[i] = seconds[byNanos[i]!]!;
  return stableOrder(keys, count).map((position) => byNanos[position]!);
}

/** Moves what stays to the front and returns how many that are. */
function dropDuplicates(rows: Columns, total: number): number {
  const { seconds, nanos } = rows;
  let kept = 0;
  for (let from = 0, to = 0; from < total; from = to) {
    to = from + 1;
    while (to < total && seconds[to] === seconds[from] && nanos[to] === nanos[from]) to++;
    kept = to - from === 1 ? moved(rows, from, kept) : keepDistinct(rows, from, to, kept);
  }
  return kept;
}

function moved(rows: Columns, from: number, to: number): number {
  if (from === to) return to + 1;
  const { sliceOf, rowOf, seconds, nanos, setOf } = rows;
  sliceOf[to] = sliceOf[from]!;
  rowOf[to] = rowOf[from]!;
  seconds[to] = seconds[from]!;
  nanos[to] = nanos[from]!;
  setOf[to] = setOf[from]!;
  return to + 1;
}

function keepDistinct(rows: Columns, from: number, to: number, keptBefore: number): number {
  const mask = 2 ** Math.ceil(Math.log2((to - from) * 2)) - 1;
  // Row + 1 by slot. Rows only move to places already decided, so the numbers stay right.
  const table = new Uint32Array(mask + 1);
  let kept = keptBefore;
  for (let i = from; i < to; i++) {
    const { batch } = rows.slices[rows.sliceOf[i]!]!;
    const row = rows.rowOf[i]!;
    const hash = hashBytes(batch.bytes, batch.lineStarts[row]!, batch.lineEnds[row]!, lineSeed);
    let slot = (hash ^ Math.imul(rows.setOf[i]!, 0x9e3779b1)) & mask;
    while (table[slot] !== 0 && !isSame(rows, table[slot]! - 1, i)) slot = (slot + 1) & mask;
    if (table[slot] !== 0) continue;
    kept = moved(rows, i, kept);
    table[slot] = kept;
  }
  return kept;
}

function isSame(rows: Columns, i: number, j: number): boolean {
  if (rows.setOf[i] !== rows.setOf[j]) return false;
  const a = rows.slices[rows.sliceOf[i]!]!.batch;
  const b = rows.slices[rows.sliceOf[j]!]!.batch;
  const [aRow, bRow] = [rows.rowOf[i]!, rows.rowOf[j]!];
  const [aFrom, bFrom] = [a.lineStarts[aRow]!, b.lineStarts[bRow]!];
  const length = a.lineEnds[aRow]! - aFrom;
  if (b.lineEnds[bRow]! - bFrom !== length) return false;
  return sameBytes(a.bytes, aFrom, b.bytes, bFrom, length);
}
