/** Loki's own format as a store: tables, chunks, writing, merging of index files. */
export { ChunkMarks, type ChunkMarksOptions } from "./chunk-marks.ts";
export { ChunkSweeper, type ChunkSweeperOptions } from "./chunk-sweeper.ts";
export {
  LokiCompactor,
  type LokiCompactorEvents,
  type LokiCompactorOptions,
  type LokiCompactorStatus,
  type LokiTableFacts,
} from "./loki-compactor.ts";
export { type LokiPeriod, LokiPeriods } from "./loki-period.ts";
export { LokiStore, type LokiStoreOptions, type StoredTable } from "./loki-store.ts";
export {
  type LokiChunkPolicy,
  LokiWriter,
  type LokiWriteInput,
  type LokiWriterOptions,
  type LokiWritten,
} from "./loki-writer.ts";
export { mapKeys } from "./map-keys.ts";
export type { LokiMerged } from "./merge-table.ts";
export type { LokiChunkFacts, LokiRewriteResult, LokiVerdict } from "./rewrite-tenant.ts";
export type { WeighedChunk } from "./weigh-chunks.ts";
