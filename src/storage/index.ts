/** The narrow waist between queries above and engines below: interfaces, and several as one. */
export type {
  Block,
  BlockFacts,
  BlockRef,
  BlockStream,
  ColumnNeeds,
  FieldNeeds,
  FieldParser,
  FieldReader,
  FieldSink,
  LineSearch,
  MetadataColumn,
} from "./block.ts";
export { CombinedStore } from "./combined-store.ts";
export {
  type BlockPlan,
  type LabelTerm,
  type LogStore,
  newReadCounters,
  type ReadCounters,
  type ReadOptions,
  type SkipTerms,
  type StreamSelect,
  type StreamVolume,
} from "./log-store.ts";
export { PeriodStore, type PeriodStoreOptions, type StorePeriod } from "./period-store.ts";
