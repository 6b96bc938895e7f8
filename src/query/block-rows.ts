import type { TimeRange } from "#model";
import type { Block } from "#storage";
import type { BlockScope } from "./block-scope.ts";
import type { Duplicates } from "./duplicates.ts";

/** What a reader wants of a block's rows. */
export interface RowChoice {
  readonly range: TimeRange;
  readonly duplicates: Duplicates;
  /** Further condition on the time, as offset from the block's base. */
  readonly wantsOffset?: ((offset: number) => boolean) | undefined;
}

/**
 * The rows of a block that are meant, in block order: of a selected stream, in the range, and not
 * seen before in another source. Undefined when that is all of them. `dropped` is told how many
 * were duplicates.
 */
export function chooseRows(
  block: Block,
  scope: BlockScope,
  choice: RowChoice,
  dropped: (count: number) => void,
): Uint32Array | undefined {
  const { facts } = scope.ref;
  const { range, wantsOffset } = choice;
  const isInside = facts.minNs >= range.fromNs && facts.maxNs < range.toNs;
  if (isInside && !scope.streams && !scope.shared && !wantsOffset) return undefined;

  const from = Number(range.fromNs - block.baseNs);
  const to = Number(range.toNs - block.baseNs);
  const { offsets, streamOfRow } = block;
  const rows = new Uint32Array(block.rowCount);
  let count = 0;
  let repeated = 0;
  for (let row = 0; row < rows.length; row++) {
    const offset = offsets[row]!;
    if (offset < from || offset >= to) continue;
    if (scope.streams !== undefined && scope.streams[streamOfRow?.[row] ?? 0] === 0) continue;
    if (wantsOffset !== undefined && !wantsOffset(offset)) continue;
    if (scope.shared !== undefined && choice.duplicates.isRepeated(block, row, scope)) {
      repeated++;
      continue;
    }
    rows[count++] = row;
  }
  if (repeated > 0) dropped(repeated);
  return rows.subarray(0, count);
}
