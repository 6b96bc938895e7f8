/** Loki's index of chunks (store tsdb): files, tables, merging, the database of delete requests. */
export {
  type ChunkMeta,
  compareChunks,
  type IndexSeries,
  ingestedBeforeMs,
  ingestedDaysOf,
} from "./chunk-meta.ts";
export {
  type CompactedName,
  compactedIndexName,
  type IndexFileName,
  parseIndexPath,
  uploadedIndexName,
  uploaderName,
} from "./index-names.ts";
export type {
  IndexStats,
  IndexSums,
  MsRange,
  SeriesChunks,
  SeriesSelect,
  SeriesVolume,
} from "./index-types.ts";
export { compareSeries, type SeriesIdentity, withTenantLabel } from "./compare-series.ts";
export { gunzipIndex } from "./gunzip-index.ts";
export {
  type InspectedIndex,
  inspectIndex,
  inspectLokiDatabase,
  isLokiDatabase,
  isLokiIndex,
} from "./inspect-index.ts";
export { indexVersionOfSchema, tenantLabel } from "./limits.ts";
export { type MergeHooks, MergedSeries, mergeIndexes, type MergeSource } from "./merge-indexes.ts";
export { type FingerprintRange, parseShard, shardRange } from "./shards.ts";
export {
  type IndexTable,
  type IndexVersion,
  parseTableName,
  tableDay,
  tableNumberOf,
  tableOf,
  tablesOf,
  type TablePeriod,
} from "./tables.ts";

export { verifyIndex, type VerifyOptions } from "./verify-index.ts";
export { type BuiltIndex, writeIndex, type WriteIndexOptions } from "./write-index.ts";
export { openIndex, type SeriesChoice, TsdbIndex } from "./tsdb-index.ts";

export {
  deleteRequestKeys,
  type LokiDeleteRequest,
  readDeleteRequests,
} from "./delete-requests.ts";
export { readDeletionMarks } from "./deletion-marks.ts";
