import { messageOf, minute } from "#base";
import type { Config } from "#config";
import { ChunkSweeper, LokiCompactor } from "#lokistore";
import type { Logger, Metrics } from "#telemetry";
import type { Stores } from "./stores.ts";
import type { World } from "./world.ts";

/** Looking means listing the newest tables. */
const checkIntervalMinMs: number = minute;

export interface LokiCompactionParts {
  readonly config: Config;
  readonly stores: Stores;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * Merging of the index files of Loki's format, and what rewrites them; undefined when no period has
 * that, or when a compactor of Loki does it.
 */
export function createLokiCompactor(parts: LokiCompactionParts): LokiCompactor | undefined {
  const { config, stores, world, log, metrics } = parts;
  if (stores.loki.length === 0 || !config.mergeIndexFiles) return undefined;
  const { compactionIntervalMs, retentionDeleteDelayMs } = config.compactor;
  const merged = metrics.counter("skald_index_merged_files_total", "Index files merged.");
  const swept = metrics.counter("skald_index_deleted_chunks_total", "Marked chunks deleted.");
  const failures = metrics.counter(
    "skald_index_merge_failures_total",
    "Rounds or tables that failed; they are tried again.",
  );
  return new LokiCompactor({
    periods: stores.lokiPeriods,
    stores: stores.loki,
    clock: world.clock,
    checkIntervalMs: Math.max(checkIntervalMinMs, compactionIntervalMs),
    marks: stores.chunkMarks,
    deleteDelayMs: retentionDeleteDelayMs,
    events: {
      merged: ({ table, tenant, inputs, output }, durationMs) => {
        merged.inc(inputs.length);
        const files = inputs.length;
        log.info("index files merged", { table, tenant, files, output, durationMs });
      },
      swept: (chunkCount) => swept.inc(chunkCount),
      failed: (error, table) => {
        failures.inc();
        log.error("merging index files failed", { reason: messageOf(error), table });
      },
    },
  });
}

/** What takes chunks away that a crash left without an index, where a compactor of Loki merges. */
export function createChunkSweeper(parts: LokiCompactionParts): ChunkSweeping | undefined {
  const { config, stores, world, log, metrics } = parts;
  if (stores.loki.length === 0 || config.mergeIndexFiles) return undefined;
  const { clock } = world;
  const { compactionIntervalMs, retentionDeleteDelayMs } = config.compactor;
  const swept = metrics.counter("skald_index_deleted_chunks_total", "Marked chunks deleted.");
  const sweeper = new ChunkSweeper({
    periods: stores.lokiPeriods,
    stores: stores.loki,
    clock,
    marks: stores.chunkMarks,
    deleteDelayMs: retentionDeleteDelayMs,
    swept: (chunkCount) => swept.inc(chunkCount),
  });
  const intervalMs = Math.max(checkIntervalMinMs, compactionIntervalMs);
  return async (signal) => {
    while (!signal.aborted) {
      try {
        await sweeper.runOnce(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.error("deleting unlisted chunks failed", { reason: messageOf(error) });
      }
      await clock.sleep(intervalMs, signal);
    }
  };
}

export type ChunkSweeping = (signal: AbortSignal) => Promise<void>;
