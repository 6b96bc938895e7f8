/**
 * The native store: one object holds many streams of one tenant and day. Layout:
 * docs/formats/segment.md.
 */
export {
  type BuiltSegment,
  buildSegment,
  fillSegment,
  type SegmentInput,
  type SegmentOptions,
  type SegmentStream,
  SegmentWriter,
} from "./build-segment.ts";
export { batchOfRows, giveBatchBack, metadataSums } from "./block-rows.ts";
export { decodeFooter } from "./decode-footer.ts";
export type { ExtraSection } from "./extra-sections.ts";
export type { JournalRange, SegmentFacts, SegmentFooter, SegmentInfo } from "./footer.ts";
export { GatheredRows, type RowSlice } from "./gathered-rows.ts";
export { type InspectedSegment, inspectSegment } from "./inspect-segment.ts";
export { type LineScan, type LineScanner, type ScannedLines, scanLines } from "./line-scan.ts";
export { MetadataColumns } from "./metadata-columns.ts";
export { bodyOf, type LineSpool } from "./segment-body.ts";
export { formatSegmentKey, newSegmentId, parseSegmentKey, type SegmentKey } from "./segment-key.ts";
export type { ListedSegment } from "./segment-list.ts";
export { SegmentScratch } from "./segment-scratch.ts";
export { SegmentSource, type SourceRun } from "./segment-source.ts";
export { SegmentStore, type SegmentStoreOptions } from "./segment-store.ts";
export { windowBytesOf } from "./stored-windows.ts";
