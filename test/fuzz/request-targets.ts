/** What stands in requests beside bodies: parameters, headers, cursors, credentials. */
import assert from "node:assert/strict";
import { isStoreError } from "#base";
import { parseSecretHash, printSecretHash } from "#access";
import { quoteGo, validateTenantId } from "#model";
import { parseQuery } from "#logql";
import { isKey, parseS3Url } from "#objectstore";
import { readCursor, writeCursor } from "../../src/query/cursor.ts";
import { cleanPath } from "../../src/http/clean-path.ts";
import { parseQueryString } from "../../src/http/query-string.ts";
import { startTestServer, type TestServer } from "../../src/http/server-for-tests.ts";
import { parsePrometheusDuration, parseStep, parseTime } from "../../src/http/times.ts";
import { parseMediaType } from "../../src/ingest/push-content-type.ts";
import { fitsCertificate } from "../../src/access/peer-certificate.ts";
import { splitUserInfo } from "../../src/ruler/outgoing-http.ts";
import { isRefusal, mayThrow, texts } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";

let serving: Promise<TestServer> | undefined;

async function startServer(): Promise<TestServer> {
  const server = await startTestServer();
  await server.push({ app: "shop", pod: "p" }, ["level=info a=1", '{"a":2}', ["x", { k: "v" }]]);
  return server;
}

const routes = [
  "/loki/api/v1/query_range",
  "/loki/api/v1/query",
  "/loki/api/v1/labels",
  "/loki/api/v1/label/app/values",
  "/loki/api/v1/series",
  "/loki/api/v1/index/stats",
  "/loki/api/v1/index/volume",
  "/loki/api/v1/index/volume_range",
  "/loki/api/v1/detected_fields",
  "/loki/api/v1/detected_labels",
  "/loki/api/v1/patterns",
  "/loki/api/v1/format_query",
  "/skald/api/v1/context",
  "/skald/api/v1/export",
  "/skald/api/v1/explain",
  "/api/prom/query",
] as const;

/** What cannot stand in an address as it is goes escaped. */
function inAddress(text: string): string {
  return text.replace(/[^!$-;=?-Z_a-z~]/g, (char) =>
    [...Buffer.from(char, "latin1")].map((b) => `%${b.toString(16).padStart(2, "0")}`).join(""),
  );
}

/** The first byte says which route, the rest is its parameters. */
async function request(input: Buffer): Promise<void> {
  serving ??= startServer();
  const server = await serving;
  const route = routes[(input[0] ?? 0) % routes.length]!;
  const query = input.toString("latin1", 1, 4_000);
  const { status, text } = await server.get(`${route}?${inAddress(query)}`, {
    signal: AbortSignal.timeout(10_000),
  });
  assert.ok(status < 500, `${route}: ${status} ${text.slice(0, 500)}`);
}

const paths = ["query", "limit", "start", "end", "since", "step", "direction", "cursor"];
const time = "1768003200";
const selector = "%7Bapp%3D%22shop%22%7D";
const routeSeeds = routes.map((_, i) =>
  Buffer.concat([
    Buffer.from([i]),
    Buffer.from(`query=${selector}&start=${time}&end=1768003300&step=10&match[]=${selector}`),
  ]),
);

const expr = parseQuery('{a="b"}');
const paged = { expr, tenants: ["t"], direction: "forward" } as const;
const cursor = writeCursor(
  {
    range: { fromNs: -1n, toNs: 2n ** 62n },
    timeNs: 5n,
    tenant: "t",
    fingerprint: 7n,
    hash: 9n,
  },
  paged,
);

const header = `{"maxQueryLength":"1h","maxEntriesLimitPerQuery":5,"maxQueryBytesRead":"5MB","requiredLabels":["a"]}`;

function isDenied(error: unknown): boolean {
  return isStoreError(error, "denied");
}

