import { MiB, nsPerMs } from "#base";
import { parseQuery } from "#logql";
import type { LogStore } from "#storage";
import type { Clock } from "#world";
import { checkQuery, checkTimes, stepOf } from "./check-request.ts";
import type { QueryData, QueryEngine, QueryRequest, QueryResult } from "./engine.ts";
import { runLogQuery } from "./log-query.ts";
import { runMetricQuery } from "./metric-query.ts";
import { planQuery } from "./plan.ts";
import { QueryGate, queriesAtOnceDefault, queriesWaitingMax } from "./query-gate.ts";
import { QueryRun } from "./query-run.ts";

/**
 * What one query may keep in memory (entries of the answer, columns of series, remembered entries)
 * when nothing else is configured: a few of them at once still fit a small machine.
 */
export const queryMemoryBytesDefault: number = 512 * MiB;

export interface QueryEngineOptions {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly queryMemoryBytesMax?: number;
  /** Queries that run at once; the others wait their turn. */
  readonly queriesAtOnceMax?: number;
}

/** The engine over one store. Queries share nothing but their turn. */
export function createQueryEngine(options: QueryEngineOptions): QueryEngine {
  const atOnceMax = options.queriesAtOnceMax ?? queriesAtOnceDefault;
  const gate = new QueryGate({ atOnceMax, waitingMax: queriesWaitingMax });
  return {
    run: async (request) => {
      const askedMs = options.clock.monotonicMs();
      using _place =
        gate.tryEnter() ?? (await gate.enter(request.tenants.join("|"), request.signal));
      const queueTimeMs = options.clock.monotonicMs() - askedMs;
      const result = await runQuery(options, request);
      return { ...result, stats: { ...result.stats, queueTimeMs } };
    },
  };
}

async function runQuery(options: QueryEngineOptions, request: QueryRequest): Promise<QueryResult> {
  const { store, clock } = options;
  checkTimes(request);
  const expr = parseQuery(request.text);
  checkQuery(expr, request);
  const plan = planQuery(expr);
  const stepNs = stepOf(request);
  const nowNs = (): bigint => clock.nowNs();
  const inLookback = withinLookback(request, clock);

  using run = new QueryRun({
    clock,
    signal: request.signal,
    timeoutMs: request.limits.queryTimeoutMs,
    memoryBytesMax: options.queryMemoryBytesMax ?? queryMemoryBytesDefault,
  });
  try {
    let data: QueryData;
    if (plan.kind === "metric") {
      data = await runMetricQuery(store, run, { request: inLookback, plan, stepNs, nowNs });
    } else {
      const { log } = plan;
      const streams = await runLogQuery(store, run, { request: inLookback, log, nowNs });
      data = { kind: "streams", streams };
    }
    return { data, stats: run.stats(), warnings: run.warnings };
  } catch (error) {
    // What stores throw when they are told to stop says less than why they were.
    run.checkAlive();
    throw error;
  }
}

/**
 * `max_query_lookback` moves the start; a query that lies before it altogether is left with nothing
 * to read.
 */
function withinLookback(request: QueryRequest, clock: Clock): QueryRequest {
  const { maxQueryLookbackMs } = request.limits;
  if (maxQueryLookbackMs <= 0 || request.kind === "instant") return request;
  const oldestNs = clock.nowNs() - BigInt(maxQueryLookbackMs) * nsPerMs;
  if (request.fromNs >= oldestNs) return request;
  if (request.toNs >= oldestNs) return { ...request, fromNs: oldestNs };
  return { ...request, tenants: [] };
}
