/** Which bytes to fetch for a set of columns: few ranges, each bounded. Pure. */
import { KiB, MiB } from "#base";

/** A gap up to this is fetched along: a request costs more than the bytes. */
export const gapBytesMax: number = 64 * KiB;

/**
 * A range grows to this at most (one column may be larger): bounds memory, lets ranges be fetched
 * side by side.
 */
export const rangeBytesMax: number = 8 * MiB;

export interface Extent {
  readonly from: number;
  readonly to: number;
}

export interface FetchRange<E extends Extent> extends Extent {
  readonly extents: readonly E[];
}

/** Merges neighbours. Every extent is inside exactly one range; ranges are in order of position. */
export function planRanges<E extends Extent>(extents: readonly E[]): FetchRange<E>[] {
  const sorted = [...extents].sort((a, b) => a.from - b.from);
  const ranges: { from: number; to: number; extents: E[] }[] = [];
  for (const extent of sorted) {
    const last = ranges.at(-1);
    const joins =
      last !== undefined &&
      extent.from - last.to <= gapBytesMax &&
      extent.to - last.from <= rangeBytesMax;
    if (joins) {
      last.to = Math.max(last.to, extent.to);
      last.extents.push(extent);
    } else {
      ranges.push({ from: extent.from, to: extent.to, extents: [extent] });
    }
  }
  return ranges;
}
