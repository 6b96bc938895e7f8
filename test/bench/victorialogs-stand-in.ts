/**
 * A small server that answers as VictoriaLogs' HTTP API is documented
 * (docs.victoriametrics.com/victorialogs), for the benchmark to be run against: Loki's push, forced
 * flushes, and queries in as much of LogsQL as the benchmark asks. Like the real one it shows what
 * was pushed only after a flush, answers in lines of JSON in which every value is text, drops what
 * is older than its retention without a word, and takes JSON lines apart unless told not to.
 */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { readRequest } from "../../bench/corpus.ts";

type Fields = Readonly<Record<string, string>>;

export interface StandIn {
  readonly url: string;
  readonly paths: readonly string[];
  close(): Promise<void>;
}

export async function startStandIn(options: { readonly oldestMs: number }): Promise<StandIn> {
  const pending: Fields[] = [];
  const stored: Fields[] = [];
  const paths: string[] = [];
  const server = createServer((request, response) => {
    answer(request, { ...options, pending, stored, paths }).then(
      (text) => response.end(text),
      (error: unknown) => fail(response, error),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: urlOf(server), paths, close: () => closed(server) };
}

function fail(response: ServerResponse, error: unknown): void {
  response.statusCode = 400;
  response.end(error instanceof Error ? error.message : String(error));
}

function urlOf(server: Server): string {
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

interface State {
  readonly oldestMs: number;
  readonly pending: Fields[];
  readonly stored: Fields[];
  readonly paths: string[];
}

async function answer(request: IncomingMessage, state: State): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const { pathname, searchParams } = new URL(request.url ?? "", "http://stand-in");
  state.paths.push(pathname);
  switch (pathname) {
    case "/insert/loki/api/v1/push":
      assert.equal(request.headers["content-encoding"], "snappy");
      insert(body, searchParams, state);
      return "";
    case "/internal/force_flush":
      state.stored.push(...state.pending.splice(0));
      return "";
    case "/select/logsql/query":
      return select(new URLSearchParams(body.toString("utf8")).get("query") ?? "", state.stored);
    default:
      throw new Error(`unsupported path requested: ${pathname}`);
  }
}

function insert(body: Buffer, parameters: URLSearchParams, state: State): void {
  const isParsed = parameters.get("disable_message_parsing") !== "1";
  for (const { labels, entries } of readRequest(body)) {
    const stream = Object.fromEntries(
      [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]),
    );
    for (const name of parameters.get("_stream_fields")?.split(",") ?? []) {
      assert(name in stream, `no stream field ${name}`);
    }
    for (const { seconds, nanos, line } of entries) {
      if (seconds * 1000 < state.oldestMs) continue;
      const second = new Date(seconds * 1000).toISOString().slice(0, 19);
      const _time = `${second}.${String(nanos).padStart(9, "0")}Z`;
      const text = line.toString("utf8");
      const message = isParsed && text.startsWith("{") ? unpackJson(text) : { _msg: text };
      state.pending.push({ ...stream, ...message, _time });
    }
  }
}

function unpackJson(text: string): Fields {
  const fields = Object.entries(JSON.parse(text) as Record<string, unknown>);
  return Object.fromEntries(
    fields.map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

function select(query: string, stored: readonly Fields[]): string {
  const [filter = "", ...pipes] = splitPipes(query);
  let rows = stored.filter(filterOf(filter.trim()));
  for (const pipe of pipes) rows = applyPipe(pipe.trim(), rows);
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** At `|` outside of quotes. */
function splitPipes(query: string): string[] {
  return query.match(/(?:"(?:[^"\\]|\\.)*"|[^"|])+/g) ?? [];
}

type Test = (row: Fields) => boolean;

/** A word or phrase stands between bytes that belong to no word. */
function phrase(quoted: string, flags: string): Test {
  const text = quoted.startsWith('"') ? (JSON.parse(quoted) as string) : quoted;
  const escaped = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const before = /^\w/.test(text) ? "(?<!\\w)" : "";
  const after = /\w$/.test(text) ? "(?!\\w)" : "";
  const regex = new RegExp(before + escaped + after, flags);
  return ({ _msg = "" }) => regex.test(_msg);
}

const filters: readonly (readonly [form: RegExp, test: (parts: readonly string[]) => Test])[] = [
  [/^\*/, () => () => true],
  [
    /^_time:\[([^,]+), ([^\]]+)\]/,
    ([from = "", to = ""]) =>
      ({ _time = "" }) => {
        const ms = Date.parse(_time);
        return ms >= Date.parse(from) && ms <= Date.parse(to);
      },
  ],
  [
    /^\{(\w+)="([^"]*)"\}/,
    ([name = "", value = ""]) =>
      (row) =>
        row[name] === value,
  ],
  [/^i\(("(?:[^"\\]|\\.)*"|\w+)\)/, ([quoted = ""]) => phrase(quoted, "i")],
  [
    /^~("(?:[^"\\]|\\.)*")/,
    ([quoted = ""]) => {
      const regex = new RegExp(JSON.parse(quoted) as string);
      return ({ _msg = "" }) => regex.test(_msg);
    },
  ],
  [/^("(?:[^"\\]|\\.)*")/, ([quoted = ""]) => phrase(quoted, "")],
];

