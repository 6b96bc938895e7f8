import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "#config";
import { makeMatcher } from "#logql";
import { createIndexQueries } from "#query";
import { ManualClock } from "#world";
import { MemoryLogStore, type PlainEntry } from "../support/memory-log-store.ts";
import { runQuery } from "./run-query.ts";

const entries: PlainEntry[] = [
  { tenant: "t", labels: { app: "a", env: "x" }, timeNs: 1_000_000n, line: "12345" },
  { tenant: "t", labels: { app: "a", env: "y" }, timeNs: 2_000_000n, line: "123" },
  { tenant: "u", labels: { app: "b" }, timeNs: 7_000_000n, line: "1" },
];
const queries = createIndexQueries({
  store: MemoryLogStore.of(entries),
  clock: new ManualClock({ nowMs: 0 }),
});
const request = {
  tenants: ["t"],
  matchers: [makeMatcher("app", "=~", ".+")],
  range: { fromNs: 0n, toNs: 10_000_000n },
  limits: defaultLimits,
  signal: new AbortController().signal,
};
const both = { ...request, tenants: ["t", "u"] };

test("series of any of the selectors, each once, with the tenant if there are several", async () => {
  const a = [makeMatcher("app", "=", "a")];
  const found = await queries.series({ ...both, matchersList: [a, request.matchers] });
  assert.deepEqual(
    found.map((labels) => labels.toString()),
    [
      '{__tenant_id__="t", app="a", env="x"}',
      '{__tenant_id__="t", app="a", env="y"}',
      '{__tenant_id__="u", app="b"}',
    ],
  );
});

test("label names and values of several tenants", async () => {
  assert.deepEqual(await queries.labelNames(both), ["__tenant_id__", "app", "env"]);
  assert.deepEqual(await queries.labelNames(request), ["app", "env"]);
  assert.deepEqual(await queries.labelValues(both, "app"), ["a", "b"]);
  assert.deepEqual(await queries.labelValues(both, "__tenant_id__"), ["t", "u"]);
});

test("statistics add up streams, blocks, entries and bytes", async () => {
  const want = { streams: 2, chunks: 2, entries: 2, bytes: 8 };
  assert.deepEqual(await queries.stats(request), want);
});

const shape = { ...request, targetLabels: [], aggregateBy: "series", limit: 0 } as const;

test("volume by the selector's labels, by target labels, by label names", async () => {
  assert.deepEqual(await queries.volume(shape), [{ labels: [["app", "a"]], bytes: 8 }]);
  assert.deepEqual(await queries.volume({ ...shape, targetLabels: ["env"], limit: 1 }), [
    { labels: [["env", "x"]], bytes: 5 },
  ]);
  assert.deepEqual(await queries.volume({ ...shape, aggregateBy: "labels" }), [
    { labels: [["app", ""]], bytes: 8 },
    { labels: [["env", ""]], bytes: 8 },
  ]);
});

test("volume by steps stands at the last millisecond of a step, the last one at the end", async () => {
  const series = await queries.volumeRange({ ...shape, tenants: ["t", "u"], stepNs: 4_000_000n });
  assert.deepEqual(series, [
    { labels: [["app", "a"]], points: [{ timeMs: 3, bytes: 8 }] },
    { labels: [["app", "b"]], points: [{ timeMs: 7, bytes: 1 }] },
  ]);
});

test("inverted ranges, ranges that are too long and queries that read too much", async () => {
  const range = { fromNs: 2n, toNs: 1n };
  await assert.rejects(queries.labelNames({ ...request, range }), {
    message: "this data is no longer available, it is past now - max_query_lookback (0s)",
  });
  await assert.rejects(queries.stats({ ...request, range }), {
    message: "end timestamp must not be before or equal to start time",
  });
  const limits = { ...defaultLimits, maxQueryLengthMs: 1 };
  await assert.rejects(queries.volume({ ...shape, limits }), {
    message: "the query time range exceeds the limit (query length: 10ms, limit: 1ms)",
  });
  const store = MemoryLogStore.of(entries);
  const asked = { text: "{app=`a`}", toNs: 10_000_000n };
  await runQuery(store, { ...asked, limits: { maxQueryBytesRead: 8 } });
  await assert.rejects(runQuery(store, { ...asked, limits: { maxQueryBytesRead: 7 } }), {
    message: /^the query would read too many bytes \(query: 8 B, limit: 7 B\)/,
  });
});
