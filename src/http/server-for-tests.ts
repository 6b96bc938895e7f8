/** The whole HTTP side in one process over an empty head, for the tests of this room. */
import { MiB } from "#base";
import { defaultLimits, type Limits } from "#config";
import { Distributor, Head, HeadBlocks, HeadStore } from "#ingest";
import { createEntryQueries, createExplainer, createIndexQueries, createQueryEngine } from "#query";
import { createLogger, createMetrics, type Logger } from "#telemetry";
import { ManualClock } from "#world";
import type { HttpPorts, PushPort } from "./ports.ts";
import { allRoutes } from "./routes.ts";
import { type RouteFamily, startHttpServer } from "./server.ts";

/** 2026-01-10T02:00:00Z. */
export const testNowNs = 1_768_010_400_000_000_000n;
/** 2026-01-10T00:00:00Z: where the entries of tests are. */
export const testStartSeconds = 1_768_003_200;

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly clock: ManualClock;
  readonly log: Logger;
  readonly head: Head;
  /** What was logged, a line each. */
  readonly logged: readonly string[];
  /** Tenants that were flushed; `*` for all. */
  readonly flushed: readonly string[];
  /** May be changed while running. */
  readonly state: { notReady: string | undefined; isStopping: boolean };
  /** Stores lines a second apart, the first at `testStartSeconds`. */
  push(stream: Readonly<Record<string, string>>, lines: readonly TestLine[]): Promise<void>;
  /** Asks as tenant `t` unless headers say otherwise. */
  get(path: string, init?: RequestInit): Promise<TestAnswer>;
}

export type TestLine = string | readonly [line: string, metadata: Readonly<Record<string, string>>];

export interface TestAnswer {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly text: string;
  /** The text as JSON, without `data.stats` and `stats`. */
  json(): unknown;
}

export interface TestOptions {
  readonly limits?: Partial<Limits>;
  readonly ports?: Partial<HttpPorts>;
  readonly bodyBytesMax?: number;
  readonly writeTimeoutMs?: number;
  readonly pathPrefix?: string;
  readonly readTimeoutMs?: number;
  readonly gracefulShutdownTimeoutMs?: number;
  readonly routes?: readonly RouteFamily[];
  readonly allowedOrigins?: readonly string[];
  readonly connectionsMax?: number;
  readonly headersTimeoutMs?: number;
}

export async function startTestServer(options: TestOptions = {}): Promise<TestServer> {
  const clock = new ManualClock({ nowNs: testNowNs });
  const limits = { ...defaultLimits, discoverServiceName: [], discoverLogLevels: false };
  const byTenant = { for: () => ({ ...limits, ...options.limits }) };
  const head = new Head({ clock });
  const store = new HeadStore({ head, blocks: new HeadBlocks({ hashSeed: 1 }) });
  const logged: string[] = [];
  const flushed: string[] = [];
  const state: TestServer["state"] = { notReady: undefined, isStopping: false };
  const log = createLogger({
    level: "info",
    format: "logfmt",
    write: (line) => {
      logged.push(line);
    },
  });
  const ports: HttpPorts = {
    clock,
    log,
    metrics: createMetrics({ process: false }),
    limits: byTenant,
    authEnabled: true,
    multiTenantQueriesEnabled: true,
    tailMaxDurationMs: 3_600_000,
    build: { version: "1.2.3", revision: "abc", branch: "main", buildDate: "2026-01-01" },
    engine: createQueryEngine({ store, clock }),
    index: createIndexQueries({ store, clock }),
    entries: createEntryQueries({ store, clock }),
    explainer: createExplainer({ store, clock }),
    push: pushInto(head, { clock, limits: byTenant }),
    tails: head,
    admin: {
      notReady: () => state.notReady,
      isStopping: () => state.isStopping,
      flush: async (tenant = "*") => {
        flushed.push(tenant);
      },
      services: () => [{ name: "ingester", state: "Running" }],
      configYaml: (mode) => `mode: ${mode}\n`,
      runtimeConfigYaml: (mode) => `mode: ${mode}\n`,
    },
    ...options.ports,
  };
  const { limits: _limits, ports: _ports, ...rest } = options;
  const server = await startHttpServer({
    address: "127.0.0.1",
    port: 0,
    bodyBytesMax: MiB,
    readTimeoutMs: 30_000,
    idleTimeoutMs: 5_000,
    ports,
    routes: allRoutes,
    ...rest,
  });
  const get = (path: string, init: RequestInit = {}): Promise<TestAnswer> =>
    ask(server.url + path, init);
  return {
    url: server.url,
    clock,
    log,
    head,
    logged,
    flushed,
    state,
    get,
    push: (stream, lines) => pushLines(get, stream, lines),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function pushInto(head: Head, world: Pick<HttpPorts, "clock" | "limits">): PushPort {
  const distributor = new Distributor({
    ...world,
    active: head,
    observer: { received: () => {}, discarded: () => {} },
    body: { compressedBytesMax: MiB, rawBytesMax: MiB },
  });
  let sequence = 0;
  return {
    push: async (request) => {
      const { reply, accepted } = distributor.push(request);
      if (accepted !== undefined) {
        sequence++;
        head.apply({ tenant: request.tenant, batch: accepted.batch, sequence });
      }
      const { status, body, contentType } = reply;
      return { status, body, ...(contentType === undefined ? {} : { contentType }) };
    },
  };
}

async function pushLines(
  get: TestServer["get"],
  stream: Readonly<Record<string, string>>,
  lines: readonly TestLine[],
): Promise<void> {
  const values = lines.map((line, i) => {
    const rest = typeof line === "string" ? [line] : line;
    return [`${testStartSeconds + i}000000000`, ...rest];
  });
  const answer = await get("/loki/api/v1/push", {
    method: "POST",
    headers: { "content-type": "application/json", "x-scope-orgid": "t" },
    body: JSON.stringify({ streams: [{ stream, values }] }),
  });
  if (answer.status !== 204) throw new Error(`push: ${answer.status} ${answer.text}`);
}

async function ask(url: string, init: RequestInit): Promise<TestAnswer> {
  const headers = new Headers(init.headers);
  if (!headers.has("x-scope-orgid")) headers.set("x-scope-orgid", "t");
  if (headers.get("x-scope-orgid") === "none") headers.delete("x-scope-orgid");
  const response = await fetch(url, { redirect: "manual", ...init, headers });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    headers: response.headers,
    text,
    json: () => withoutStats(JSON.parse(text)),
  };
}

function withoutStats(answer: unknown): unknown {
  const { stats: _, ...rest } = answer as { stats?: unknown; data?: unknown };
  if (typeof rest.data !== "object" || rest.data === null || Array.isArray(rest.data)) return rest;
  const { stats: __, ...data } = rest.data as { stats?: unknown };
  return { ...rest, data };
}
