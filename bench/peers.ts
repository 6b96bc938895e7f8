/** What differs between servers that are measured: where they take logs, and how they are asked. */
import { type Corpus } from "./corpus.ts";
import { stepMsOf } from "./expectations.ts";
import { type BenchQuery, linesMax, type LokiData } from "./queries.ts";

/** `loki` is whatever speaks Loki's API, Skald among them. */
export type PeerKind = "loki" | "victorialogs";

export const peerKinds: readonly PeerKind[] = ["loki", "victorialogs"];

/**
 * VictoriaLogs would take JSON lines apart and keep no line: the answers would be to other
 * questions, and the work of another kind.
 */
export const pushPaths: Readonly<Record<PeerKind, string>> = {
  loki: "/loki/api/v1/push",
  victorialogs:
    "/insert/loki/api/v1/push?_stream_fields=app,host,env,replica&disable_message_parsing=1",
};

const flushPaths: Readonly<Record<PeerKind, string>> = {
  loki: "/flush",
  victorialogs: "/internal/force_flush",
};

/** Asks the server to store what it has in memory; those that cannot are left alone. */
export async function flushPeer(url: string, kind: PeerKind): Promise<void> {
  const method = kind === "loki" ? "POST" : "GET";
  const answer = await fetch(url + flushPaths[kind], { method });
  await answer.arrayBuffer();
}

export interface Asked {
  readonly url: string;
  readonly kind: PeerKind;
  readonly corpus: Corpus;
}

export function askPeer(query: BenchQuery, asked: Asked): Promise<Response> {
  return asked.kind === "victorialogs" ? askVictoriaLogs(query, asked) : askLoki(query, asked);
}

/** The answer in Loki's form, so that one check serves for all. */
export function readAnswer(text: string, query: BenchQuery, { kind, corpus }: Asked): LokiData {
  if (kind === "loki") return (JSON.parse(text) as { data: LokiData }).data;
  const rows = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);
  return query.kind === "range" ? linesOf(rows) : seriesOf(rows, query, corpus);
}

function askLoki(query: BenchQuery, { url, corpus }: Asked): Promise<Response> {
  const { start, end } = corpus.facts;
  const ns = (ms: number): string => `${ms}000000`;
  const parameters: Record<string, string> = { query: query.logql, limit: String(linesMax) };
  if (query.kind === "instant") parameters["time"] = ns(end);
  else Object.assign(parameters, { start: ns(start), end: ns(end) });
  if (query.kind === "matrix") parameters["step"] = String(stepMsOf(corpus) / 1000);
  const path = query.kind === "instant" ? "query" : "query_range";
  return fetch(`${url}/loki/api/v1/${path}?${new URLSearchParams(parameters).toString()}`, {
    headers: { "cache-control": "no-cache" },
  });
}

function askVictoriaLogs(query: BenchQuery, { url, corpus }: Asked): Promise<Response> {
  const from = new Date(corpus.facts.start - 1000).toISOString();
  const to = new Date(corpus.facts.end + 1000).toISOString();
  return fetch(`${url}/select/logsql/query`, {
    method: "POST",
    body: new URLSearchParams({
      query: `_time:[${from}, ${to}] ${query.logsql}`,
      timeout: "120s",
    }),
  });
}

/** One line of VictoriaLogs' answer: an entry, or a group of `stats`. */
type Row = Readonly<Record<string, string>>;

/** All of them, however many: there is no limit but that of the query. */
function linesOf(rows: readonly Row[]): LokiData {
  const values = rows
    .slice(0, linesMax)
    .map(({ _time = "", _msg = "" }) => [nanosecondsOf(_time), _msg] as const);
  return { resultType: "streams", result: [{ values }] };
}

/** RFC 3339 with up to nine digits of a second. */
function nanosecondsOf(time: string): string {
  const [whole = "", fraction = ""] = time.replace(/Z$/, "").split(".");
  return `${Date.parse(`${whole}Z`) / 1000}${fraction.padEnd(9, "0")}`;
}

/** A group has the label, the time of the step and one value, named after its function. */
function seriesOf(rows: readonly Row[], query: BenchQuery, corpus: Corpus): LokiData {
  const factor = query.isRate === true ? 1000 / stepMsOf(corpus) : 1;
  const byLabel = new Map<string, [time: number, value: string][]>();
  for (const { _time = "", ...row } of rows) {
    const labels = Object.entries(row).filter(([name]) => name === query.label);
    const value = Object.entries(row).find(([name]) => name !== query.label)?.[1] ?? "";
    const key = JSON.stringify(Object.fromEntries(labels));
    const values = byLabel.get(key) ?? [];
    byLabel.set(key, values);
    values.push([Date.parse(_time) / 1000, String(Number(value) * factor)]);
  }
  const result = [...byLabel].map(([key, values]) => {
    return { metric: JSON.parse(key) as Record<string, string>, values, value: values[0]! };
  });
  return { resultType: query.kind === "instant" ? "vector" : "matrix", result };
}
