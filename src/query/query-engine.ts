import { MiB, nsPerMs } from "#base";
import { parseQuery } from "#logql";
import type { LogStore } from "#storage";
import type { Clock } from "#world";
import { checkQuery, checkTimes, stepOf } from "./check-request.ts";
import type { QueryData, QueryEngine, QueryRequest, QueryResult } from "./engine.ts";
import { runLogQuery } from "./log-query.ts";
import { runMetricQuery } from "./metric-query.ts";
import { planQuery } from "./plan.ts";
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
}

/** The engine over one store. Queries do not share state: any number may run at once. */
export function createQueryEngine(options: QueryEngineOptions): QueryEngine {
  return { run: (request) => runQuery(options, request) };
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
