/**
 * What queries must not see although it is still stored: rows of certain streams and times, perhaps
 * only those that pass a pipeline. Delete requests and retention are both masks.
 */
import type { Labels, Matcher, TimeRange } from "#model";
import type { Pipeline } from "#pipeline";
import type { Block, BlockRef, BlockStream, ColumnNeeds } from "#storage";

export interface Mask {
  /** For plans and logs: `delete 1f2e3d4c`, `retention 30d`. */
  readonly name: string;
  readonly range: TimeRange;
  /** Every selected stream passes them; for stores that find streams by matchers. */
  readonly matchers: readonly Matcher[];
  /** Streams whose rows may be hidden. Pure. */
  readonly selects: (labels: Labels) => boolean;
  /** A row is hidden only when it passes; undefined: every row of the streams in the range. */
  readonly pipeline: Pipeline | undefined;
}

/** More masks than this at once are not told apart in the marks of `hiddenRows`. */
export const masksMax: number = 0xffff;

export function overlaps(a: TimeRange, b: TimeRange): boolean {
  return a.fromNs < b.toNs && b.fromNs < a.toNs;
}

/** Masks that may hide a row of the stream's times. */
export function masksOfStream(
  masks: readonly Mask[],
  stream: Pick<BlockStream, "labels" | "minNs" | "maxNs">,
): Mask[] {
  const { labels, minNs, maxNs } = stream;
  return masks.filter(
    ({ range, selects }) => minNs < range.toNs && maxNs >= range.fromNs && selects(labels),
  );
}

/** Whether nothing of the stream's times is left. */
export function hidesAll(
  masks: readonly Mask[],
  { minNs, maxNs }: Pick<BlockStream, "minNs" | "maxNs">,
): boolean {
  return masks.some(
    ({ range, pipeline }) => pipeline === undefined && minNs >= range.fromNs && maxNs < range.toNs,
  );
}

/** Masks that may hide rows of a block, by its facts. */
export function masksOfBlock(masks: readonly Mask[], { facts }: BlockRef): Mask[] {
  const inTime = masks.filter(
    ({ range }) => facts.minNs < range.toNs && facts.maxNs >= range.fromNs,
  );
  if (inTime.length === 0) return inTime;
  const touching = new Set(facts.streams.flatMap((stream) => masksOfStream(inTime, stream)));
  return inTime.filter((mask) => touching.has(mask));
}

/** Columns that `hiddenRows` reads, added to those of a reader. */
export function neededBy(masks: readonly Mask[], needs: ColumnNeeds): ColumnNeeds {
  let { lines, lengths, metadata } = needs;
  for (const { pipeline } of masks) {
    if (pipeline === undefined) continue;
    lines ||= pipeline.needs.lines;
    lengths ||= pipeline.needs.lengths;
    metadata = unionOf(metadata, pipeline.needs.metadata);
  }
  return { lines, lengths, metadata };
}

function unionOf(a: ColumnNeeds["metadata"], b: ColumnNeeds["metadata"]): ColumnNeeds["metadata"] {
  if (a === "all" || b === "all") return "all";
  return [...new Set([...a, ...b])].sort();
}

/**
 * Of each row the number (from 1) of the first mask that hides it, 0 when none does. Undefined when
 * no row is hidden. The block must have come with the columns of `neededBy`.
 */
export function hiddenRows(block: Block, masks: readonly Mask[]): Uint16Array | undefined {
  let hidden: Uint16Array | undefined;
  for (let at = 0; at < masks.length; at++) {
    const mask = masks[at]!;
    const rows = rowsInReach(block, mask, hidden);
    if (rows.length === 0) continue;
    const mark = Math.min(at + 1, masksMax);
    const marks = (hidden ??= new Uint16Array(block.rowCount));
    if (mask.pipeline === undefined) {
      for (let i = 0; i < rows.length; i++) marks[rows[i]!] = mark;
    } else {
      mask.pipeline.run(block, rows, (row) => {
        marks[row.index] = mark;
        return true;
      });
    }
  }
  return hidden?.some((mark) => mark !== 0) === true ? hidden : undefined;
}

/** Rows of the mask's streams and times that no mask before it hides. */
function rowsInReach(block: Block, mask: Mask, hidden: Uint16Array | undefined): Uint32Array {
  const { baseNs, offsets, streamOfRow, rowCount, ref } = block;
  const isSelected = Uint8Array.from(ref.facts.streams, ({ labels }) =>
    Number(mask.selects(labels)),
  );
  const rows = new Uint32Array(isSelected.includes(1) ? rowCount : 0);
  if (rows.length === 0) return rows;
  const from = Number(mask.range.fromNs - baseNs);
  const to = Number(mask.range.toNs - baseNs);
  let count = 0;
  for (let row = 0; row < rowCount; row++) {
    const offset = offsets[row]!;
    if (offset < from || offset >= to || isSelected[streamOfRow?.[row] ?? 0] === 0) continue;
    if (hidden !== undefined && hidden[row] !== 0) continue;
    rows[count++] = row;
  }
  return rows.subarray(0, count);
}
