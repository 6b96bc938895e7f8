/** In front of the query engine: turns, shared executions, remembered results. */
export { type Estimate, estimateByIndex } from "./estimate.ts";
export {
  createFrontend,
  type Frontend,
  type FrontendCacheOptions,
  type FrontendLimits,
  type FrontendOptions,
} from "./frontend.ts";
export {
  type DataVersions,
  IntervalVersions,
  type IntervalVersionsOptions,
  type StoredPart,
  type VersionsAtOnce,
} from "./interval-versions.ts";
export { PacedStore } from "./paced-store.ts";
export type { SlowQuery } from "./slowest-queries.ts";
export { ThreadTurns } from "./thread-turns.ts";
