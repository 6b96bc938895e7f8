import { isAbsolute, join, resolve } from "node:path";
import { accessOf } from "./build-access.ts";
import { checkLimits, limitsOf } from "./build-limits.ts";
import type { ChunkConfig, CompactorConfig, Config, ServerConfig } from "./config.ts";
import { checkRuler, rulerOf } from "./build-ruler.ts";
import { defaultLimits } from "./default-limits.ts";
import { memcachedOf, objectCacheOf } from "./object-cache.ts";
import { readObjectStores } from "./object-stores.ts";
import { commonRuleStore, readRuleStore } from "./rule-store.ts";
import { defaultPeriods, readPeriods } from "./schema-periods.ts";
import { allSettings, derivedSettings, type SettingValues, settingValue } from "./settings.ts";
import type { RuleStoreConfig } from "./store-config.ts";
import { knownTargets } from "./targets.ts";
import { asText, type Value } from "./value-types.ts";

export type ReportProblem = (key: string, message: string) => void;

/** Every setting with its effective value: what is derived is worked out, paths are absolute. */
export function effectiveSettings(explicit: SettingValues, cwd: string): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const setting of allSettings) {
    const value = settingValue(explicit, setting.path);
    const isPath = setting.type?.name === "path";
    if (isPath && value === "") values.set(setting.path, undefined);
    else if (isPath && value !== undefined) values.set(setting.path, resolve(cwd, asText(value)));
    else values.set(setting.path, value);
  }
  useOldNames(values);
  const derive = (path: string, value: Value): void => {
    if (values.get(path) === undefined) values.set(path, value);
  };
  derive("common.path_prefix", resolve(cwd, "data"));
  const prefix = asText(values.get("common.path_prefix"));
  derive("common.storage.filesystem.chunks_directory", join(prefix, "chunks"));
  derive("common.storage.filesystem.rules_directory", join(prefix, "rules"));
  const chunks = values.get("common.storage.filesystem.chunks_directory");
  derive("storage_config.filesystem.directory", chunks);
  derive("common.storage.object_store.filesystem.dir", chunks);
  const folder = values.get("common.storage.object_store.filesystem.dir");
  derive("storage_config.object_store.filesystem.dir", folder);
  for (const [path, from] of derivedSettings) derive(path, values.get(from));
  if (
    values.get("ruler_storage.backend") === undefined &&
    values.get("ruler.storage.type") === ""
  ) {
    const common = commonRuleStore(values);
    if (common !== undefined) values.set(common.path, common.kind);
  }
  derive("ruler_storage.backend", "filesystem");
  derive("storage_config.tsdb_shipper.cache_location", join(prefix, "tsdb-cache"));
  derive("skald.object_cache_folder", join(prefix, "object-cache"));
  derive("ingester.wal.dir", join(prefix, "wal"));
  derive("ruler.wal.dir", join(prefix, "ruler-wal"));
  derive("compactor.working_directory", join(prefix, "compactor"));
  derive("ruler.rule_path", join(prefix, "rules-temp"));
  const rules = values.get("common.storage.filesystem.rules_directory");
  derive("ruler_storage.filesystem.dir", rules);
  derive("ruler_storage.local.directory", rules);
  derive("ruler.storage.local.directory", rules);
  derive("schema_config.configs", defaultPeriods);
  derive("limits_config.log_level_fields", defaultLimits.logLevelFields);
  derive("limits_config.discover_service_name", defaultLimits.discoverServiceName);
  derive(
    "distributor.otlp_config.default_resource_attributes_as_index_labels",
    defaultLimits.otlp.defaultIndexLabels,
  );
  for (const path of namedStorePaths) values.set(path, absoluteFolders(values.get(path), cwd));
  const files = values.get("runtime_config.file") as readonly string[];
  values.set(
    "runtime_config.file",
    files.map((file) => (isAbsolute(file) ? file : resolve(cwd, file))),
  );
  return values;
}

