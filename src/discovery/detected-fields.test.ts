import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "#config";
import { Labels } from "#model";
import type { QueryEngine, QueryRequest, QueryResult, StreamResult } from "#query";
import { detectFields, detectFieldValues, type SampleRequest } from "./detected-fields.ts";

/** An entry as the engine returns it, from new to old. */
interface Found {
  readonly stream?: Record<string, string>;
  readonly line: string;
  readonly metadata?: Record<string, string>;
  readonly parsed?: Record<string, string>;
}

function engineOf(entries: readonly Found[], asked: QueryRequest[] = []): QueryEngine {
  const streams = entries.map(({ stream = { app: "a" }, line, ...more }, position) => {
    const result: StreamResult = {
      labels: [],
      streamLabels: Labels.from(stream).pairs,
      structuredMetadata: Labels.from(more.metadata ?? {}).pairs,
      parsed: Labels.from(more.parsed ?? {}).pairs,
      entries: [{ timeNs: 1_000n - BigInt(position), line, position }],
    };
    return result;
  });
  return {
    run: async (request) => {
      asked.push(request);
      return { data: { kind: "streams", streams }, warnings: [] } as unknown as QueryResult;
    },
  };
}

const sample: SampleRequest = {
  tenants: ["t"],
  text: '{app="a"}',
  fromNs: 0n,
  toNs: 1_000n,
  stepNs: undefined,
  limits: defaultLimits,
  signal: new AbortController().signal,
  lineLimit: 10,
};

/** `name type×cardinality parsers path`, as short as a table needs it. */
async function detect(entries: readonly Found[], fieldLimit = 100): Promise<string[]> {
  const fields = await detectFields(engineOf(entries), { ...sample, fieldLimit });
  return fields.map(({ label, type, cardinality, parsers, jsonPath }) => {
    const path = jsonPath === undefined ? "" : ` ${jsonPath.join("/")}`;
    return `${label} ${type}×${cardinality} ${parsers.join("+") || "-"}${path}`;
  });
}

const cases: readonly {
  readonly claim: string;
  readonly entries: readonly Found[];
  readonly want: readonly string[];
}[] = [
  {
    claim: "a JSON line has its leaves, named and placed as the parser does",
    entries: [{ line: '{"a":1,"b":{"c.d":"x","e":{"f":true}},"g":[1],"h":null}' }],
    want: ["a int×1 json a", "b_c_d string×1 json b/c.d", "b_e_f boolean×1 json b/e/f"],
  },
  {
    claim: "what is no JSON is logfmt",
    entries: [{ line: 'took=3s msg="hi there" empty= alone' }, { line: "took=4s" }],
    want: ["msg string×1 logfmt", "took duration×2 logfmt"],
  },
  {
    claim: "parsers add up over lines, and the oldest value decides the type",
    entries: [{ line: '{"n":"many"}' }, { line: "n=5" }],
    want: ["n int×2 json+logfmt n"],
  },
  {
    claim: "structured metadata has no parser until a line has the same field",
    entries: [
      { line: "x=1", metadata: { trace: "t1" } },
      { line: "trace=t2", metadata: { user: "u" } },
    ],
    want: ["trace string×2 logfmt", "x int×1 logfmt", "user string×1 -"],
  },
  {
    claim: "a field called like a stream label is told apart",
    entries: [{ stream: { app: "a" }, line: '{"app":"b"}' }],
    want: ["app_extracted string×1 json app"],
  },
  {
    claim: "what the query parsed comes first, and its errors are no fields",
    entries: [
      { line: "odd", parsed: { host: "h1", __error__: "JSONParserErr", __error_details__: "no" } },
    ],
    want: ["host string×1 logfmt"],
  },
  { claim: "lines without fields have none", entries: [{ line: "just words" }], want: [] },
  { claim: "nothing found, nothing detected", entries: [], want: [] },
];

for (const { claim, entries, want } of cases) {
  test(claim, async () => assert.deepEqual(await detect(entries), want));
}

test("no more fields than asked for", async () => {
  const entries = [{ line: "a=1 b=2 c=3" }, { line: "b=4 d=5" }];
  assert.deepEqual(await detect(entries, 2), ["a int×1 logfmt", "b int×2 logfmt"]);
});

test("values of one field, of metadata and lines alike, up to the limit", async () => {
  const entries = [
    { line: "level=info", metadata: { level: "INFO" } },
    { line: '{"level":"warn"}' },
    { line: "level=info" },
  ];
  const values = (valueLimit: number, name = "level"): Promise<string[]> =>
    detectFieldValues(engineOf(entries), { ...sample, name, valueLimit });
  assert.deepEqual(await values(10), ["INFO", "info", "warn"]);
  assert.deepEqual(await values(2), ["INFO", "info"]);
  assert.deepEqual(await values(10, "nosuch"), []);
});

test("asks for the newest lines, with categories kept apart", async () => {
  const asked: QueryRequest[] = [];
  await detectFields(engineOf([], asked), { ...sample, fieldLimit: 1 });
  const { direction, limit, kind, categorizeLabels } = asked[0]!;
  assert.deepEqual(
    { direction, limit, kind, categorizeLabels },
    { direction: "backward", limit: 10, kind: "range", categorizeLabels: true },
  );
});

test("metric queries have no lines to look at", async () => {
  const text = 'rate({app="a"}[5m])';
  await assert.rejects(
    detectFields(engineOf([]), { ...sample, text, fieldLimit: 1 }),
    /only log selector is supported/,
  );
});
