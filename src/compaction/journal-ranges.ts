import type { JournalRange } from "#segment";

/** Ranges a merged segment names at most (some 80 bytes each in its footer); those of the oldest records go first. */
export const journalRangesMax = 1024;

/** The first record a journal still holds; undefined when the journal is not known here. */
export type FirstSequenceOf = (journalId: string) => number | undefined;

/**
 * What inputs cover, together. Ranges that overlap or touch become one; a gap stays a gap, for its records may be in a
 * segment that is no input. Ranges of records that their journal has dropped go. One that is left out too many costs
 * duplicates after a replay, which queries and the next merge drop, and no entry.
 */
export function unionOfRanges(
  ranges: readonly JournalRange[],
  firstSequenceOf: FirstSequenceOf,
): JournalRange[] {
  const sorted = ranges
    .filter(({ journalId, toSequence }) => toSequence > (firstSequenceOf(journalId) ?? 0))
    .sort((a, b) => {
      if (a.journalId !== b.journalId) return a.journalId < b.journalId ? -1 : 1;
      return a.fromSequence - b.fromSequence;
    });
  const union: JournalRange[] = [];
  for (const range of sorted) {
    const last = union.at(-1);
    if (last?.journalId === range.journalId && range.fromSequence <= last.toSequence) {
      const toSequence = Math.max(last.toSequence, range.toSequence);
      union[union.length - 1] = { ...last, toSequence };
    } else {
      union.push(range);
    }
  }
  if (union.length <= journalRangesMax) return union;
  return union.sort((a, b) => a.toSequence - b.toSequence).slice(-journalRangesMax);
}
