// The query that is shown in Explore: running, its answer or its error. There is one; a new run ends
// the one before. The bars above the lines are a question of their own and are asked first.
import { batch, type Signal, signal } from "@preact/signals";
import { isAbort, reasonOf } from "../api/client.ts";
import { askRange, type RangeQuestion } from "../api/questions.ts";
import type { QueryAnswer, QueryStats, SeriesAnswer, TimeRange } from "../api/types.ts";
import { entriesOf, type Entry } from "../lines/entry.ts";
import { niceStep } from "../state/time-range.ts";
import { hasAnswerStages, histogramOf, isLogQuery } from "../logql/query-text.ts";

export interface LogResult {
  readonly kind: "log";
  readonly entries: readonly Entry[];
  /** Asks for what follows; undefined when there is nothing more. */
  readonly nextCursor: string | undefined;
}

export interface MetricResult {
  readonly kind: "metric";
  readonly series: readonly SeriesAnswer[];
  readonly stepSeconds: number;
  /** That was asked for. */
  readonly range: TimeRange;
}

export interface Run {
  readonly query: string;
  readonly range: TimeRange;
  readonly direction: "forward" | "backward";
  readonly limit: number;
  readonly startedMs: number;
}

export interface Histogram {
  readonly series: readonly SeriesAnswer[];
  readonly stepSeconds: number;
  /** Of the run, widened to whole steps. */
  readonly range: TimeRange;
}

/** The run whose answer is awaited or shown; undefined before the first. */
export const run: Signal<Run | undefined> = signal(undefined);
export const isRunning: Signal<boolean> = signal(false);
export const isLoadingMore: Signal<boolean> = signal(false);
export const result: Signal<LogResult | MetricResult | undefined> = signal(undefined);
export const stats: Signal<QueryStats | undefined> = signal(undefined);
export const warnings: Signal<readonly string[]> = signal([]);
export const failure: Signal<string> = signal("");
/** From sending the question to having the answer, in ms. */
export const answeredAfterMs: Signal<number> = signal(0);
export const histogram: Signal<Histogram | undefined> = signal(undefined);
export const histogramFailure: Signal<string> = signal("");

let current = new AbortController();

/** Ends what is running; what is shown stays. */
export function cancel(): void {
  current.abort();
  batch(() => {
    isRunning.value = false;
    isLoadingMore.value = false;
  });
}

/** Forgets everything, as before the first run. */
export function reset(): void {
  cancel();
  batch(() => {
    run.value = undefined;
    result.value = undefined;
    stats.value = undefined;
    histogram.value = undefined;
    failure.value = "";
    histogramFailure.value = "";
    warnings.value = [];
  });
}

export interface StartOptions extends Omit<Run, "startedMs"> {
  /** How wide charts are, in CSS pixels: a step is some pixels. */
  readonly widthPixels: number;
}

const barPixels = 10;
const pointPixels = 4;

export function start(options: StartOptions): void {
  current.abort();
  current = new AbortController();
  const { signal: ended } = current;
  const { widthPixels, ...asked } = options;
  const isLog = isLogQuery(asked.query);
  batch(() => {
    // A chart of another kind of query would be wrong; otherwise the old answer stays until the new comes.
    if (isLog !== (result.value?.kind !== "metric")) result.value = undefined;
    if (!isLog) histogram.value = undefined;
    run.value = { ...asked, startedMs: performance.now() };
    isRunning.value = true;
    isLoadingMore.value = false;
  });
  if (isLog) {
    void countByLevel(asked, niceStep(asked.range, widthPixels / barPixels), ended);
    void shown(askLines(asked, ended), ended);
  } else {
    const stepSeconds = niceStep(asked.range, widthPixels / pointPixels);
    void shown(askSeries(asked, stepSeconds, ended), ended);
  }
}

type Asked = Omit<Run, "startedMs">;

/** An answer that is not what it should be is said, too; nothing runs on for ever. */
async function shown(asking: Promise<void>, ended: AbortSignal): Promise<void> {
  try {
    await asking;
  } catch (error) {
    if (!ended.aborted) fail(`The answer cannot be read: ${reasonOf(error)}`);
  }
}

