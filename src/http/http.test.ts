import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { startTestServer, type TestServer, testStartSeconds } from "./server-for-tests.ts";

let server: TestServer;
const start = `${testStartSeconds}000000000`;
const range = `start=${start}&end=${testStartSeconds + 100}000000000`;
const tick = encodeURIComponent('{job="tick"}');

before(async () => {
  server = await startTestServer();
  await server.push({ job: "tick", every: "1s" }, ["n=0", "n=1", "n=2"]);
  await server.push({ job: "meta" }, [
    ["k=v", { trace: "x" }],
    ["k=w", {}],
  ]);
});
after(() => server[Symbol.asyncDispose]());

const streams = (...values: [string, string][]): unknown => ({
  status: "success",
  data: {
    resultType: "streams",
    result: values.length === 0 ? [] : [{ stream: { every: "1s", job: "tick" }, values }],
  },
});
const entry = (n: number): [string, string] => [`${testStartSeconds + n}000000000`, `n=${n}`];

interface Case {
  readonly path: string;
  readonly init?: RequestInit;
  readonly status?: number;
  readonly text?: string | RegExp;
  readonly json?: unknown;
  readonly type?: string;
}

function check(cases: Readonly<Record<string, Case>>): void {
  for (const [claim, { path, init, status = 200, text, json, type }] of Object.entries(cases)) {
    test(claim, async () => {
      const answer = await server.get(path, init);
      assert.equal(answer.status, status, answer.text);
      if (type !== undefined) assert.equal(answer.type, type);
      if (text instanceof RegExp) assert.match(answer.text, text);
      else if (text !== undefined) assert.equal(answer.text, text === "" ? "" : `${text}\n`);
      if (json !== undefined) assert.deepEqual(answer.json(), json);
    });
  }
}

const form = (body: string, type = "application/x-www-form-urlencoded"): RequestInit => ({
  method: "POST",
  headers: { "content-type": type },
  body,
});
const as = (tenant: string, headers: Record<string, string> = {}): RequestInit => ({
  headers: { "x-scope-orgid": tenant, ...headers },
});
const q = "/loki/api/v1/query_range";
const ask = `${q}?query=${tick}&${range}`;

