import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rebuildIndexes, type RebuildOptions, type RebuiltTable, wholeBucket } from "#bucket";
import { newReadCounters } from "#storage";
import { LokiStore } from "#lokistore";
import { runQuery } from "../query/run-query.ts";
import { expectedOf } from "../support/loki-buckets.ts";
import { bucketNames, findingsOf, openTestBucket, signal, type TestBucket } from "./bucket-kit.ts";

async function rebuild(
  open: TestBucket,
  options: Partial<RebuildOptions> = {},
): Promise<{ tables: RebuiltTable[]; result: Awaited<ReturnType<typeof rebuildIndexes>> }> {
  const tables: RebuiltTable[] = [];
  const result = await rebuildIndexes(open.bucket, {
    scope: wholeBucket,
    isDryRun: false,
    listsUnlisted: false,
    removesDamaged: false,
    signal,
    onTable: (done) => tables.push(done),
    onChunk: () => undefined,
    ...options,
  });
  return { tables, result };
}

async function indexKeys(open: TestBucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of open.objects.list("index/")) {
    if (key.includes(".tsdb")) keys.push(key);
  }
  return keys;
}

/** What the periods answer to a reader that has seen nothing yet, sorted. */
async function answersOf(open: TestBucket, bucket: string): Promise<string[]> {
  const expected = expectedOf(bucket);
  const answers: string[] = [];
  const stores = open.periods.all.map(
    (period) => new LokiStore({ periods: open.periods, period, clock: open.clock }),
  );
  for (const tenant of Object.keys(expected.tenants)) {
    for (const store of stores) {
      const range = { fromNs: BigInt(expected.start_ns), toNs: BigInt(expected.end_ns) };
      const select = { tenant, matchers: [], range };
      const warn = (text: string): void => assert.fail(text);
      const options = { signal, counters: newReadCounters(), warn };
      for (const { key } of await store.series(select, options)) answers.push(`${tenant} ${key}`);
      for (const { labels, ...sums } of await store.volumes(select, options)) {
        answers.push(`${tenant} ${labels.key} ${JSON.stringify(sums)}`);
      }
      for (const { selector } of expected.tenants[tenant]!.entries_categorized) {
        const { data } = await runQuery(store, {
          text: selector,
          tenants: [tenant],
          ...range,
          limit: 5000,
          clock: open.clock,
        });
        assert.ok(data.kind === "streams");
        for (const { entries } of data.streams) {
          for (const { timeNs, line } of entries) answers.push(`${tenant} ${timeNs} ${line}`);
        }
      }
    }
  }
  return answers.sort();
}

describe("an index that was lost is made again from the chunks, and answers as before", () => {
  for (const bucket of bucketNames) {
    // Chunks that a delete took out of the index, and that were not swept yet, come back.
    if (bucket === "deletes") continue;
    test(bucket, async () => {
      const open = await openTestBucket(bucket);
      const wanted = await answersOf(open, bucket);
      for (const key of await indexKeys(open)) await open.objects.delete(key);
      const { tables, result } = await rebuild(open);
      assert.ok(tables.every(({ outcome }) => outcome === "rebuilt"));
      assert.equal(result.failed, 0);
      assert.deepEqual(await answersOf(open, bucket), wanted);
      const { findings } = await findingsOf(open.bucket);
      if (bucket !== "symbol-out-of-range") assert.deepEqual(findings, []);
    });
  }
});

test("a sound index is left alone, and what it does not list only told of", async () => {
  const open = await openTestBucket("deletes");
  const keys = await indexKeys(open);
  const { tables } = await rebuild(open);
  assert.ok(tables.every(({ outcome }) => outcome === "sound" || outcome === "left"));
  assert.ok(tables.some(({ outcome, unlisted }) => outcome === "left" && unlisted > 0));
  assert.deepEqual(await indexKeys(open), keys);
});

test("a damaged file is replaced, and removed when asked", async () => {
  const open = await openTestBucket("snappy");
  const wanted = await answersOf(open, "snappy");
  const [damaged] = await indexKeys(open);
  await open.objects.put(damaged!, Buffer.from("no index"));
  const planned = await rebuild(open, { isDryRun: true });
  assert.ok(planned.tables.some(({ outcome }) => outcome === "planned"));
  assert.deepEqual(planned.result.damagedFiles, [damaged]);
  const { result } = await rebuild(open, { removesDamaged: true });
  assert.deepEqual(result.removedFiles, [damaged]);
  assert.deepEqual(await answersOf(open, "snappy"), wanted);
});

test("a chunk that cannot be read is named, the others are listed", async () => {
  const open = await openTestBucket("snappy");
  for (const key of await indexKeys(open)) await open.objects.delete(key);
  let torn = "";
  for await (const { key } of open.objects.list("fake/")) torn = key;
  await open.objects.put(torn, Buffer.from("torn"));
  const { tables, result } = await rebuild(open);
  assert.ok(result.failed > 0);
  const failed = tables.filter(({ outcome }) => outcome === "failed");
  assert.ok(failed.every(({ faults }) => faults.some((text) => text.includes(torn))));
});
