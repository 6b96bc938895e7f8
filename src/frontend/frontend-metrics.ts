import { messageOf } from "#base";
import type { QueryRequest, QueryResult } from "#query";
import type { Logger, Metrics } from "#telemetry";
import type { MemoryBudget } from "./memory-budget.ts";
import type { Priority, QueryScheduler, SchedulerObserver } from "./query-scheduler.ts";
import type { CacheOutcome, ResultsCache } from "./results-cache.ts";

/** A query logged in full could be as long as a request may be. */
const loggedLengthMax = 2048;

/** What the frontend counts and says of itself. */
export class FrontendMetrics implements SchedulerObserver {
  readonly waited: SchedulerObserver["waited"];
  readonly refused: SchedulerObserver["refused"];
  readonly coalesced: () => void;
  readonly outOfMemory: () => void;
  readonly lookedUp: (outcome: CacheOutcome) => void;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    const wait = metrics.histogram(
      "loki_query_scheduler_queue_duration_seconds",
      "Time queries waited for their turn.",
      { labelNames: ["priority"], buckets: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] },
    );
    const discarded = metrics.counter(
      "loki_query_scheduler_discarded_requests_total",
      "Queries refused because too many of the tenant waited.",
      ["tenant"],
    );
    const coalesced = metrics.counter(
      "skald_queries_coalesced_total",
      "Queries that shared the execution of an identical one.",
    );
    const outOfMemory = metrics.counter(
      "skald_queries_out_of_memory_total",
      "Queries ended because all queries together would have held too much memory.",
    );
    const lookups = metrics.counter(
      "skald_results_cache_lookups_total",
      "Pieces of answers looked for, by what was found.",
      ["outcome"],
    );
    this.waited = (priority, durationMs) => wait.observe({ priority }, durationMs / 1000);
    this.refused = (tenant) => discarded.inc({ tenant });
    this.coalesced = () => coalesced.inc();
    this.outOfMemory = () => outOfMemory.inc();
    this.lookedUp = (outcome) => lookups.inc({ outcome });
  }

  /** Figures that are read when somebody asks. */
  observe(parts: {
    readonly scheduler: QueryScheduler;
    readonly memory: MemoryBudget;
    readonly cache: ResultsCache | undefined;
  }): void {
    const { scheduler, memory, cache } = parts;
    const metrics = this.#metrics;
    const waiting = (priority: Priority): void =>
      metrics.observe(
        `skald_queries_waiting_${priority}`,
        `Queries of priority ${priority} that wait for their turn.`,
        () => scheduler.waitingCount(priority),
      );
    waiting("small");
    waiting("large");
    metrics.observe("skald_queries_running", "Queries that run.", () => scheduler.runningCount);
    metrics.observe(
      "skald_queries_in_flight_bytes",
      "Estimated bytes of the large queries that run.",
      () => scheduler.inFlightBytes,
    );
    metrics.observe(
      "skald_queries_held_bytes",
      "Memory that running queries hold.",
      () => memory.heldBytes,
    );
    if (cache === undefined) return;
    metrics.observe(
      "skald_results_cache_memory_bytes",
      "Remembered pieces of answers in memory.",
      () => cache.memoryBytes,
    );
    metrics.observe(
      "skald_results_cache_disk_bytes",
      "Remembered pieces of answers on disk.",
      () => cache.diskBytes,
    );
  }
}

export type Outcome = { readonly result: QueryResult } | { readonly error: unknown };

/** One warning for a query that took too long. */
export function logSlowQuery(
  log: Logger,
  request: QueryRequest,
  { durationMs, outcome }: { readonly durationMs: number; readonly outcome: Outcome },
): void {
  const stats = "result" in outcome ? outcome.result.stats : undefined;
  log.warn("slow query", {
    tenant: request.tenants.join("|"),
    query: request.text.slice(0, loggedLengthMax),
    kind: request.kind,
    fromNs: request.fromNs,
    toNs: request.toNs,
    durationMs: Math.round(durationMs),
    queueMs: stats === undefined ? undefined : Math.round(stats.queueTimeMs),
    bytes: stats?.bytesProcessed,
    lines: stats?.linesProcessed,
    queryTags: request.tags?.slice(0, loggedLengthMax),
    error: "error" in outcome ? messageOf(outcome.error).slice(0, loggedLengthMax) : undefined,
  });
}