check({
  "a range query answers newest first": {
    path: ask,
    json: streams(entry(2), entry(1), entry(0)),
    type: "application/json; charset=UTF-8",
  },
  "limit and direction": { path: `${ask}&limit=1&direction=FORWARD`, json: streams(entry(0)) },
  "to scan is to read backward": {
    path: `${ask}&limit=2&direction=scan`,
    json: streams(entry(2), entry(1)),
  },
  "the first of several values counts": {
    path: `${ask}&limit=1&limit=3`,
    json: streams(entry(2)),
  },
  "a form may carry the query": {
    path: q,
    init: form(`query=${tick}&${range}&limit=1`),
    json: streams(entry(2)),
  },
  "the form comes before the URL": {
    path: `${q}?limit=1`,
    init: form(`query=${tick}&${range}&limit=2`, "application/x-www-form-urlencoded; charset=x"),
    json: streams(entry(2), entry(1)),
  },
  "a body that is no form is not looked at": {
    path: q,
    init: form('{"query":"{}"}', "application/json"),
    status: 400,
    text: "parse error : syntax error: unexpected $end",
  },
  "an instant query of logs is refused": {
    path: `/loki/api/v1/query?query=${tick}`,
    status: 400,
    text: /^log queries are not supported as an instant query type/,
  },
  "an instant query of numbers": {
    path: "/loki/api/v1/query?query=vector(1)%2Bvector(1)&time=4000000000",
    json: {
      status: "success",
      data: { resultType: "vector", result: [{ metric: {}, value: [4_000_000_000, "2"] }] },
    },
  },
  "milliseconds have up to three decimals": {
    path: "/loki/api/v1/query?query=vector(1)&time=1768003200.12",
    text: /"value":\[1768003200\.1[12][0-9]?,"1"\]/,
  },
  "a bad limit": { path: `${ask}&limit=abc`, status: 400, text: /^strconv\.Atoi: parsing "abc"/ },
  "no limit at all": {
    path: `${ask}&limit=0`,
    status: 400,
    text: "limit must be a positive value",
  },
  "a limit beyond 64 bits": {
    path: `${ask}&limit=99999999999999999999`,
    status: 400,
    text: 'strconv.Atoi: parsing "99999999999999999999": value out of range',
  },
  "a bad direction": { path: `${ask}&direction=up`, status: 400, text: "invalid direction 'up'" },
  "a bad step": {
    path: `${ask}&step=abc`,
    status: 400,
    text: 'cannot parse "abc" to a valid duration',
  },
  "a step beyond int64": {
    path: `${ask}&step=1e30`,
    status: 400,
    text: 'cannot parse "1e30" to a valid duration. It overflows int64',
  },
  "a negative interval": { path: `${ask}&interval=-1`, status: 400, text: "interval must be >= 0" },
  "a bad escape": { path: `${q}?query=%zz`, status: 400, text: 'invalid URL escape "%zz"' },
  "a semicolon between parameters": {
    path: `${q}?query=a;b=c`,
    status: 400,
    text: "invalid semicolon separator in query",
  },
  "escapes that are not UTF-8 do no harm": {
    path: `${q}?query=%ff%e9`,
    status: 400,
    text: /^parse/,
  },
  "empty parameters are none": {
    path: `${ask}&limit=&&step=`,
    json: streams(entry(2), entry(1), entry(0)),
  },
  "a path is matched whole": { path: `${q}/`, status: 404, text: "404 page not found" },
  "paths have a case": { path: "/LOKI/api/v1/query", status: 404, text: "404 page not found" },
  "other methods": { path: ask, init: { method: "PUT" }, status: 405 },
  "a broken escape in the path": { path: "/loki/%zz", status: 400, text: "400 Bad Request" },
  "a doubled slash leads to the clean path": {
    path: "/loki//api/v1/labels?a=b",
    status: 301,
    text: "",
  },
});

check({
  "no tenant": { path: ask, init: as("none"), status: 401, text: "no org id" },
  "a tenant with a bad character": {
    path: ask,
    init: as("a,b"),
    status: 400,
    text: "tenant ID 'a,b' contains unsupported character ','",
  },
  "a tenant that is a folder": {
    path: ask,
    init: as(".."),
    status: 400,
    text: "tenant ID is '.' or '..'",
  },
  "what follows a colon is not the name": { path: ask, init: as("t:source=x"), text: /"n=0"/ },
  "several tenants are told apart": {
    path: `${ask}&limit=1`,
    init: as("t|u"),
    text: /"stream":\{"__tenant_id__":"t","every":"1s","job":"tick"\}/,
  },
  "an empty name among several": { path: ask, init: as("|t"), text: /__tenant_id__/ },
  "one tenant twice is one": { path: `${ask}&limit=1`, init: as("t|t"), json: streams(entry(2)) },
  "a push by several": {
    path: "/loki/api/v1/push",
    init: { method: "POST", body: "{}", ...as("a|b", { "content-type": "application/json" }) },
    status: 400,
    text: "multiple org IDs present",
  },
});

const flags = (names: string): RequestInit => as("t", { "x-loki-response-encoding-flags": names });
const meta = `${q}?query=${encodeURIComponent('{job="meta"} | logfmt')}&${range}`;

