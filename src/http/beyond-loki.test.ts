import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import { Labels } from "#model";
import type { AnswerEntry, EntryQueries } from "#query";
import { startTestServer, testStartSeconds } from "./server-for-tests.ts";

const lines = Array.from({ length: 30 }, (_, i) => `{"n":${i},"user":"u${i % 4}"}`);
const start = `${testStartSeconds}000000000`;
const end = `${testStartSeconds + 60}000000000`;

function path(name: string, parameters: Record<string, string>): string {
  return `${name}?${new URLSearchParams({ start, end, ...parameters }).toString()}`;
}

interface RangeAnswer {
  readonly data: {
    readonly result: readonly { readonly values: readonly (readonly [string, string])[] }[];
    readonly nextCursor?: string;
  };
}

test("query_range in pages: every line once, and no cursor unless asked for", async () => {
  await using server = await startTestServer();
  await server.push({ app: "a" }, lines);
  const query = '{app="a"}';
  const plain = await server.get(path("/loki/api/v1/query_range", { query, limit: "7" }));
  assert.equal(plain.text.includes("nextCursor"), false);
  const got: string[] = [];
  let cursor: string | undefined = "";
  while (cursor !== undefined) {
    const parameters = { query, limit: "7", direction: "forward", cursor };
    const answer = await server.get(path("/loki/api/v1/query_range", parameters));
    assert.equal(answer.status, 200, answer.text);
    const { data } = JSON.parse(answer.text) as RangeAnswer;
    got.push(...data.result.flatMap(({ values }) => values.map(([, line]) => line)));
    cursor = data.nextCursor;
  }
  assert.deepEqual(got, lines);
  const bad = await server.get(path("/loki/api/v1/query_range", { query, cursor: "x" }));
  assert.deepEqual([bad.status, bad.text], [400, "invalid cursor: it is damaged or cut off\n"]);
});

test("export gives a JSON object a line, or an ordinary error when nothing came yet", async () => {
  await using server = await startTestServer();
  await server.push({ app: "a" }, lines);
  const query = '{app="a"} | json | n < 3';
  for (const headers of [{}, { "accept-encoding": "gzip" }]) {
    const answer = await server.get(path("/skald/api/v1/export", { query }), { headers });
    assert.equal(answer.type, "application/x-ndjson");
    const rows = answer.text
      .trimEnd()
      .split("\n")
      .map((row) => JSON.parse(row) as object);
    assert.equal(rows.length, 3);
    const { stream, ...first } = rows[0] as { stream: Record<string, string> };
    assert.equal(stream["app"], "a");
    assert.deepEqual(first, {
      timestamp: start,
      structuredMetadata: (first as { structuredMetadata: object }).structuredMetadata,
      parsed: { n: "0", user: "u0" },
      line: lines[0],
    });
  }
  const refused = await server.get(path("/skald/api/v1/export", { query: "rate({" }));
  assert.equal(refused.status, 400);
  const nothing = await server.get(path("/skald/api/v1/export", { query: '{app="z"}' }));
  assert.deepEqual([nothing.status, nothing.text], [200, ""]);
});

const exported: AnswerEntry = {
  timeNs: 1n,
  line: "x",
  stream: { key: "", labels: Labels.empty, streamLabels: [], structuredMetadata: [], parsed: [] },
};

function failingEntries(error: Error): EntryQueries {
  return {
    export: async function* () {
      yield [exported];
      throw error;
    },
    context: () => Promise.reject(error),
  };
}

for (const [error, want] of [
  [new RequestError(400, "too much memory"), "too much memory"],
  [new TypeError("a secret"), "internal error"],
] as const) {
  test(`an export that fails midway ends with a line that says so: ${want}`, async () => {
    await using server = await startTestServer({ ports: { entries: failingEntries(error) } });
    const answer = await server.get(path("/skald/api/v1/export", { query: '{app="a"}' }));
    const rows = answer.text.trimEnd().split("\n");
    assert.equal(answer.status, 200);
    assert.equal(rows.length, 2);
    assert.deepEqual(JSON.parse(rows[1]!), { error: want });
  });
}

test("an export waits for its client, and ends when the client goes", async () => {
  let made = 0;
  const ended = Promise.withResolvers<void>();
  const entries: EntryQueries = {
    ...failingEntries(new Error("unused")),
    export: async function* () {
      try {
        for (;;) {
          made++;
          yield Array.from({ length: 1000 }, () => ({ ...exported, line: "x".repeat(1000) }));
        }
      } finally {
        ended.resolve();
      }
    },
  };
  await using server = await startTestServer({ ports: { entries } });
  const controller = new AbortController();
  const response = await fetch(server.url + path("/skald/api/v1/export", { query: '{a="b"}' }), {
    headers: { "x-scope-orgid": "t", "accept-encoding": "identity" },
    signal: controller.signal,
  });
  assert.equal(response.status, 200);
  await new Promise((done) => setTimeout(done, 200));
  assert.ok(made < 60, `${made} MB made for nobody`);
  controller.abort();
  await ended.promise;
});

test("context gives what lies around an entry", async () => {
  await using server = await startTestServer();
  await server.push({ app: "a" }, lines);
  const time = `${testStartSeconds + 10}000000000`;
  const around = { query: '{app="a"}', time, before: "2", after: "1" };
  const answer = await server.get(path("/skald/api/v1/context", around));
  const { data } = JSON.parse(answer.text) as {
    data: { before: { line: string }[]; entry: { line: string }; after: { line: string }[] };
  };
  assert.deepEqual(
    [...data.before, data.entry, ...data.after].map(({ line }) => line),
    lines.slice(8, 12),
  );
  for (const [change, status] of [
    [{ line: "other" }, 404],
    [{ time: "" }, 400],
    [{ before: "1001" }, 400],
    [{ scope: "all" }, 400],
    [{ stream: '{app="a"}' }, 200],
    [{ stream: '{app="b"}' }, 404],
  ] as const) {
    const other = await server.get(path("/skald/api/v1/context", { ...around, ...change }));
    assert.equal(other.status, status, JSON.stringify(change));
  }
});

test("explain says what would be read", async () => {
  await using server = await startTestServer();
  await server.push({ app: "a" }, lines);
  const query = 'sum(rate({app="a"} |= "needle" [1m]))';
  const answer = await server.get(path("/skald/api/v1/explain", { query, step: "10" }));
  const { data } = JSON.parse(answer.text) as { data: { kind: string; reads: object[] } };
  assert.equal(data.kind, "metric");
  assert.equal(data.reads.length, 1);
});

test("too many series are what the tenant says, unless the request says otherwise", async () => {
  const limits = { maxQuerySeries: 2, maxQuerySeriesAction: "error" } as const;
  await using server = await startTestServer({ limits });
  await server.push({ app: "a" }, lines);
  const ask = { query: 'count_over_time({app="a"} | json [1m])', time: end };
  const refused = await server.get(path("/loki/api/v1/query", ask));
  assert.equal(refused.status, 400);
  const cut = await server.get(path("/loki/api/v1/query", { ...ask, seriesLimit: "truncate" }));
  const { warnings, data } = JSON.parse(cut.text) as {
    warnings: string[];
    data: { result: unknown[] };
  };
  assert.equal(data.result.length, 2);
  assert.match(warnings[0]!, /^maximum number of series \(2\) reached/);
  await using lenient = await startTestServer({
    limits: { ...limits, maxQuerySeriesAction: "truncate" },
  });
  await lenient.push({ app: "a" }, lines);
  assert.equal((await lenient.get(path("/loki/api/v1/query", ask))).status, 200);
});
