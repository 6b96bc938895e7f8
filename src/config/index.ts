/** Loki's YAML keys → typed settings; limits and overrides per tenant. */
export { defaultLimits } from "./default-limits.ts";
export type {
  BlockedQuery,
  Limits,
  LimitsByTenant,
  OtlpMapping,
  OtlpRule,
  StreamRetention,
} from "./limits.ts";
