/** LogQL queries: plan, read, evaluate. */
export type {
  MatrixSeries,
  QueryData,
  QueryEngine,
  QueryRequest,
  QueryResult,
  QueryStats,
  SharedMemory,
  StreamEntry,
  StreamResult,
  VectorSample,
} from "./engine.ts";
export {
  type ContextRequest,
  contextEntriesMax,
  createEntryQueries,
  type EntriesRequest,
  type EntryContext,
  type EntryQueries,
  type EntryQueriesOptions,
  type ExportRequest,
} from "./entry-queries.ts";
export { createExplainer, type Explainer, type Explanation } from "./explain.ts";
export { planQuery, type QueryPlan } from "./plan.ts";
export {
  createQueryEngine,
  type QueryEngineOptions,
  queryMemoryBytesDefault,
} from "./query-engine.ts";
export {
  createIndexQueries,
  type IndexQueries,
  type IndexRequest,
  type IndexStats,
  type VolumeRequest,
  type VolumeSeries,
} from "./index-queries.ts";
export type { AnswerEntry, StreamInfo } from "./stream-table.ts";
export type { Volume } from "./volumes.ts";
