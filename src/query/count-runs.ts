import type { Block } from "#storage";
import type { BlockScope } from "./block-scope.ts";
import type { SeriesTable } from "./series-table.ts";
import type { WindowSteps } from "./step-grid.ts";
import type { WindowFold } from "./window-fold.ts";

/**
 * Counts the rows of a block without looking at each: rows of one stream are sorted by time, so
 * those that count for the same steps lie together, and where they end is found by halving. For
 * queries of `isCountedByFacts` and blocks without duplicates, read without metadata; `windows` is
 * set to the base of the block. With `weighsBytes` entries weigh their lengths. Returns how many
 * rows count for some step.
 */
export function addRuns(
  block: Block,
  scope: BlockScope,
  query: {
    readonly windows: WindowSteps;
    readonly table: SeriesTable;
    readonly weighsBytes: boolean;
  },
): number {
  const { windows, table } = query;
  const { offsets } = block;
  const lengths = query.weighsBytes ? block.lengths : undefined;
  const sample = { time: 0, value: 0, count: 0 };
  let counted = 0;
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
        sample.count = end - row;
        sample.value = lengths === undefined ? sample.count : sumOf(lengths, row, end);
        fold ??= table.foldForStream(scope.tenant, labels);
        fold.add(from, to, sample);
        counted += sample.count;
      }
      row = end;
    }
  }
  return counted;
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

function sumOf(lengths: Uint32Array, from: number, to: number): number {
  let sum = 0;
  for (let row = from; row < to; row++) sum += lengths[row]!;
  return sum;
}