/** limits_config.per_tenant_override_* are what runtime_config.* were called before. */
function useOldNames(values: Map<string, Value>): void {
  const files = values.get("runtime_config.file") as readonly string[];
  const oldFiles = values.get("limits_config.per_tenant_override_config") as readonly string[];
  if (files.length > 0 || oldFiles.length === 0) return;
  values.set("runtime_config.file", oldFiles);
  values.set("runtime_config.period", values.get("limits_config.per_tenant_override_period"));
}

const namedStorePaths = [
  "storage_config.named_stores.filesystem",
  "storage_config.object_store.named_stores.filesystem",
];

function absoluteFolders(named: Value, cwd: string): Value {
  const stores = Object.entries((named ?? {}) as Record<string, Record<string, Value>>);
  return Object.fromEntries(
    stores.map(([name, record]) => {
      const folders = Object.entries(record ?? {});
      return [name, Object.fromEntries(folders.map(([key, to]) => [key, absolute(to, cwd)]))];
    }),
  );
}

function absolute(folder: Value, cwd: string): Value {
  return folder === "" || folder === undefined ? folder : resolve(cwd, asText(folder));
}

/** The typed configuration; `values` are from effectiveSettings. Problems are all reported. */
export function configOf(values: SettingValues, problem: ReportProblem): Config {
  const get = (path: string): Value => settingValue(values, path);
  const { byName, faults, hedging } = readObjectStores(values);
  const files = get("runtime_config.file") as readonly string[];
  checkSettings(values, problem);
  checkLimits(values, problem);
  checkRuler(values, problem);
  return {
    target: get("target") as readonly string[],
    authEnabled: get("auth_enabled") === true,
    server: serverOf(values),
    access: accessOf(values, problem),
    pathPrefix: asText(get("common.path_prefix")),
    instanceAddress: asText(get("common.instance_addr")),
    journal: {
      folder: asText(get("ingester.wal.dir")),
      fileBytesMax: Number(get("skald.journal_file_size")),
    },
    ingester: {
      idleMs: Number(get("ingester.chunk_idle_period")),
      ageMaxMs: Number(get("ingester.max_chunk_age")),
      flushOnShutdown: get("ingester.wal.flush_on_shutdown") === true,
      chunks: chunksOf(values, problem),
    },
    objectStores: { byName, hedging },
    objectCache: objectCacheOf(values, problem),
    memcached: memcachedOf(values),
    schemaPeriods: readPeriods(get("schema_config.configs"), { byName, faults }, problem),
    allowChangedPeriods: get("skald.allow_changed_periods") === true,
    mergeIndexFiles: get("skald.merge_index_files") === true,
    indexCache: {
      folder: asText(get("storage_config.tsdb_shipper.cache_location")),
      resyncIntervalMs: Number(get("storage_config.tsdb_shipper.resync_interval")),
    },
    querier: {
      multiTenantQueriesEnabled: get("querier.multi_tenant_queries_enabled") === true,
      tailMaxDurationMs: Number(get("querier.tail_max_duration")),
      maxConcurrent: Number(get("querier.max_concurrent")),
      outstandingPerTenantMax: Number(get("frontend.max_outstanding_per_tenant")),
      slowQueryMs: Number(get("frontend.log_queries_longer_than")),
      cacheResults: get("query_range.cache_results") === true,
    },
    limits: limitsOf(values),
    runtimeConfig: {
      file: files.length === 0 ? undefined : files.join(","),
      periodMs: Number(get("runtime_config.period")),
    },
    compactor: compactorOf(values),
    ruler: rulerOf(values, ruleStoreOf(values, problem)),
    shutdownDelayMs: Number(get("shutdown_delay")),
  };
}

