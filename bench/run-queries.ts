/** Asks each query some times, results caches passed by, and times it. */
import type { Corpus } from "./corpus.ts";
import { stepMsOf } from "./expectations.ts";
import { type BenchQuery, linesMax, type LokiData } from "./queries.ts";
import { cpuSeconds, type Target } from "./server-process.ts";
import { median } from "./unit-y.ts";

export type PeerKind = "loki" | "victorialogs";

export interface QueryResult {
  readonly name: string;
  readonly minMs: number;
  readonly medianMs: number;
  readonly maxMs: number;
  /** Median of the server's CPU seconds, which the system counts in 1/100 s. */
  readonly cpuSeconds: number;
  readonly inY: number;
  readonly targetY: number;
  readonly resultBytes: number;
  /** "yes", "not checked", or what is wrong. */
  readonly isRight: string;
  /** Of the first run, when the server tells. */
  readonly getRequests: number | undefined;
  readonly fetchedBytes: number | undefined;
  readonly decompressedBytes: number | undefined;
}

export interface QueryJob {
  readonly target: Target;
  readonly kind: PeerKind;
  readonly corpus: Corpus;
  readonly runs: number;
  readonly yMs: number;
}

export async function runQuery(query: BenchQuery, job: QueryJob): Promise<QueryResult> {
  const times: number[] = [];
  const spent: number[] = [];
  let first: Answer | undefined;
  let wrong: string | undefined;
  for (let run = 0; run < job.runs; run++) {
    const cpuBefore = cpuSeconds(job.target.pid);
    const startedMs = performance.now();
    const answer = await ask(query, job);
    times.push(performance.now() - startedMs);
    spent.push(cpuSeconds(job.target.pid) - cpuBefore);
    first ??= answer;
    wrong ??= wrongWith(query, answer, job.kind);
  }
  const store = storeStatsOf(first);
  const medianMs = median(times);
  return {
    name: query.name,
    minMs: Math.min(...times),
    medianMs,
    maxMs: Math.max(...times),
    cpuSeconds: median(spent),
    inY: medianMs / job.yMs,
    targetY: query.targetY,
    resultBytes: first?.text.length ?? 0,
    isRight: wrong ?? (job.kind === "loki" ? "yes" : "not checked"),
    getRequests: store["getRequests"],
    fetchedBytes: store["fetchedBytes"],
    decompressedBytes: store["decompressedBytes"],
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(query: BenchQuery, job: QueryJob): Promise<Answer> {
  const response =
    job.kind === "victorialogs" ? await askVictoriaLogs(query, job) : await askLoki(query, job);
  return { status: response.status, text: await response.text() };
}

function askLoki(query: BenchQuery, { target, corpus }: QueryJob): Promise<Response> {
  const { start, end } = corpus.facts;
  const ns = (ms: number): string => `${ms}000000`;
  const parameters: Record<string, string> = { query: query.logql, limit: String(linesMax) };
  if (query.kind === "instant") parameters["time"] = ns(end);
  else Object.assign(parameters, { start: ns(start), end: ns(end) });
  if (query.kind === "matrix") parameters["step"] = String(stepMsOf(corpus) / 1000);
  const path = query.kind === "instant" ? "query" : "query_range";
  return fetch(`${target.url}/loki/api/v1/${path}?${new URLSearchParams(parameters).toString()}`, {
    headers: { "cache-control": "no-cache" },
  });
}

function askVictoriaLogs(query: BenchQuery, { target, corpus }: QueryJob): Promise<Response> {
  const from = new Date(corpus.facts.start - 1000).toISOString();
  const to = new Date(corpus.facts.end + 1000).toISOString();
  return fetch(`${target.url}/select/logsql/query`, {
    method: "POST",
    body: new URLSearchParams({
      query: `_time:[${from}, ${to}] ${query.logsql}`,
      timeout: "120s",
    }),
  });
}

function wrongWith(query: BenchQuery, answer: Answer, kind: PeerKind): string | undefined {
  if (answer.status !== 200) return `status ${answer.status}: ${answer.text.slice(0, 200)}`;
  if (kind === "victorialogs") return undefined;
  return query.check(dataOf(answer));
}

function dataOf(answer: Answer): LokiData {
  return (JSON.parse(answer.text) as { data: LokiData }).data;
}

/** What Skald adds to Loki's statistics about its object store. */
function storeStatsOf(answer: Answer | undefined): Record<string, number | undefined> {
  if (answer === undefined || !answer.text.startsWith("{")) return {};
  const stats = (dataOf(answer).stats ?? {}) as Record<string, Record<string, number>>;
  return Object.values(stats).find((part) => "getRequests" in part) ?? {};
}
