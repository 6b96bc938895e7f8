/** The way in: pushes decoded, checked, labelled; the head; its way into segments. */
export {
  Distributor,
  type DistributorOptions,
  type PushInput,
  type PushKind,
  type PushObserver,
  type PushReply,
  type PushResult,
} from "./distributor.ts";
export { BatchMemory } from "./batch-memory.ts";
export type { ActiveStreams } from "./distributor-limits.ts";
export { decodePushRecord, encodePushRecord } from "./push-record.ts";
export { type BatchListener, Head, type HeadObserver } from "./head.ts";
export { HeadBlocks } from "./head-blocks.ts";
export { HeadStore } from "./head-store.ts";
export type { HeadPart } from "./head-part.ts";
export {
  type CutPolicy,
  type CopiedPart,
  type CutProgress,
  Ingester,
  type IngesterEvents,
  type PartWriter,
  type ReplaySummary,
  type SequenceRange,
  type WrittenSegment,
} from "./ingester.ts";
export {
  lokiCutSizes,
  LokiPartWriter,
  type LokiPartWriterOptions,
} from "./loki-part-writer.ts";
export { type PartSection, SegmentPartWriter } from "./segment-part-writer.ts";
export { type StoredRange, StoredRanges, type StoredRangesOptions } from "./stored-ranges.ts";
export { type IngestExamples, warmUpIngest } from "./warm-up.ts";
