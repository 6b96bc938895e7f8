/** The nouns everybody shares. */
export type { BatchLease, BatchStream, EntryBatch, PackedSets } from "./entry-batch.ts";
export { compareText, type LabelPair, Labels, quoteGo } from "./labels.ts";
export type { Matcher, MatchOp } from "./matcher.ts";
export { packSet, unpackSet } from "./packed-set.ts";
export { singleTenant, tenantIdLengthMax, validateTenantId } from "./tenant.ts";
export {
  dayOfNs,
  dayOfSeconds,
  dayStartNs,
  nsPerDay,
  secondsPerDay,
  type TimeRange,
  timestampMaxNs,
  timestampMinNs,
} from "./time-range.ts";
