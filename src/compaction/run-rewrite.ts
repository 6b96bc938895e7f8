/**
 * Writes one segment anew without some of its rows. The new one names the old one as replaced, as a
 * merged segment does, so whatever holds for merging after a crash holds here: until the put
 * nothing has changed, then readers leave the old one alone, and it goes once the new one was read
 * back.
 */
import type { ExtraSection, ListedSegment } from "#segment";
import {
  buildMerged,
  type LeftOut,
  leavingOut,
  type MergedSegment,
  type MergeSection,
  type MergeTools,
  openSource,
  putVerified,
} from "./run-merge.ts";
import type { ErasedRows, RowEraser, StreamMergeCounts } from "./stream-merge.ts";

export interface Erasure {
  /** Differs for whatever else is erased: part of the id of what is written. */
  readonly name: string;
  readonly eraser: RowEraser;
  /** Sections of other rooms know of all entries: false drops them with the rows. */
  readonly keepsSections: boolean;
  /** A section that tells what was erased; `before` is the old segment's of the same kind. */
  readonly account?: {
    readonly kind: number;
    readonly write: (
      before: Buffer | undefined,
      erasedBy: ReadonlyMap<number, ErasedRows>,
    ) => Buffer;
  };
}

export interface RewriteTask {
  readonly segment: ListedSegment;
  readonly erasure: Erasure;
  /** Ids of all segments of the day that still exist. */
  readonly existing: ReadonlySet<string>;
}

/**
 * Resolves when the new segment is in the store, read back and sound; with undefined when there was
 * no row to erase: then nothing was put. All rows may go: what is left is an empty segment that
 * keeps the old one, and the journal records it holds, from coming back.
 */
export async function runRewrite(
  { segment, erasure, existing }: RewriteTask,
  tools: MergeTools,
  signal: AbortSignal,
): Promise<MergedSegment | LeftOut | undefined> {
  const { name, eraser, keepsSections, account } = erasure;
  return leavingOut(async () => {
    const source = await openSource(segment, tools.objects);
    await using spool = tools.spools?.open();
    const task = {
      spool,
      sources: [source],
      existing,
      eraser,
      erasure: name,
      lastSections: async ({ erasedBy }: StreamMergeCounts): Promise<ExtraSection[]> => {
        if (account === undefined) return [];
        const before = await source.section(account.kind, signal);
        return [{ kind: account.kind, bytes: account.write(before, erasedBy) }];
      },
    };
    const mergeSection: MergeSection = (kind, sections) =>
      keepsSections && kind !== account?.kind ? tools.mergeSection(kind, sections) : undefined;
    const merged = await buildMerged(task, { ...tools, mergeSection }, signal);
    if (merged.segment.erasedEntries === 0) return undefined;
    await putVerified(merged, tools, signal);
    return merged.segment;
  });
}