/** All filters, which stand one behind the other. */
function filterOf(text: string): Test {
  const tests: Test[] = [];
  for (let rest = text; rest !== ""; ) {
    const found = filters.find(([form]) => form.test(rest));
    assert(found !== undefined, `unexpected filter: ${rest}`);
    const [form, test] = found;
    const [whole = "", ...parts] = form.exec(rest) ?? [];
    tests.push(test(parts));
    rest = rest.slice(whole.length).trim();
  }
  return (row) => tests.every((test) => test(row));
}

function applyPipe(pipe: string, rows: readonly Fields[]): Fields[] {
  const sorted = /^sort by \(_time\) desc limit (\d+)$/.exec(pipe);
  if (sorted !== null) {
    const newest = rows.toSorted((a, b) => (a["_time"]! < b["_time"]! ? 1 : -1));
    return newest.slice(0, Number(sorted[1]));
  }
  const stats = /^(?:stats by \((\w+), _time:(\d+)s\) )?(\w+\(.*\))$/.exec(pipe);
  if (stats !== null) {
    const [, by, seconds, call = ""] = stats;
    return by === undefined ? [group(rows, call)] : grouped(rows, { by, seconds, call });
  }
  if (pipe === "unpack_json") {
    return rows.map((row) => ({ ...row, ...unpackJson(row["_msg"] ?? "") }));
  }
  if (pipe === "unpack_logfmt") {
    return rows.map((row) => ({ ...row, ...unpackLogfmt(row["_msg"] ?? "") }));
  }
  if (pipe === "filter status:>=500") return rows.filter((row) => Number(row["status"]) >= 500);
  if (pipe === "len(_msg) as n") {
    return rows.map((row) => ({ ...row, n: String(Buffer.byteLength(row["_msg"] ?? "")) }));
  }
  throw new Error(`unexpected pipe: ${pipe}`);
}

function unpackLogfmt(text: string): Fields {
  const pairs = text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S*)/g);
  return Object.fromEntries([...pairs].map(([, name, value]) => [name!, value!]));
}

function grouped(
  rows: readonly Fields[],
  { by, seconds, call }: { by: string; seconds: string | undefined; call: string },
): Fields[] {
  const stepMs = Number(seconds) * 1000;
  const groups = Map.groupBy(rows, (row) => {
    const ms = Math.floor(Date.parse(row["_time"]!) / stepMs) * stepMs;
    return JSON.stringify({ [by]: row[by] ?? "", _time: new Date(ms).toISOString() });
  });
  return [...groups].map(([key, members]) => {
    return { ...(JSON.parse(key) as Fields), ...group(members, call) };
  });
}

function group(rows: readonly Fields[], call: string): Fields {
  if (call === "count()") return { "count(*)": String(rows.length) };
  if (call === "sum(n)") {
    return { [call]: String(rows.reduce((sum, { n }) => sum + Number(n), 0)) };
  }
  assert.equal(call, "quantile(0.99, dur)");
  const values = rows.map(({ dur = "" }) => dur).sort();
  return { [call]: values[Math.floor(values.length * 0.99)] ?? "" };
}