function serverOf(values: SettingValues): ServerConfig {
  const get = (key: string): Value => settingValue(values, `server.${key}`);
  return {
    httpListenAddress: asText(get("http_listen_address")),
    httpListenPort: Number(get("http_listen_port")),
    httpPathPrefix: asText(get("http_path_prefix")),
    httpReadTimeoutMs: Number(get("http_server_read_timeout")),
    httpWriteTimeoutMs: Number(get("http_server_write_timeout")),
    httpIdleTimeoutMs: Number(get("http_server_idle_timeout")),
    grpcListenAddress: asText(get("grpc_listen_address")),
    grpcListenPort: Number(get("grpc_listen_port")),
    grpcMaxReceiveBytes: Number(get("grpc_server_max_recv_msg_size")),
    grpcMaxSendBytes: Number(get("grpc_server_max_send_msg_size")),
    gracefulShutdownTimeoutMs: Number(get("graceful_shutdown_timeout")),
    logLevel: get("log_level") as ServerConfig["logLevel"],
    logFormat: get("log_format") as ServerConfig["logFormat"],
    pushCompressedBytesMax: Number(settingValue(values, "distributor.max_recv_msg_size")),
    pushRawBytesMax: Number(settingValue(values, "distributor.max_decompressed_size")),
  };
}

function compactorOf(values: SettingValues): CompactorConfig {
  const get = (key: string): Value => settingValue(values, `compactor.${key}`);
  return {
    workingFolder: asText(get("working_directory")),
    compactionIntervalMs: Number(get("compaction_interval")),
    applyRetentionIntervalMs: Number(get("apply_retention_interval")),
    retentionEnabled: get("retention_enabled") === true,
    retentionDeleteDelayMs: Number(get("retention_delete_delay")),
    retentionTotalBytes: Number(get("retention_total_size")),
    retentionDeleteWorkerCount: Number(get("retention_delete_worker_count")),
    deleteRequestStore: asText(get("delete_request_store")),
    deleteRequestCancelPeriodMs: Number(get("delete_request_cancel_period")),
    deleteMaxIntervalMs: Number(get("delete_max_interval")),
    deleteBatchSize: Number(get("delete_batch_size")),
    maxCompactionParallelism: Number(get("max_compaction_parallelism")),
  };
}

/** The words of ingester.chunk_encoding. */
const chunkEncodings = [
  "none",
  "gzip",
  "lz4-64k",
  "snappy",
  "lz4-256k",
  "lz4-1M",
  "lz4",
  "flate",
  "zstd",
];

function chunksOf(values: SettingValues, problem: ReportProblem): ChunkConfig {
  const encoding = asText(settingValue(values, "ingester.chunk_encoding"));
  const known = chunkEncodings.find((name) => name.toLowerCase() === encoding.toLowerCase());
  if (known === undefined) {
    const expected = `expected one of ${chunkEncodings.join(", ")}`;
    problem("ingester.chunk_encoding", `${expected}, found ${JSON.stringify(encoding)}`);
  }
  return {
    encoding: known ?? "gzip",
    blockBytes: Number(settingValue(values, "ingester.chunk_block_size")),
    targetBytes: Number(settingValue(values, "ingester.chunk_target_size")),
  };
}

function ruleStoreOf(values: SettingValues, problem: ReportProblem): RuleStoreConfig {
  const store = readRuleStore(values);
  if (!("fault" in store)) return store;
  problem("ruler_storage", store.fault);
  return { kind: "inmemory", keyPrefix: "" };
}

const portMax = 65_535;

/** What the types alone do not say. */
function checkSettings(values: SettingValues, problem: ReportProblem): void {
  const get = (path: string): Value => settingValue(values, path);
  for (const path of ["server.http_listen_port", "server.grpc_listen_port"]) {
    const port = Number(get(path));
    if (port < 0 || port > portMax) problem(path, `expected a port from 0 to ${portMax}`);
  }
  for (const target of get("target") as readonly string[]) {
    if (knownTargets.includes(target)) continue;
    problem("target", `there is no target ${target}; there are ${knownTargets.join(", ")}`);
  }
  if (get("ingester.wal.enabled") === false) {
    problem(
      "ingester.wal.enabled",
      "cannot be false: Skald answers a push only once its journal has it on disk",
    );
  }
  for (const path of positivePaths) {
    if (Number(get(path)) <= 0) problem(path, "expected more than zero");
  }
}

const positivePaths = [
  "ingester.chunk_idle_period",
  "ingester.max_chunk_age",
  "ingester.chunk_block_size",
  "ingester.chunk_target_size",
  "querier.max_concurrent",
  "runtime_config.period",
  "skald.journal_file_size",
  "distributor.max_recv_msg_size",
  "distributor.max_decompressed_size",
];
