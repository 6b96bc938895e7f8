import type { ServerTlsConfig } from "#access";
import type { Limits, LimitsByTenant } from "./limits.ts";
import type { MemcachedConfig, ObjectCacheConfig } from "./object-cache.ts";
import type { RulerConfig } from "./ruler-config.ts";
import type { SettingValues } from "./settings.ts";
import type { ObjectStoresConfig } from "./store-config.ts";

/**
 * The effective configuration: defaults, then the file, then flags. Keys are Loki's (YAML path in
 * the comments where it is not obvious). Durations in ms, sizes in bytes, paths absolute.
 */
export interface Config {
  readonly target: readonly string[];
  readonly authEnabled: boolean;
  readonly server: ServerConfig;
  readonly access: AccessConfig;
  /** common.path_prefix: everything that has no folder of its own goes below it. */
  readonly pathPrefix: string;
  readonly journal: JournalConfig;
  readonly ingester: IngesterConfig;
  readonly objectStores: ObjectStoresConfig;
  readonly objectCache: ObjectCacheConfig;
  /** Undefined: none is named. */
  readonly memcached: MemcachedConfig | undefined;
  /** schema_config.configs, oldest first, at least one. */
  readonly schemaPeriods: readonly SchemaPeriod[];
  /** skald.allow_changed_periods. */
  readonly allowChangedPeriods: boolean;
  readonly indexCache: IndexCacheConfig;
  /** skald.merge_index_files. */
  readonly mergeIndexFiles: boolean;
  readonly querier: QuerierConfig;
  readonly limits: Limits;
  readonly runtimeConfig: { readonly file: string | undefined; readonly periodMs: number };
  /** Read, but nothing acts on it yet. */
  readonly compactor: CompactorConfig;
  readonly ruler: RulerConfig;
  /** common.instance_addr: where other processes reach this one; empty when not set. */
  readonly instanceAddress: string;
  readonly shutdownDelayMs: number;
}

export interface ServerConfig {
  readonly httpListenAddress: string;
  /** 0: any free port. */
  readonly httpListenPort: number;
  readonly httpPathPrefix: string;
  readonly httpReadTimeoutMs: number;
  readonly httpWriteTimeoutMs: number;
  readonly httpIdleTimeoutMs: number;
  readonly grpcListenAddress: string;
  readonly grpcListenPort: number;
  readonly grpcMaxReceiveBytes: number;
  readonly grpcMaxSendBytes: number;
  readonly gracefulShutdownTimeoutMs: number;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly logFormat: "logfmt" | "json";
  /** distributor.max_recv_msg_size: bodies as they come. */
  readonly pushCompressedBytesMax: number;
  /** distributor.max_decompressed_size. */
  readonly pushRawBytesMax: number;
}

/** Who may come in: skald.* and the TLS of server.*. */
export interface AccessConfig {
  /** Undefined: nobody needs a token. */
  readonly tokenFile: string | undefined;
  /** How often token file and certificates are looked at. */
  readonly reloadPeriodMs: number;
  /** Of `/ready` and `/metrics`, those that need no token. */
  readonly openPaths: readonly string[];
  readonly sessionLifetimeMs: number;
  readonly auditFile: string | undefined;
  readonly corsOrigins: readonly string[];
  /** 0: any number. */
  readonly tailsPerAddressMax: number;
  /** 0: what the servers have by default, as the next two. */
  readonly httpConnectionsMax: number;
  readonly grpcConnectionsMax: number;
  readonly httpHeadersTimeoutMs: number;
  /** Undefined: no TLS. */
  readonly httpTls: ServerTlsConfig | undefined;
  readonly grpcTls: ServerTlsConfig | undefined;
}

export interface JournalConfig {
  /** ingester.wal.dir, or `<path prefix>/wal`. */
  readonly folder: string;
  readonly fileBytesMax: number;
}

export interface IngesterConfig {
  /** ingester.chunk_idle_period. */
  readonly idleMs: number;
  /** ingester.max_chunk_age. */
  readonly ageMaxMs: number;
  readonly flushOnShutdown: boolean;
  readonly chunks: ChunkConfig;
}

export interface SchemaPeriod {
  /** `2026-01-31`, UTC. */
  readonly from: string;
  readonly fromNs: bigint;
  readonly store: "skald" | "tsdb";
  readonly objectStore: string;
  readonly schema: string;
  readonly indexPrefix: string;
  /** index.path_prefix: the folder of all index tables; ends in `/`. */
  readonly indexPathPrefix: string;
  readonly indexPeriodMs: number;
}

/** ingester.chunk_*: how chunks are made in periods of Loki's own format. */
export interface ChunkConfig {
  /** none, gzip, lz4-64k, lz4-256k, lz4-1M, lz4, snappy, flate or zstd. */
  readonly encoding: string;
  readonly blockBytes: number;
  readonly targetBytes: number;
}

/** storage_config.tsdb_shipper: copies of Loki's index files. */
export interface IndexCacheConfig {
  readonly folder: string;
  readonly resyncIntervalMs: number;
}

export interface QuerierConfig {
  readonly multiTenantQueriesEnabled: boolean;
  readonly tailMaxDurationMs: number;
  readonly maxConcurrent: number;
  /** frontend.max_outstanding_per_tenant. */
  readonly outstandingPerTenantMax: number;
  /** frontend.log_queries_longer_than; 0: none is logged. */
  readonly slowQueryMs: number;
  /** query_range.cache_results. */
  readonly cacheResults: boolean;
}

export interface CompactorConfig {
  readonly workingFolder: string;
  readonly compactionIntervalMs: number;
  /** 0: as often as it compacts. */
  readonly applyRetentionIntervalMs: number;
  readonly retentionEnabled: boolean;
  readonly retentionDeleteDelayMs: number;
  /** retention_total_size (ours); 0: no limit. */
  readonly retentionTotalBytes: number;
  readonly retentionDeleteWorkerCount: number;
  readonly deleteRequestStore: string;
  readonly deleteRequestCancelPeriodMs: number;
  readonly deleteMaxIntervalMs: number;
  readonly deleteBatchSize: number;
  readonly maxCompactionParallelism: number;
}

/** What `loadConfig` found, besides the configuration. */
export interface LoadedConfig {
  readonly config: Config;
  /** Keys of Loki that Skald does not have, and the like: one text each, shown once at start. */
  readonly warnings: readonly string[];
  /** The effective configuration as YAML in Loki's keys, secrets redacted: for `/config`. */
  readonly yaml: string;
  /** `/config?mode=diff`: only what is not the default. */
  readonly yamlDiff: string;
  /** `/config?mode=defaults`. */
  readonly yamlDefaults: string;
  /** All settings by Loki's path, as `config` was made from: what overrides go over. */
  readonly settings: SettingValues;
  /** As of now: `createLimits` gives limits that follow the runtime overrides. */
  readonly limitsByTenant: LimitsByTenant;
}
