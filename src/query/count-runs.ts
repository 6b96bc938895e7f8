import type { Block } from "#storage";
import type { BlockScope } from "./block-scope.ts";
import type { SeriesTable } from "./series-table.ts";
import type { WindowSteps } from "./step-grid.ts";
import type { WindowFold } from "./window-fold.ts";

export interface CountedRows {
  /** Rows that count for some step, if they pass. */
  readonly seen: number;
  readonly passed: number;
}

/**
 * Counts the rows of a block without looking at each: rows of one stream are sorted by time, so
 * those that count for the same steps lie together, and where they end is found by halving. Of a
 * block that was searched, those that pass are counted. For queries of `isCountedByStreams` and
 * blocks without duplicates, read without metadata; `windows` is set to the base of the block. With
 * `weighsBytes` entries weigh their lengths.
 */
export function addRuns(
  block: Block,
  scope: BlockScope,
  query: {
    readonly windows: WindowSteps;
    readonly table: SeriesTable;
    readonly weighsBytes: boolean;
  },
): CountedRows {
  const { windows, table } = query;
  const { offsets, passing } = block;
  const lengths = query.weighsBytes ? block.lengths : undefined;
  const sample = { time: 0, value: 0, count: 0 };
  let [seen, passed] = [0, 0];
  let row = 0;
  while (row < block.rowCount) {
    const stream = block.streamOfRow?.[row] ?? 0;
    const toRow = endOfRun(block, row, stream);
    if (scope.streams?.[stream] === 0) {
      row = toRow;
      continue;
    }
    const { labels } = scope.ref.facts.streams[stream]!;
    // A series exists only once an entry counts for it.
    let fold: WindowFold | undefined;
    while (row < toRow) {
      const from = windows.firstStep(offsets[row]!);
      const to = windows.endStep(offsets[row]!);
      const end = endOfOffsets(offsets, { row, toRow, last: windows.lastOffsetOf(from, to) });
      if (from < to) {
        sample.count = passing === undefined ? end - row : sumOf(passing, row, end);
        seen += end - row;
        passed += sample.count;
      }
      if (from < to && sample.count > 0) {
        sample.value = lengths === undefined ? sample.count : weightOf(lengths, passing, row, end);
        fold ??= table.foldForStream(scope.tenant, labels);
        fold.add(from, to, sample);
      }
      row = end;
    }
  }
  return { seen, passed };
}

function endOfRun({ streamOfRow, rowCount }: Block, row: number, stream: number): number {
  if (streamOfRow === undefined) return rowCount;
  let end = row + 1;
  while (end < rowCount && streamOfRow[end] === stream) end++;
  return end;
}

/** The first row behind `row` with a larger offset than `last`, or `toRow`: by leaps, then halving. */
export function endOfOffsets(
  offsets: Float64Array,
  rows: { readonly row: number; readonly toRow: number; readonly last: number },
): number {
  const { toRow, last } = rows;
  let known = rows.row;
  let step = 1;
  while (known + step < toRow && offsets[known + step]! <= last) {
    known += step;
    step *= 2;
  }
  let low = known + 1;
  let high = Math.min(known + step, toRow);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! <= last) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sumOf(values: Uint32Array | Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let row = from; row < to; row++) sum += values[row]!;
  return sum;
}

function weightOf(
  lengths: Uint32Array,
  passing: Uint8Array | undefined,
  from: number,
  to: number,
): number {
  if (passing === undefined) return sumOf(lengths, from, to);
  let sum = 0;
  for (let row = from; row < to; row++) if (passing[row] === 1) sum += lengths[row]!;
  return sum;
}
