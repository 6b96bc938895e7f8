import { MiB, nsPerMs } from "#base";
import { isAnswerStage, parseQuery } from "#logql";
import type { LogStore } from "#storage";
import type { Clock } from "#world";
import { runStagedQuery } from "./answer-stages.ts";
import { checkQuery, checkTimes, stepOf } from "./check-request.ts";
import { type Cursor, pagedRequest } from "./cursor.ts";
import type { QueryEngine, QueryRequest, QueryResult } from "./engine.ts";
import { runLogPage } from "./log-page.ts";
import { runLogQuery } from "./log-query.ts";
import { runMetricQuery } from "./metric-query.ts";
import { planQuery, type QueryPlan } from "./plan.ts";
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

async function runQuery(options: QueryEngineOptions, asked: QueryRequest): Promise<QueryResult> {
  const { store, clock } = options;
  checkTimes(asked);
  const expr = parseQuery(asked.text);
  const { request, cursor } = pagedRequest(asked, expr);
  checkQuery(expr, request);
  const plan = planQuery(expr);
  const inLookback = withinLookback(request, clock);
  const nowNs = (): bigint => clock.nowNs();
  const context = { request: inLookback, cursor, nowNs };

  using run = new QueryRun({
    clock,
    signal: request.signal,
    timeoutMs: request.limits.queryTimeoutMs,
    memoryBytesMax: options.queryMemoryBytesMax ?? queryMemoryBytesDefault,
    memory: request.memory,
  });
  try {
    const answer = await runPlan(store, run, plan, context);
    return { ...answer, stats: run.stats(), warnings: run.warnings };
  } catch (error) {
    // What stores throw when they are told to stop says less than why they were.
    run.checkAlive();
    throw error;
  }
}

async function runPlan(
  store: LogStore,
  run: QueryRun,
  plan: QueryPlan,
  context: {
    readonly request: QueryRequest;
    readonly cursor: Cursor | undefined;
    readonly nowNs: () => bigint;
  },
): Promise<Pick<QueryResult, "data" | "nextCursor">> {
  const { request } = context;
  if (plan.kind === "metric") {
    const stepNs = stepOf(request);
    return { data: await runMetricQuery(store, run, { ...context, plan, stepNs }) };
  }
  const { log } = plan;
  if (request.cursor !== undefined) {
    const { streams, nextCursor } = await runLogPage(store, run, { ...context, log });
    return { data: { kind: "streams", streams }, nextCursor };
  }
  const runLog = log.stages.some(isAnswerStage) ? runStagedQuery : runLogQuery;
  return { data: { kind: "streams", streams: await runLog(store, run, { ...context, log }) } };
}

/**
 * `max_query_lookback` moves the start; a query that lies before it altogether is left with nothing
 * to read.
 */
export function withinLookback(request: QueryRequest, clock: Clock): QueryRequest {
  const { maxQueryLookbackMs } = request.limits;
  if (maxQueryLookbackMs <= 0 || request.kind === "instant") return request;
  const oldestNs = clock.nowNs() - BigInt(maxQueryLookbackMs) * nsPerMs;
  if (request.fromNs >= oldestNs) return request;
  if (request.toNs >= oldestNs) return { ...request, fromNs: oldestNs };
  return { ...request, tenants: [] };
}
