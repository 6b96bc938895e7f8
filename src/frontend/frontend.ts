import { join } from "node:path";
import { GiB, isStoreError, MiB, messageOf } from "#base";
import type { QueryEngine, QueryRequest, QueryResult } from "#query";
import type { Logger, Metrics } from "#telemetry";
import type { Clock, Files } from "#world";
import { CachedRange, type RunInTurn } from "./cached-range.ts";
import { type Begin, Coalescer } from "./coalescer.ts";
import type { Estimate } from "./estimate.ts";
import { FrontendMetrics, logSlowQuery, type Outcome } from "./frontend-metrics.ts";
import type { DataVersions } from "./interval-versions.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { PieceFolder } from "./piece-folder.ts";
import {
  inFlightBytesDefault,
  outstandingPerTenantDefault,
  patienceMsDefault,
  QueryScheduler,
  smallBytesDefault,
  type Turn,
} from "./query-scheduler.ts";
import { identityOf, type QueryShape, shapeOfQuery } from "./query-shape.ts";
import { ResultsCache } from "./results-cache.ts";
import { splitQuery } from "./split-range.ts";
import { type SlowQuery, SlowestQueries } from "./slowest-queries.ts";

/** Remembered pieces in memory: a dashboard's worth, many times over. */
export const cacheMemoryBytesDefault: number = 128 * MiB;
export const cacheDiskBytesDefault: number = GiB;

/** What queries that run may hold together: twice what one may. */
export const memoryBytesDefault: number = GiB;

export interface FrontendOptions {
  /** What computes the answers; it need not bound how many queries run. */
  readonly engine: QueryEngine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** How much a query would read; without it all queries count as small. */
  readonly estimate?: Estimate;
  /** Grows with what a tenant's queries see; without it executions under way are always shared. */
  readonly changeNumber?: (tenant: string) => number;
  /** Results are remembered only when this is given. */
  readonly cache?: FrontendCacheOptions;
  readonly limits: FrontendLimits;
}

export interface FrontendCacheOptions {
  readonly versions: DataVersions;
  /**
   * Changes whenever the same data could give another answer: the version of this program. Pieces
   * of another generation are never used.
   */
  readonly generation: string;
  readonly memoryBytesMax?: number;
  /** Where pieces outlive the process; `folder` belongs to the cache alone. */
  readonly disk?: {
    readonly files: Files;
    readonly folder: string;
    readonly bytesMax?: number;
  };
}

export interface FrontendLimits {
  /** querier.max_concurrent. */
  readonly runningMax: number;
  /** So many more may run, for tenants that have none running. */
  readonly beyondMax?: number;
  /** frontend.max_outstanding_per_tenant. */
  readonly outstandingPerTenantMax?: number;
  readonly smallBytesMax?: number;
  readonly inFlightBytesMax?: number;
  readonly patienceMs?: number;
  readonly memoryBytesMax?: number;
  /** frontend.log_queries_longer_than; 0: none is logged. */
  readonly slowQueryMs?: number;
}

export interface Frontend extends QueryEngine {
  /** The slowest queries of the last hour, slowest first. */
  slowest(): readonly SlowQuery[];
  /** Waits until remembered results are written. Queries may still be asked, and are not remembered. */
  close(): Promise<void>;
}

/**
 * The query frontend: a QueryEngine in front of another one. It lets identical queries share one
 * execution, answers what it remembers, and gives the others their turns.
 */
export async function createFrontend(options: FrontendOptions): Promise<Frontend> {
  const metrics = new FrontendMetrics(options.metrics);
  const cache = options.cache && (await openCache(options.cache, { ...options, metrics }));
  const frontend = new QueryFrontend(options, { metrics, cache });
  return {
    run: (request) => frontend.run(request),
    slowest: () => frontend.slowest.list(),
    close: async () => cache?.close(),
  };
}

/** Without its folder the cache is one of memory only: it is no reason not to start. */
async function openCache(
  { memoryBytesMax = cacheMemoryBytesDefault, disk }: FrontendCacheOptions,
  { log, metrics }: { log: Logger; metrics: FrontendMetrics },
): Promise<ResultsCache> {
  const onFailure = (reason: string): void => log.warn("results cache", { reason });
  let folder: PieceFolder | undefined;
  if (disk !== undefined) {
    const { files, bytesMax = cacheDiskBytesDefault } = disk;
    try {
      const own = join(disk.folder, "pieces");
      folder = await PieceFolder.open({ files, folder: own, bytesMax, onFailure });
    } catch (error) {
      if (!isStoreError(error)) throw error;
      onFailure(messageOf(error));
    }
  }
  return new ResultsCache({ memoryBytesMax, folder, onLookup: metrics.lookedUp });
}

class QueryFrontend {
  readonly slowest: SlowestQueries;
  readonly #options: FrontendOptions;
  readonly #metrics: FrontendMetrics;
  readonly #scheduler: QueryScheduler;
  readonly #memory: MemoryBudget;
  /** Queries that have come and have not had their turn. */
  #arrivingCount = 0;
  readonly #coalescer = new Coalescer<QueryResult>();
  readonly #cachedRange: CachedRange | undefined;

