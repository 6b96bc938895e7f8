// One function per question to the server. All take a signal, so that a question nobody waits for ends.
import { askJson } from "./client.ts";
import type {
  DetectedField,
  Explanation,
  Labels,
  QueryAnswer,
  SeriesAnswer,
  TimeRange,
} from "./types.ts";

export interface RangeQuestion {
  readonly query: string;
  readonly range: TimeRange;
  readonly limit?: number;
  readonly direction?: "forward" | "backward";
  /** Of metric queries, in seconds. */
  readonly stepSeconds?: number;
  /** Of log queries: "" asks for the first page, `nextCursor` of its answer for the next. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** Nanoseconds, as the API wants times. */
export function nsOf(ms: number): string {
  return `${Math.round(ms)}000000`;
}

function bounds({ fromMs, toMs }: TimeRange): { start: string; end: string } {
  return { start: nsOf(fromMs), end: nsOf(toMs) };
}

/** Entries come with their labels in categories: of the stream, structured metadata, parsed. */
export function askRange(question: RangeQuestion): Promise<QueryAnswer> {
  const { query, range, limit, direction, stepSeconds, cursor, signal } = question;
  return askJson("loki/api/v1/query_range", {
    query: { query, ...bounds(range), limit, direction, step: stepSeconds, cursor },
    headers: { "X-Loki-Response-Encoding-Flags": "categorize-labels" },
    ...withSignal(signal),
  });
}

export function askInstant(
  query: string,
  atMs: number,
  signal?: AbortSignal,
): Promise<QueryAnswer> {
  const parameters = { query, time: nsOf(atMs) };
  return askJson("loki/api/v1/query", { query: parameters, ...withSignal(signal) });
}

export function askExplanation(
  question: Pick<RangeQuestion, "query" | "range" | "stepSeconds" | "limit" | "signal">,
): Promise<{ readonly data: Explanation }> {
  const { query, range, stepSeconds, limit, signal } = question;
  const parameters = { query, ...bounds(range), step: stepSeconds, limit };
  return askJson("skald/api/v1/explain", { query: parameters, ...withSignal(signal) });
}

export async function askLabelNames(
  selector: string,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const query = { query: selector === "" ? undefined : selector, ...bounds(range) };
  const answer = await askJson<{ data?: string[] }>("loki/api/v1/labels", {
    query,
    ...withSignal(signal),
  });
  return answer.data ?? [];
}

export async function askLabelValues(
  name: string,
  selector: string,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const query = { query: selector === "" ? undefined : selector, ...bounds(range) };
  const path = `loki/api/v1/label/${encodeURIComponent(name)}/values`;
  const answer = await askJson<{ data?: string[] }>(path, { query, ...withSignal(signal) });
  return answer.data ?? [];
}

export interface DetectedLabel {
  readonly label: string;
  readonly cardinality: number;
}

/** Labels and how many values they have. */
export async function askDetectedLabels(
  selector: string,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<readonly DetectedLabel[]> {
  const query = { query: selector === "" ? undefined : selector, ...bounds(range) };
  const answer = await askJson<{ detectedLabels?: DetectedLabel[] }>(
    "loki/api/v1/detected_labels",
    { query, ...withSignal(signal) },
  );
  return answer.detectedLabels ?? [];
}

export interface VolumeQuestion {
  /** A selector; `{}` for everything. */
  readonly selector: string;
  readonly range: TimeRange;
  readonly targetLabel: string;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

export interface Volume {
  readonly value: string;
  readonly bytes: number;
}

/** Bytes by value of a label, largest first; from the index alone. */
export async function askVolume(question: VolumeQuestion): Promise<readonly Volume[]> {
  const { selector, range, targetLabel, limit, signal } = question;
  const query = { query: selector, ...bounds(range), targetLabels: targetLabel, limit };
  const answer = await askJson<{ data: { result: readonly SeriesAnswer[] } }>(
    "loki/api/v1/index/volume",
    { query, ...withSignal(signal) },
  );
  return answer.data.result
    .map(({ metric, value }) => ({
      value: metric[targetLabel] ?? "",
      bytes: Number(value?.[1] ?? 0),
    }))
    .sort((a, b) => b.bytes - a.bytes);
}

/** Fields that parsers would find, from a sample of entries. */
export async function askDetectedFields(
  query: string,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<readonly DetectedField[]> {
  const answer = await askJson<{ fields?: DetectedField[] }>("loki/api/v1/detected_fields", {
    query: { query, ...bounds(range), line_limit: 500 },
    ...withSignal(signal),
  });
  return answer.fields ?? [];
}

export async function askSeries(
  selector: string,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<readonly Labels[]> {
  const query = { "match[]": selector, ...bounds(range) };
  const answer = await askJson<{ data?: Labels[] }>("loki/api/v1/series", {
    query,
    ...withSignal(signal),
  });
  return answer.data ?? [];
}

/** Values of a field, from a sample of the entries that the query finds. */
export async function askFieldValues(
  name: string,
  query: string,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const path = `loki/api/v1/detected_field/${encodeURIComponent(name)}/values`;
  const answer = await askJson<{ values?: string[] }>(path, {
    query: { query, ...bounds(range), line_limit: 1000, limit: 100 },
    ...withSignal(signal),
  });
  return answer.values ?? [];
}

/** The query as the server writes it. Rejects with where it is wrong. */
export async function askFormatted(query: string): Promise<string> {
  const answer = await askJson<{ data: string }>("loki/api/v1/format_query", { query: { query } });
  return answer.data;
}