/** Texts of headers and addresses; each reader refuses in its own way or answers. */
function readTexts(input: Buffer): void {
  const text = input.toString("latin1");
  mayThrow(isRefusal, () => parseQueryString(text));
  for (const read of [parseTime, parseStep, parsePrometheusDuration]) {
    const ns = mayThrow(isRefusal, () => read(text));
    assert.ok(ns === undefined || (ns < 2n ** 63n && ns >= -(2n ** 63n)), `${ns} ns`);
  }
  mayThrow(isRefusal, () => parseMediaType(text));
  mayThrow(isRefusal, () => validateTenantId(text));
  mayThrow(isDenied, () => parseS3Url(text));
  mayThrow(isRefusal, () => readCursor(text, paged));
  const secret = parseSecretHash(text);
  if (secret !== undefined) assert.ok(parseSecretHash(printSecretHash(secret)) !== undefined);
  const clean = cleanPath(text);
  assert.ok(clean === undefined || cleanPath(clean) === undefined, `${clean} is not clean`);
  isKey(text);
  quoteGo(text);
  splitUserInfo(text);
  const certificate = { commonName: text, alternativeNames: text, fingerprint: "00" };
  fitsCertificate(certificate, { dnsName: "a", uri: "b" });
}

let headersServer: Promise<TestServer> | undefined;

const headerNames = [
  "x-scope-orgid",
  "x-loki-query-limits",
  "x-loki-response-encoding-flags",
  "content-type",
  "authorization",
  "cache-control",
  "accept-encoding",
  "x-query-tags",
  "content-encoding",
  "origin",
  "if-none-match",
  "cookie",
] as const;

async function withHeader(input: Buffer): Promise<void> {
  headersServer ??= startServer();
  const server = await headersServer;
  const name = headerNames[(input[0] ?? 0) % headerNames.length]!;
  const value = input.toString("latin1", 1, 4_000).replace(/[^\t\x20-\x7e\x80-\xff]/g, "");
  const isPush = name.startsWith("content-");
  const { status, text } = await server.get(
    isPush ? "/loki/api/v1/push" : `/loki/api/v1/query_range?query=${selector}`,
    {
      headers: { [name]: value },
      ...(isPush ? { method: "POST", body: "{}" } : {}),
      signal: AbortSignal.timeout(10_000),
    },
  );
  assert.ok(status < 500, `${name}: ${status} ${text.slice(0, 500)}`);
}

const headerSeeds = headerNames.map((_, i) =>
  Buffer.concat([Buffer.from([i]), Buffer.from(i === 1 ? header : "a|b, application/json; q=1")]),
);

async function stop(server: Promise<TestServer> | undefined): Promise<void> {
  await (await server)?.[Symbol.asyncDispose]();
}

export const requestTargets: readonly FuzzTarget[] = [
  {
    name: "request-parameters",
    seeds: routeSeeds,
    words: [
      ...paths.map((path) => `&${path}=`),
      "count_over_time(",
      "[1m])",
      "%00",
      "%ff",
      "&match[]=",
      "1e999.",
      "-1",
      "9223372036854775807",
      "0x1p9999.",
      ";",
      "&targetLabels=",
      "&aggregateBy=labels",
      "&limit=5",
      "&cursor=",
      "&shards=0_of_2",
    ],
    run: request,
    close: async () => {
      await stop(serving);
      serving = undefined;
    },
  },
  {
    name: "request-headers",
    seeds: headerSeeds,
    words: ["|", ":", ",", ";", "q=0.", '"', "{", "gzip", "Basic ", "Bearer ", "..", "null"],
    run: withHeader,
    close: async () => {
      await stop(headersServer);
      headersServer = undefined;
    },
  },
  {
    name: "request-texts",
    seeds: texts(
      "a=1&b=%zz+%e4%b8",
      "1768003200.5",
      "1e999.",
      "2026-01-10T00:00:00Z",
      "1w2d3h",
      'application/json; charset=utf-8; a="b\\"c"',
      "s3://key:se%2Fcret@host:9000/bucket",
      "s3://eu-west-1/bucket?x",
      "inmemory:///b",
      cursor,
      `sha256:${"ab".repeat(32)}`,
      `scrypt:32768:8:1:${"A".repeat(22)}:${"B".repeat(43)}`,
      "/a/../b//c/./",
      'DNS:a.example, URI:"spiffe://b\\u0022"',
      "http://us%er:pass@host:9093/x",
      "v1/t/2026-01-10/x.seg",
    ),
    words: ["%", "%2F", "&", "=", "+", ";", "..", "//", "@", ":", "1e999.", "0x1p9999.", '"', "\\"],
    run: readTexts,
  },
];
