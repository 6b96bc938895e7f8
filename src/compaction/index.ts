/** Merges small segments of the native store into large ones, in the background. */
export {
  Compactor,
  type CompactorEvents,
  type CompactorOptions,
  type CompactorStatus,
  type TenantDay,
} from "./compactor.ts";
export type { FirstSequenceOf } from "./journal-ranges.ts";
export { type CompactionPolicy, defaultCompactionPolicy } from "./policy.ts";
export type { Erasure } from "./run-rewrite.ts";
export type { ErasedRows, RowEraser } from "./stream-merge.ts";
export { SpoolFolder, type SpoolFolderOptions } from "./spool.ts";
export type { LeftOut, MergedSegment, MergeSection } from "./run-merge.ts";
