import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startTestServer, testStartSeconds } from "./server-for-tests.ts";

const server = await startTestServer();
after(() => server[Symbol.asyncDispose]());
await server.push({ app: "shop", pod: "17", build: "4" }, [
  'level=info took=3s msg="all fine"',
  ['{"level":"warn","user":{"id":7}}', { trace: "t1" }],
]);

const range = `start=${testStartSeconds}&end=${testStartSeconds + 60}`;
const query = `query=${encodeURIComponent('{app="shop"}')}&${range}`;

const answers: readonly (readonly [claim: string, path: string, answer: unknown])[] = [
  [
    "labels of numbers alone are left out, but for those always shown",
    `detected_labels?${range}`,
    {
      detectedLabels: [
        { label: "app", cardinality: 1 },
        { label: "pod", cardinality: 1 },
      ],
    },
  ],
  ["no streams, no labels", "detected_labels", {}],
  [
    "fields come with type, count, parsers and path",
    `detected_fields?${query}`,
    {
      fields: [
        { label: "trace", type: "string", cardinality: 1, parsers: null },
        {
          label: "level",
          type: "string",
          cardinality: 2,
          parsers: ["json", "logfmt"],
          jsonPath: ["level"],
        },
        {
          label: "user_id",
          type: "int",
          cardinality: 1,
          parsers: ["json"],
          jsonPath: ["user", "id"],
        },
        { label: "msg", type: "string", cardinality: 1, parsers: ["logfmt"] },
        { label: "took", type: "duration", cardinality: 1, parsers: ["logfmt"] },
      ],
      limit: 1000,
    },
  ],
  [
    "line_limit takes the newest lines",
    `detected_field/level/values?${query}&line_limit=1`,
    { values: ["warn"], limit: 1000 },
  ],
  [
    "limit goes before what it was called first",
    `detected_field/level/values?${query}&limit=1&field_limit=9`,
    { values: ["warn"], limit: 1 },
  ],
  ["a field nobody has has no values", `detected_field/nosuch/values?${query}`, {}],
];

for (const [claim, path, answer] of answers) {
  test(claim, async () => {
    assert.deepEqual((await server.get(`/loki/api/v1/${path}`)).json(), answer);
  });
}

const refused: readonly (readonly [path: string, message: string])[] = [
  [`detected_fields?${query}&limit=0`, "limit must be a positive value"],
  [`detected_fields?${query}&line_limit=-1`, "limit must be a positive value"],
  [`detected_fields?${query}&field_limit=x`, 'strconv.Atoi: parsing "x": invalid syntax'],
  [
    `detected_labels?query=${encodeURIComponent('{app="shop"} | json')}`,
    "only label matchers are supported",
  ],
];

for (const [path, message] of refused) {
  test(`refuses ${decodeURIComponent(path)}`, async () => {
    const answer = await server.get(`/loki/api/v1/${path}`);
    assert.deepEqual([answer.status, answer.text], [400, `${message}\n`]);
  });
}

test("limits for Logs Drilldown are the tenant's, in Loki's notation", async () => {
  const answer = await server.get("/loki/api/v1/drilldown-limits");
  const { limits, version } = answer.json() as { limits: Record<string, unknown>; version: string };
  assert.equal(version, "1.2.3");
  assert.equal(limits["max_query_length"], "30d1h");
  assert.equal(limits["max_query_bytes_read"], "0B");
});
