/**
 * Writes one segment anew without some of its rows. The new one names the old one as replaced, as a merged
 * segment does, so whatever holds for merging after a crash holds here: until the put nothing has changed,
 * then readers leave the old one alone, and it goes once the new one was read back.
 */
import type { ListedSegment } from "#segment";
import {
  buildMerged,
  type LeftOut,
  leavingOut,
  type MergedSegment,
  type MergeTools,
  openSource,
  putVerified,
} from "./run-merge.ts";
import type { ErasedRows, RowEraser } from "./stream-merge.ts";

export interface Erasure {
  /** Differs for whatever else is erased: part of the id of what is written. */
  readonly name: string;
  readonly eraser: RowEraser;
  /** Sections of other rooms know of all entries: false drops them with the rows. */
  readonly keepsSections: boolean;
  /** Awaited when it is known what goes, before anything is changed. Rejects to call it off. */
  readonly beforePut?: (erasedBy: ReadonlyMap<number, ErasedRows>) => Promise<void>;
}

export interface RewriteTask {
  readonly segment: ListedSegment;
  readonly erasure: Erasure;
  /** Ids of all segments of the day that still exist. */
  readonly existing: ReadonlySet<string>;
}

/**
 * Resolves when the new segment is in the store, read back and sound; with undefined when there was no row to erase:
 * then nothing was put. All rows may go: what is left is an empty segment that keeps the old one, and the journal
 * records it holds, from coming back.
 */
export async function runRewrite(
  { segment, erasure, existing }: RewriteTask,
  tools: MergeTools,
  signal: AbortSignal,
): Promise<MergedSegment | LeftOut | undefined> {
  const { name, eraser, keepsSections, beforePut } = erasure;
  return leavingOut(async () => {
    const source = await openSource(segment, tools.objects);
    const task = { sources: [source], existing, eraser, erasure: name };
    const mergeSection = keepsSections ? tools.mergeSection : () => undefined;
    const merged = await buildMerged(task, { ...tools, mergeSection }, signal);
    if (merged.segment.erasedEntries === 0) return undefined;
    await beforePut?.(merged.segment.erasedBy);
    await putVerified(merged.built, tools.objects, { pace: tools.pace, signal });
    return merged.segment;
  });
}
