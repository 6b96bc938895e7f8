/** Asks each query some times, results caches passed by, and times it. */
import type { Corpus } from "./corpus.ts";
import { askPeer, type PeerKind, readAnswer } from "./peers.ts";
import type { BenchQuery, LokiData } from "./queries.ts";
import { cpuSeconds, type Target } from "./server-process.ts";
import { median } from "./unit-y.ts";

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
    wrong ??= wrongWith(query, answer, job);
  }
  const store = job.kind === "loki" ? storeStatsOf(first) : {};
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
    isRight: wrong ?? (isOtherQuestion(query, job.kind) ? "not checked" : "yes"),
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
  const { url } = job.target;
  const response = await askPeer(query, { url, kind: job.kind, corpus: job.corpus });
  return { status: response.status, text: await response.text() };
}

/** Asked in words of the other language that find other lines. */
function isOtherQuestion(query: BenchQuery, kind: PeerKind): boolean {
  return kind === "victorialogs" && query.isByWords === true;
}

function wrongWith(query: BenchQuery, answer: Answer, job: QueryJob): string | undefined {
  if (answer.status !== 200) return `status ${answer.status}: ${answer.text.slice(0, 200)}`;
  if (isOtherQuestion(query, job.kind)) return undefined;
  const { kind, corpus, target } = job;
  return query.check(readAnswer(answer.text, query, { url: target.url, kind, corpus }));
}

/** What Skald adds to Loki's statistics about its object store. */
function storeStatsOf(answer: Answer | undefined): Record<string, number | undefined> {
  if (answer?.status !== 200) return {};
  const { data } = JSON.parse(answer.text) as { data: LokiData };
  const stats = (data.stats ?? {}) as Record<string, Record<string, number>>;
  return Object.values(stats).find((part) => "getRequests" in part) ?? {};
}