  constructor(
    options: FrontendOptions,
    parts: { metrics: FrontendMetrics; cache: ResultsCache | undefined },
  ) {
    const { engine, clock, limits, cache: cacheOptions } = options;
    const { metrics, cache } = parts;
    this.#options = options;
    this.slowest = new SlowestQueries(clock);
    this.#metrics = metrics;
    this.#scheduler = new QueryScheduler({
      clock,
      runningMax: Math.max(1, limits.runningMax),
      beyondMax: limits.beyondMax ?? 0,
      smallBytesMax: limits.smallBytesMax ?? smallBytesDefault,
      inFlightBytesMax: limits.inFlightBytesMax ?? inFlightBytesDefault,
      outstandingPerTenantMax: limits.outstandingPerTenantMax ?? outstandingPerTenantDefault,
      patienceMs: limits.patienceMs ?? patienceMsDefault,
      observer: metrics,
    });
    this.#memory = new MemoryBudget({
      bytesMax: limits.memoryBytesMax ?? memoryBytesDefault,
      onRefused: metrics.outOfMemory,
    });
    if (cacheOptions !== undefined && cache !== undefined) {
      this.#cachedRange = new CachedRange({ ...cacheOptions, engine, cache });
    }
    metrics.observe({ scheduler: this.#scheduler, memory: this.#memory, cache });
  }

  async run(request: QueryRequest): Promise<QueryResult> {
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    let outcome: Outcome | undefined;
    try {
      const result = await this.#runShared(request);
      outcome = { result };
      return result;
    } catch (error) {
      outcome = { error };
      throw error;
    } finally {
      if (outcome !== undefined) this.#report(request, outcome, clock.monotonicMs() - startMs);
    }
  }

  #report(request: QueryRequest, outcome: Outcome, durationMs: number): void {
    this.slowest.add(request, { durationMs, outcome });
    const { slowQueryMs = 0 } = this.#options.limits;
    if (slowQueryMs <= 0 || durationMs < slowQueryMs) return;
    logSlowQuery(this.#options.log, request, { durationMs, outcome });
  }

  async #runShared(request: QueryRequest): Promise<QueryResult> {
    const shape = shapeOfQuery(request.text);
    // The engine says what is wrong, and reads nothing for it.
    if (shape === undefined) return this.#options.engine.run(request);
    // What is to be computed anew must not come from an execution that began earlier.
    if (request.bypassCache === true) return this.#execute(request, shape, () => undefined);
    const caller = { signal: request.signal, onJoin: this.#metrics.coalesced };
    return this.#coalescer.run(identityOf(request, shape), caller, (signal, begin) =>
      this.#execute({ ...request, signal }, shape, begin),
    );
  }

  async #execute(request: QueryRequest, shape: QueryShape, begin: Begin): Promise<QueryResult> {
    const { clock, engine } = this.#options;
    const inTurn: RunInTurn = (asked, work) =>
      this.#inTurn(asked, shape, (inner) => {
        begin(this.#freshness(request.tenants));
        return work(inner);
      });
    const split =
      this.#cachedRange === undefined || request.bypassCache === true
        ? undefined
        : splitQuery(request, shape, clock.nowNs());
    if (split === undefined || this.#cachedRange === undefined) {
      return inTurn(request, (asked) => engine.run(asked));
    }
    const startMs = clock.monotonicMs();
    const { text } = shape;
    // What is remembered counts as read from here on.
    begin(this.#freshness(request.tenants));
    const result = await this.#cachedRange.run({ request, text, split }, inTurn);
    const execTimeMs = clock.monotonicMs() - startMs - result.stats.queueTimeMs;
    return { ...result, stats: { ...result.stats, execTimeMs } };
  }

  /** Whether nothing came for these tenants since now. */
  #freshness(tenants: readonly string[]): () => boolean {
    const { changeNumber } = this.#options;
    if (changeNumber === undefined) return () => true;
    const atStart = tenants.map(changeNumber);
    return () => tenants.every((tenant, i) => changeNumber(tenant) === atStart[i]);
  }

  async #inTurn(
    request: QueryRequest,
    shape: QueryShape,
    work: (request: QueryRequest) => Promise<QueryResult>,
  ): Promise<QueryResult> {
    using turn = await this.#arrive(request, shape);
    using memory = this.#memory.account();
    const result = await work({ ...request, memory });
    const { stats } = result;
    turn.settle(stats.bytesProcessed);
    const queueTimeMs = stats.queueTimeMs + turn.queueTimeMs;
    return { ...result, stats: { ...stats, queueTimeMs } };
  }

  async #arrive(request: QueryRequest, shape: QueryShape): Promise<Turn> {
    const { signal, limits } = request;
    const tenant = request.tenants.join("|");
    this.#scheduler.checkRoom(tenant);
    this.#arrivingCount++;
    try {
      const estimateBytes = await this.#estimate(request, shape);
      const waitMsMax = limits.queryTimeoutMs;
      return await this.#scheduler.turn({ tenant, estimateBytes, signal, waitMsMax });
    } finally {
      this.#arrivingCount--;
    }
  }

  /** Not asked for when the query can start at once anyway, which is when it would cost most. */
  async #estimate(request: QueryRequest, shape: QueryShape): Promise<number> {
    const { estimate } = this.#options;
    const isAlone = this.#scheduler.isIdle && this.#arrivingCount === 1;
    if (estimate === undefined || isAlone) return 0;
    try {
      return await estimate(request, shape);
    } catch {
      // Whatever it is, the engine meets it too and says it in its own words.
      return 0;
    }
  }
}