function fail(reason: string): void {
  batch(() => {
    failure.value = reason;
    result.value = undefined;
    isRunning.value = false;
    isLoadingMore.value = false;
  });
}

async function countByLevel(asked: Asked, stepSeconds: number, ended: AbortSignal): Promise<void> {
  const stepMs = stepSeconds * 1000;
  const fromMs = Math.floor(asked.range.fromMs / stepMs) * stepMs;
  const toMs = Math.ceil(asked.range.toMs / stepMs) * stepMs;
  try {
    const { data } = await askRange({
      query: histogramOf(asked.query, stepSeconds),
      // The value at a time counts the step before it.
      range: { fromMs: fromMs + stepMs, toMs },
      stepSeconds,
      signal: ended,
    });
    if (ended.aborted || data.resultType !== "matrix") return;
    batch(() => {
      histogram.value = { series: data.result, stepSeconds, range: { fromMs, toMs } };
      histogramFailure.value = "";
    });
  } catch (error) {
    if (ended.aborted || isAbort(error)) return;
    batch(() => {
      histogram.value = undefined;
      histogramFailure.value = reasonOf(error);
    });
  }
}

async function askLines(asked: Asked, ended: AbortSignal): Promise<void> {
  const cursor = hasAnswerStages(asked.query) ? {} : { cursor: "" };
  const answer = await answerOf({ ...asked, ...cursor }, ended);
  if (answer === undefined || answer.data.resultType !== "streams") return;
  const { result: streams, nextCursor } = answer.data;
  // Stages on the whole answer decide the order; it is only kept within streams, as the API has it.
  finish(answer, { kind: "log", entries: entriesOf(streams, asked.direction), nextCursor });
}

async function askSeries(asked: Asked, stepSeconds: number, ended: AbortSignal): Promise<void> {
  const stepMs = stepSeconds * 1000;
  const { fromMs, toMs } = asked.range;
  const range = {
    fromMs: Math.ceil(fromMs / stepMs) * stepMs,
    toMs: Math.max(Math.floor(toMs / stepMs), Math.ceil(fromMs / stepMs)) * stepMs,
  };
  const answer = await answerOf({ ...asked, range, stepSeconds }, ended);
  if (answer === undefined || answer.data.resultType === "streams") return;
  const { data } = answer;
  const series = data.resultType === "scalar" ? [{ metric: {}, value: data.result }] : data.result;
  finish(answer, { kind: "metric", series, stepSeconds, range: asked.range });
}

function finish(answer: QueryAnswer, next: LogResult | MetricResult): void {
  batch(() => {
    result.value = next;
    stats.value = answer.data.resultType === "scalar" ? undefined : answer.data.stats;
    warnings.value = answer.warnings ?? [];
    failure.value = "";
    isRunning.value = false;
    answeredAfterMs.value = performance.now() - (run.value?.startedMs ?? 0);
  });
}

/** Undefined when it failed (then `failure` says why) or nobody waits any more. */
async function answerOf(
  question: RangeQuestion,
  ended: AbortSignal,
): Promise<QueryAnswer | undefined> {
  try {
    const answer = await askRange({ ...question, signal: ended });
    return ended.aborted ? undefined : answer;
  } catch (error) {
    if (ended.aborted || isAbort(error)) return undefined;
    fail(reasonOf(error));
    return undefined;
  }
}

/** Adds the next page to the lines. */
export async function loadMore(): Promise<void> {
  const before = result.value;
  const asked = run.value;
  if (before?.kind !== "log" || before.nextCursor === undefined || asked === undefined) return;
  if (isLoadingMore.value || isRunning.value) return;
  isLoadingMore.value = true;
  const { signal: ended } = current;
  const answer = await answerOf({ ...asked, cursor: before.nextCursor }, ended);
  if (answer === undefined || answer.data.resultType !== "streams") return;
  const { result: streams, nextCursor } = answer.data;
  const entries = [...before.entries, ...entriesOf(streams, asked.direction)];
  batch(() => {
    result.value = { kind: "log", entries, nextCursor };
    isLoadingMore.value = false;
  });
}
