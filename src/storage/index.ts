/** The narrow waist between queries above and engines below: interfaces only. */
export type {
  Block,
  BlockFacts,
  BlockRef,
  BlockStream,
  ColumnNeeds,
  MetadataColumn,
} from "./block.ts";
export {
  type BlockPlan,
  type LogStore,
  newReadCounters,
  type ReadCounters,
  type ReadOptions,
  type SkipTerms,
  type StreamSelect,
  type StreamVolume,
} from "./log-store.ts";
