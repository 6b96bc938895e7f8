/**
 * Tools for a bucket as a whole: what lies in it, whether it is sound, from Loki's format to our
 * own, an index from the chunks. Beside a running Skald or without one.
 */
export {
  type Bucket,
  type BucketObject,
  type BucketPlace,
  type BucketScope,
  dayText,
  hasTenant,
  objectsOf,
  type ObjectKind,
  type PlacedTable,
  tablesOf,
  wholeBucket,
} from "./bucket.ts";
export {
  migrateBucket,
  type MigratedDay,
  type MigrateOptions,
  type MigrateProgress,
  type MigrateResult,
} from "./migrate.ts";
export { type NewPeriod, periodsAfter } from "./periods-after.ts";
export { type StreamProof } from "./migrate-portion.ts";
export { isMigrated } from "./migrate-records.ts";
export {
  type RebuildOptions,
  rebuildIndexes,
  type RebuildResult,
  type RebuiltTable,
} from "./rebuild.ts";
export { sumText } from "./row-sums.ts";
export { type BucketStats, type DayStats, sizeClasses, statsOfBucket } from "./stats.ts";
export {
  type BucketFinding,
  verifyBucket,
  type VerifyCounts,
  type VerifyOptions,
} from "./verify.ts";
