import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseQuery } from "#logql";
import { newReadCounters } from "#storage";
import { expectedOf, type ExpectedTenant, openBucket } from "../support/loki-buckets.ts";
import { runQuery } from "./run-query.ts";

const buckets = [
  "tiny-none",
  "tiny-snappy",
  "snappy",
  "gzip",
  "lz4",
  "zstd",
  "none",
  "v12",
  "compacted",
  "deletes",
  "many-chunks",
  "period-switch",
  "v14",
  "symbol-out-of-range",
];

/** One text per entry, so that answers compare as multisets: equal times have no order in Loki. */
function textOf(
  stream: Readonly<Record<string, string>>,
  [ns, line, metadata]: readonly [string, string, Readonly<Record<string, string>> | undefined],
): string {
  const sorted = (labels: Readonly<Record<string, string>>): unknown =>
    Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([sorted(stream), ns, line, sorted(metadata ?? {})]);
}

function expectedEntries(expected: ExpectedTenant["entries_categorized"][number]): string[] {
  return expected.streams
    .flatMap(({ stream, values }) =>
      values.map(([ns, line, rest]) => textOf(stream, [ns, line, rest.structuredMetadata])),
    )
    .sort();
}

const options = {
  signal: new AbortController().signal,
  counters: newReadCounters(),
  warn: (message: string): void => assert.fail(message),
};

for (const bucket of buckets) {
  describe(`the bucket ${bucket} answers as Loki does`, async () => {
    const { store, clock } = await openBucket(bucket);
    const expected = expectedOf(bucket);
    const fromNs = BigInt(expected.start_ns);
    const toNs = BigInt(expected.end_ns);
    for (const [tenant, wanted] of Object.entries(expected.tenants)) {
      const select = { tenant, matchers: [], range: { fromNs, toNs } };

      test(`${tenant}: labels and their values`, async () => {
        assert.deepEqual(await store.labelNames(select, options), [...wanted.labels].sort());
        for (const [name, values] of Object.entries(wanted.label_values)) {
          assert.deepEqual(await store.labelValues(select, name, options), [...values].sort());
        }
      });

      test(`${tenant}: series`, async () => {
        const found = (await store.series(select, options)).map((labels) => labels.key).sort();
        const texts = wanted.series.map((record) =>
          Object.entries(record)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, value]) => `${name}\ud800${value}\ud801`)
            .join(""),
        );
        assert.deepEqual(found, texts.sort());
      });

      for (const asked of wanted.entries_categorized) {
        test(`${tenant}: entries of ${asked.selector}`, async () => {
          for (const direction of ["forward", "backward"] as const) {
            const { data, warnings } = await runQuery(store, {
              text: asked.selector,
              tenants: [tenant],
              fromNs,
              toNs,
              limit: 5000,
              direction,
              clock,
              categorizeLabels: true,
            });
            assert.deepEqual(warnings, []);
            assert.ok(data.kind === "streams");
            const found = data.streams.flatMap(({ streamLabels, structuredMetadata, entries }) =>
              entries.map(({ timeNs, line }) =>
                textOf(Object.fromEntries(streamLabels), [
                  String(timeNs),
                  line.toString(),
                  Object.fromEntries(structuredMetadata),
                ]),
              ),
            );
            assert.deepEqual(found.sort(), expectedEntries(asked));
          }
        });
      }

      for (const [selector, count] of Object.entries(wanted.count_over_time)) {
        test(`${tenant}: count_over_time of ${selector}`, async () => {
          const seconds = (toNs - fromNs) / 1_000_000_000n;
          // The second time from what is remembered of the chunks.
          for (const round of [1, 2]) {
            const { data } = await runQuery(store, {
              text: `sum(count_over_time(${selector}[${seconds}s]))`,
              tenants: [tenant],
              kind: "instant",
              fromNs: toNs,
              toNs,
              clock,
            });
            assert.ok(data.kind === "vector");
            assert.equal(String(data.samples[0]?.value ?? 0), count ?? "0", `round ${round}`);
          }
        });
      }

      for (const [selector, stats] of Object.entries(wanted.index_stats)) {
        // Loki leaves streams of its own backfill out of the figures.
        if (selector.includes("__backfill__")) continue;
        test(`${tenant}: index stats of ${selector}`, async () => {
          const expr = parseQuery(selector);
          assert.ok(expr.kind === "log");
          const volumes = await store.volumes({ ...select, matchers: expr.matchers }, options);
          const chunks = volumes.reduce((sum, { blockCount }) => sum + blockCount, 0);
          const entries = volumes.reduce((sum, { entryCount }) => sum + entryCount, 0);
          // Loki cuts the question by time and truncates every piece's share of a chunk.
          const near = (ours: number, theirs: number): boolean =>
            Math.abs(ours - theirs) <= Math.max(1, 0.1 * theirs);
          assert.ok(near(chunks, stats.chunks), `${chunks} chunks, ${stats.chunks} in Loki`);
          assert.ok(near(entries, stats.entries), `${entries} entries, ${stats.entries} in Loki`);
        });
      }
    }
  });
}
