import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "#model";
import { detectLabels } from "./detected-labels.ts";

function detect(streams: readonly Record<string, string>[]): Record<string, number> {
  const found = detectLabels(streams.map((record) => Labels.from(record)));
  return Object.fromEntries(found.map(({ label, cardinality }) => [label, cardinality]));
}

const id = "0f8fad5b-d9cb-469f-a165-70867728950e";

const cases: readonly {
  readonly claim: string;
  readonly streams: readonly Record<string, string>[];
  readonly want: Record<string, number>;
}[] = [
  { claim: "no streams have no labels", streams: [], want: {} },
  {
    claim: "values count once over all streams",
    streams: [{ app: "a", env: "x" }, { app: "b", env: "x" }, { app: "a" }],
    want: { app: 2, env: 1 },
  },
  {
    claim: "labels of numbers and UUIDs alone only identify",
    streams: [
      { app: "a", pid: "17", trace: id, mixed: "1", ratio: "0.5" },
      { app: "a", pid: "18", trace: `{${id}}`, mixed: id, hash: id.replaceAll("-", "") },
    ],
    want: { app: 1 },
  },
  {
    claim: "one other value makes them worth showing",
    streams: [{ pid: "17" }, { pid: "main" }],
    want: { pid: 2 },
  },
  {
    claim: "some names are always shown",
    streams: [{ cluster: "1", namespace: "2", instance: "3", pod: id }],
    want: { cluster: 1, namespace: 1, instance: 1, pod: 1 },
  },
  {
    claim: "the tenant of a result over several is no label",
    streams: [{ __tenant_id__: "a", app: "x" }],
    want: { app: 1 },
  },
];

for (const { claim, streams, want } of cases) {
  test(claim, () => assert.deepEqual(detect(streams), want));
}