check({
  "metadata and parsed labels are labels": {
    path: meta,
    text: /\{"job":"meta","k":"v","trace":"x"\}/,
  },
  "labels by category": {
    path: meta,
    init: flags("categorize-labels"),
    json: {
      status: "success",
      data: {
        resultType: "streams",
        encodingFlags: ["categorize-labels"],
        result: [
          {
            stream: { job: "meta" },
            values: [
              [`${testStartSeconds + 1}000000000`, "k=w", { parsed: { k: "w" } }],
              [start, "k=v", { structuredMetadata: { trace: "x" }, parsed: { k: "v" } }],
            ],
          },
        ],
      },
    },
  },
  "flags that nobody knows are named again": {
    path: meta,
    init: flags("other"),
    text: /"encodingFlags":\["other"\]/,
  },
});

const index = "/loki/api/v1/index";
check({
  "label names": {
    path: `/loki/api/v1/labels?${range}`,
    json: { status: "success", data: ["every", "job"] },
  },
  "label names at any time": {
    path: "/loki/api/v1/label",
    json: { status: "success", data: ["every", "job"] },
  },
  "label names of a selector": {
    path: `/loki/api/v1/labels?query=${encodeURIComponent('{job="meta"}')}&${range}`,
    json: { status: "success", data: ["job"] },
  },
  "no label names": { path: "/loki/api/v1/labels", init: as("u"), json: { status: "success" } },
  "label values": {
    path: `/loki/api/v1/label/job/values?${range}`,
    json: { status: "success", data: ["meta", "tick"] },
  },
  "a label with a slash in its name": {
    path: `/loki/api/v1/label/a%2F..%2Fb/values?${range}`,
    json: { status: "success" },
  },
  "label values by their first route": {
    path: `/api/prom/label/job/values?${range}`,
    json: { values: ["meta", "tick"] },
  },
  "labels of a pipeline": {
    path: `/loki/api/v1/labels?query=${encodeURIComponent('{job="meta"} |= "x"')}`,
    status: 400,
    text: "only label matchers are supported",
  },
  "series of a selector": {
    path: `/loki/api/v1/series?match[]=${tick}&${range}`,
    json: { status: "success", data: [{ every: "1s", job: "tick" }] },
  },
  "series of all selectors together": {
    path: `/loki/api/v1/series?match[]=${tick}&match=%7Bjob%3D%22meta%22%7D&match=%7B%7D&${range}`,
    json: { status: "success", data: [{ every: "1s", job: "tick" }, { job: "meta" }] },
  },
  "no series": {
    path: `/loki/api/v1/series?match[]=${tick}&${range}`,
    init: as("u"),
    json: { status: "success", data: [] },
  },
  "index stats": {
    path: `${index}/stats?query=${tick}&${range}`,
    text: /^\{"streams":1,"chunks":\d+,"entries":3,"bytes":9\}$/,
  },
  "volume by series": {
    path: `${index}/volume?query=${tick}&${range}`,
    json: {
      status: "success",
      data: {
        resultType: "vector",
        result: [{ metric: { job: "tick" }, value: [testStartSeconds + 100, "9"] }],
      },
    },
  },
  "volume of everything": { path: `${index}/volume?query={}&${range}`, text: /"tick"/ },
  "volume by labels": {
    path: `${index}/volume?query=${tick}&${range}&aggregateBy=labels&targetLabels=every`,
    text: /"metric":\{"every":""\}/,
  },
  "volume of an unknown kind": {
    path: `${index}/volume?query=${tick}&aggregateBy=bad`,
    status: 400,
    text: "invalid aggregation option",
  },
  "volume by steps": {
    path: `${index}/volume_range?query=${tick}&${range}&step=1h`,
    text: /"resultType":"matrix","result":\[\{"metric":\{"job":"tick"\},"values":\[\[/,
  },
  "no volume by steps is a vector": {
    path: `${index}/volume_range?query=%7Bjob%3D%22x%22%7D&${range}`,
    json: { status: "success", data: { resultType: "vector", result: [] } },
  },
  "the first query route": {
    path: `/api/prom/query?query=${tick}&${range}&regexp=n%3D1`,
    json: {
      streams: [
        {
          labels: '{every="1s", job="tick"}',
          entries: [{ ts: "2026-01-10T00:00:01Z", line: "n=1" }],
        },
      ],
    },
  },
  "the first query route has no metrics": {
    path: `/api/prom/query?query=rate(${tick}[1m])&${range}`,
    status: 400,
    text: "rpc error: code = Code(400) desc = legacy endpoints only support streams result type",
  },
  "a query as text for people": {
    path: "/loki/api/v1/format_query?query=%7B%20a%20%3D%20%22b%22%20%7D",
    init: as("none"),
    json: { status: "success", data: '{a="b"}' },
    type: "application/json; charset=utf-8",
  },
  "what is not a query": {
    path: "/loki/api/v1/format_query",
    status: 400,
    json: { status: "invalid-query", error: "parse error : syntax error: unexpected $end" },
  },
});

check({
  ready: { path: "/ready", text: "ready" },
  "ready is for GET": { path: "/ready", init: { method: "POST" }, status: 405 },
  "build info": {
    path: "/loki/api/v1/status/buildinfo",
    init: as("none"),
    text: /^\{"version":"1\.2\.3"/,
  },
  services: { path: "/services", text: "ingester => Running" },
  "the configuration that differs": { path: "/config?mode=diff", text: "mode: diff" },
  "runtime configuration": { path: "/runtime_config", text: "mode: full" },
  "a ring for people": {
    path: "/ring",
    text: /<td>ACTIVE<\/td>/,
    type: "text/html; charset=utf-8",
  },
  "a ring for programs": {
    path: "/distributor/ring",
    init: as("none", { accept: "application/json" }),
    text: /"state":"ACTIVE"/,
  },
  "there is no memberlist": { path: "/memberlist", status: 404 },
  flush: { path: "/flush", init: { method: "POST" }, status: 204 },
  "flush of a tenant": { path: "/flush/tenant", init: { method: "POST" }, status: 204 },
  "the log level": { path: "/log_level", json: { message: "Current log level is info" } },
  "an unknown log level": {
    path: "/log_level",
    init: { method: "POST" },
    status: 400,
    json: { status: "failed", message: 'unrecognized log level ""' },
  },
});

test("the log level can be set, and then requests are logged with their tags", async () => {
  await server.get("/log_level?log_level=debug", { method: "POST" });
  await server.get(ask, as("t", { "x-query-tags": "Source=x y" }));
  await server.get("/log_level?log_level=info", { method: "POST" });
  const line = server.logged.find((text) => text.includes("queryTags"));
  assert.match(line ?? "", /path=\S*query_range\S* status=200 .*tenant=t queryTags="?Source=/);
});

test("requests are counted by route, method and status", async () => {
  await server.get("/loki/api/v1/label/job/values");
  const { text } = await server.get("/metrics");
  const labels = 'method="GET",route="loki_api_v1_label_name_values",status_code="200",ws="false"';
  assert.ok(text.includes(`loki_request_duration_seconds_count{${labels}} `), text);
  assert.match(text, /loki_build_info\{version="1\.2\.3",revision="abc",branch="main"\} 1/);
});

test("errors say that they are plain text", async () => {
  const answer = await server.get(`${ask}&limit=x`);
  assert.equal(answer.type, "text/plain; charset=utf-8");
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
});

test("until it is ready it takes and tells nothing; while stopping it still answers", async () => {
  server.state.notReady = "journal is being replayed";
  try {
    for (const path of [ask, "/loki/api/v1/labels", "/ready"]) {
      const answer = await server.get(path);
      assert.deepEqual([answer.status, answer.text], [503, "journal is being replayed\n"]);
      assert.notEqual(answer.headers.get("retry-after"), null);
    }
    assert.equal((await server.get("/metrics")).status, 200);
    server.state.isStopping = true;
    assert.equal((await server.get(ask)).status, 200);
    const push = await server.get("/loki/api/v1/push", { method: "POST", body: "x" });
    assert.equal(push.status, 503);
  } finally {
    server.state.notReady = undefined;
    server.state.isStopping = false;
  }
});

test("long answers are compressed for who can read it, short ones never", async () => {
  await server.push(
    { job: "long" },
    Array.from({ length: 60 }, (_, i) => `line ${i} of sixty, ${"and more ".repeat(20)}`),
  );
  const path = `${q}?query=%7Bjob%3D%22long%22%7D&${range}&limit=60`;
  const plain = await raw(path, {});
  assert.equal(plain.encoding, undefined);
  const zipped = await raw(path, { "accept-encoding": "gzip, deflate" });
  assert.equal(zipped.encoding, "gzip");
  assert.equal(
    gunzipSync(zipped.body)
      .toString()
      .replace(/"stats".*/, ""),
    plain.body.toString().replace(/"stats".*/, ""),
  );
  assert.equal((await raw(path, { "accept-encoding": "gzip;q=0" })).encoding, undefined);
  assert.equal((await raw("/ready", { "accept-encoding": "gzip" })).encoding, undefined);
});

test("answers beyond a MiB come in pieces and whole", async () => {
  const lines = Array.from({ length: 9 }, (_, i) => `${i}`.repeat(200_000));
  for (const line of lines) await server.push({ job: "huge", n: line.slice(0, 1) }, [line]);
  const path = `${q}?query=%7Bjob%3D%22huge%22%7D&${range}`;
  for (const encoding of ["identity", "gzip"]) {
    const answer = await server.get(path, as("t", { "accept-encoding": encoding }));
    const { data } = answer.json() as { data: { result: { values: [string, string][] }[] } };
    const found = data.result.flatMap(({ values }) => values.map(([, line]) => line));
    assert.deepEqual(found.sort(), lines);
  }
});

test("a push larger than allowed, a form larger than allowed", async () => {
  const push = await server.get("/loki/api/v1/push", {
    method: "POST",
    body: "x".repeat(2 ** 20 + 1),
  });
  assert.deepEqual(
    [push.status, push.text],
    [413, "received message larger than max (1048577 vs 1048576)\n"],
  );
  const large = await server.get(q, form("x".repeat(10 * 2 ** 20 + 1)));
  assert.equal(large.status, 413);
});

test("a flood of headers is refused", async () => {
  const answer = await raw("/ready", { "x-flood": "x".repeat(1_100_000) });
  assert.equal(answer.status, 431);
});

test("headers tighten limits, and nonsense in them is refused", async () => {
  const limited = (limits: string): Promise<{ status: number; text: string }> =>
    server.get(ask, as("t", { "x-loki-query-limits": limits }));
  const refused = await limited('{"maxEntriesLimitPerQuery":10,"requiredLabels":["env"]}');
  assert.equal(refused.status, 400);
  assert.match(refused.text, /missing required matchers \[env\]/);
  assert.match((await limited('{"maxQueryLength":"1s"}')).text, /exceeds the limit/);
  assert.equal((await limited('{"maxQueryLength":"100d","maxQueryBytesRead":"1GB"}')).status, 200);
  for (const bad of ["x", "[]", '{"maxQueryLength":1}', '{"maxQueryTime":"x"}']) {
    assert.match((await limited(bad)).text, /^invalid header X-Loki-Query-Limits/, bad);
  }
});

interface RawAnswer {
  readonly status: number | undefined;
  readonly encoding: string | undefined;
  readonly body: Buffer;
}

async function raw(path: string, headers: Record<string, string>): Promise<RawAnswer> {
  const sent = request(server.url + path, { headers: { "x-scope-orgid": "t", ...headers } });
  sent.end();
  const [answer] = await once(sent, "response");
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part);
  return {
    status: answer.statusCode,
    encoding: answer.headers["content-encoding"],
    body: Buffer.concat(parts),
  };
}
