/**
 * The life of data after it is stored: retention by age and size, deletes, and what of it queries
 * must not see meanwhile.
 */
export { DeleteApi, type DeleteApiOptions, type DeleteParameters } from "./delete-api.ts";
export { DeleteBook, type DeleteBookOptions } from "./delete-book.ts";
export type { DeleteRequest, DeleteState, ErasedCount } from "./delete-request.ts";
export { hiddenRows, type Mask } from "./mask.ts";
export { MaskedStore, type MasksOf } from "./masked-store.ts";
export { Retention, type RetentionOptions } from "./retention.ts";
export { RetentionPolicy } from "./retention-policy.ts";
export { type OtherMasks, Visibility, type VisibilityPart } from "./visibility.ts";
export {
  type DeleteCounts,
  DeleteRunner,
  type DeleteRunnerOptions,
} from "./delete-runner.ts";
export { type JournalBytes, journalBytesOf } from "./journal-bytes.ts";
export { dropEmptySegments } from "./empty-segments.ts";
export { erasedSectionKind, mergeErasedSections } from "./erased-section.ts";
export type { EraseJob, EraseOutcome, Eraser } from "./eraser.ts";
export { NativeEraser, type NativeStore } from "./native-eraser.ts";
export { PolicyRecord } from "./policy-record.ts";
export type { RetentionItem } from "./retention-item.ts";
export { RetentionRunner } from "./retention-runner.ts";
export { LokiEraser, type LokiErasing } from "./loki-eraser.ts";
export { LokiRequests } from "./loki-requests.ts";
export { LokiRetention } from "./loki-retention.ts";
export { LokiSizes } from "./loki-sizes.ts";
