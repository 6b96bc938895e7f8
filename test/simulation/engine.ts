/**
 * One whole Skald without its sockets, put together by the rooms of `app` as the process does it,
 * over a world that a simulation owns.
 */
import { messageOf } from "#base";
import { createLimits, type LoadedConfig, type LimitsByTenant, loadConfig } from "#config";
import type { QueryEngine } from "#query";
import { BatchMemory } from "#ingest";
import { BackgroundBoard, createLogger, createMetrics } from "#telemetry";
import { BackgroundTasks, Newcomers } from "#world";
import { type IngestSide, openIngest } from "../../src/app/ingest.ts";
import { type LifecycleSide, openLifecycle } from "../../src/app/lifecycle.ts";
import { openQueries } from "../../src/app/queries.ts";
import { openStores } from "../../src/app/stores.ts";
import type { World } from "../../src/app/world.ts";

export const dataFolder = "/data";
export const retentionDays = 3;

/** Which formats the days have. `both` changes from Loki's to Skald's on 2026-01-12. */
export type Format = "skald" | "loki" | "both";
export const formats: readonly Format[] = ["skald", "loki", "both"];

const lokiPeriod =
  "{from: 2026-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: i_, period: 24h}}";
const periodOf = (from: string): string =>
  `{from: ${from}, store: skald, object_store: filesystem, schema: v13, index: {prefix: i_, period: 24h}}`;
const periods: Readonly<Record<Format, readonly string[]>> = {
  skald: [periodOf("2026-01-01")],
  loki: [lokiPeriod],
  both: [lokiPeriod, periodOf("2026-01-12")],
};

/** Everything is cut, merged, deleted and expired soon, so that crashes find it under way. */
function yamlOf(format: Format): string {
  return `
auth_enabled: true
common: {path_prefix: ${dataFolder}}
ingester: {chunk_idle_period: 20s, max_chunk_age: 1m, chunk_block_size: 2048, chunk_target_size: 16384}
compactor:
  working_directory: ${dataFolder}/compactor
  compaction_interval: 1m
  retention_enabled: true
  retention_delete_delay: 3m
  delete_request_store: filesystem
  delete_request_cancel_period: 5m
storage_config: {filesystem: {directory: ${dataFolder}/chunks}}
limits_config:
  retention_period: ${24 * retentionDays}h
  deletion_mode: filter-and-delete
  reject_old_samples: false
  max_query_length: 0
  max_query_lookback: 0
  max_entries_limit_per_query: 10000000
  ingestion_rate_mb: 1000
  ingestion_burst_size_mb: 1000
  per_stream_rate_limit: 1GB
  per_stream_rate_limit_burst: 1GB
schema_config: {configs: [${periods[format].join(", ")}]}
`;
}

export async function configOf(format: Format): Promise<LoadedConfig> {
  const result = await loadConfig({
    argv: ["-config.file=/skald.yaml"],
    env: {},
    readFile: () => Promise.resolve(yamlOf(format)),
    cwd: "/",
  });
  if (!("loaded" in result)) throw new Error(`configuration: ${result.action}`);
  return result.loaded;
}

export interface Engine {
  readonly ingest: IngestSide;
  readonly life: LifecycleSide;
  readonly queries: QueryEngine;
  readonly limits: LimitsByTenant;
  /** As SIGTERM. */
  stop(): Promise<void>;
  /** After a crash: ends what still waits for the clock. */
  abandon(): void;
}

/** Opens, replays, and starts all that runs in the background. */
export async function startEngine(parts: {
  readonly loaded: LoadedConfig;
  readonly world: World;
  /** Lines of the process' own log. */
  readonly onLog: (line: string) => void;
}): Promise<Engine> {
  const { loaded, world, onLog } = parts;
  const { config } = loaded;
  const { clock } = world;
  const log = createLogger({ level: "warn", format: "json", write: onLog });
  const metrics = createMetrics({ process: false });
  const readFile = (path: string): Promise<string> => Promise.reject(new Error(path));
  const limits = createLimits({ loaded, clock, readFile, log });
  const board = new BackgroundBoard({ clock, metrics });
  const stores = await openStores({ config, limits, world, log, metrics });
  // What is read after it was let go of is found out: it is nonsense.
  const memory = new BatchMemory({ pooledFromBytes: 1, overwrites: true });
  const ingest = await openIngest({ config, limits, stores, world, log, metrics, memory });
  const life = openLifecycle({ config, limits, stores, ingest, world, log, metrics, board });
  const { engine: queries } = await openQueries({
    config,
    visible: life,
    world,
    newcomers: new Newcomers(clock),
    isPressed: () => false,
    log,
    metrics,
    version: "simulated",
  });
  await ingest.ingester.replay();
  const background = new BackgroundTasks({
    onFailure: ({ task, error }) =>
      log.error("background task failed", { task, reason: messageOf(error) }),
  });
  background.spawn("learn patterns", (signal) => ingest.patterns.run(clock, signal));
  life.start(background);
  background.spawn("compare periods", (signal) => stores.guard.run(signal));
  background.spawn("cut segments", (signal) => ingest.ingester.run(signal));
  return {
    ingest,
    life,
    queries,
    limits,
    stop: async () => {
      await queries.close();
      await background.stop();
      await ingest.journal.close();
      await stores.close();
    },
    abandon: () => {
      void background.stop();
    },
  };
}
