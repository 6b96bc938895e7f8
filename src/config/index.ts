/** Loki's YAML keys → typed settings; limits and overrides per tenant. */
export type {
  AccessConfig,
  ChunkConfig,
  CompactorConfig,
  Config,
  IndexCacheConfig,
  IngesterConfig,
  JournalConfig,
  LoadedConfig,
  QuerierConfig,
  SchemaPeriod,
  ServerConfig,
} from "./config.ts";
export type {
  AlertmanagerConfig,
  CredentialsConfig,
  RelabelConfig,
  RemoteWriteClientConfig,
  RulerConfig,
  RulerLimits,
  TlsFilesConfig,
} from "./ruler-config.ts";
export { ConfigError } from "./config-error.ts";
export {
  createLimits,
  type LimitsOptions,
  type ReloadOutcome,
  type RuntimeLimits,
} from "./create-limits.ts";
export { defaultLimits } from "./default-limits.ts";
export type {
  BlockedQuery,
  Limits,
  LimitsByTenant,
  OtlpMapping,
  OtlpRule,
  StreamRetention,
} from "./limits.ts";
export type { MemcachedConfig, ObjectCacheConfig } from "./object-cache.ts";
export { type LoadInput, type LoadResult, loadConfig } from "./load-config.ts";
export { knownTargets } from "./targets.ts";
export type {
  AzureStoreConfig,
  FilesystemStoreConfig,
  GcsStoreConfig,
  HedgingConfig,
  MemoryStoreConfig,
  ObjectStoreConfig,
  ObjectStoresConfig,
  RetryConfig,
  RuleStoreConfig,
  S3StoreConfig,
} from "./store-config.ts";
