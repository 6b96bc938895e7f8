import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  isMigrated,
  migrateBucket,
  type MigratedDay,
  type MigrateOptions,
  type MigrateResult,
  periodsAfter,
  type PlacedTable,
  type StreamProof,
  tablesOf,
  wholeBucket,
} from "#bucket";
import { type ObjectStore } from "#objectstore";
import { buildSegment, parseSegmentKey } from "#segment";
import type { LogStore } from "#storage";
import { runQuery } from "../query/run-query.ts";
import { expectedOf } from "../support/loki-buckets.ts";
import { bucketNames, nativeStore, openTestBucket, signal, type TestBucket } from "./bucket-kit.ts";

interface Migrated {
  readonly result: MigrateResult;
  readonly days: readonly MigratedDay[];
  readonly proofs: readonly StreamProof[];
}

async function migrate(open: TestBucket, options: Partial<MigrateOptions> = {}): Promise<Migrated> {
  const days: MigratedDay[] = [];
  const proofs: StreamProof[] = [];
  const result = await migrateBucket(open.bucket, {
    scope: wholeBucket,
    target: open.stored,
    isDryRun: false,
    skipsDamaged: false,
    signal,
    onStream: (proof) => proofs.push(proof),
    onTenantDay: (done) => days.push(done),
    onProgress: () => undefined,
    ...options,
  });
  return { result, days, proofs };
}

async function keysOf(objects: ObjectStore, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}

/** What the store answers to everything the fixture knows of. */
async function answersOf(store: LogStore, open: TestBucket, bucket: string): Promise<unknown[]> {
  const expected = expectedOf(bucket);
  const [fromNs, toNs] = [BigInt(expected.start_ns), BigInt(expected.end_ns)];
  const answers: unknown[] = [];
  for (const [tenant, { entries_categorized, count_over_time }] of Object.entries(
    expected.tenants,
  )) {
    const common = { tenants: [tenant], fromNs, toNs, clock: open.clock };
    for (const { selector } of entries_categorized) {
      for (const direction of ["forward", "backward"] as const) {
        const asked = { ...common, text: selector, limit: 5000, direction, categorizeLabels: true };
        const { data, warnings } = await runQuery(store, asked);
        assert.deepEqual(warnings, []);
        assert.ok(data.kind === "streams");
        answers.push(
          data.streams
            .map(({ streamLabels, structuredMetadata, entries }) => [
              JSON.stringify([streamLabels, structuredMetadata]),
              entries.map(({ timeNs, line }) => `${timeNs} ${line.toString()}`).sort(),
            ])
            .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
        );
      }
    }
    for (const selector of Object.keys(count_over_time)) {
      const seconds = (toNs - fromNs) / 1_000_000_000n;
      const text = `sum by (app) (count_over_time(${selector}[${seconds}s]))`;
      const { data } = await runQuery(store, { ...common, text, kind: "instant", fromNs: toNs });
      assert.ok(data.kind === "vector");
      answers.push(data.samples.map(({ value }) => value).sort((a, b) => a - b));
    }
  }
  return answers;
}

describe("segments answer as the chunks they were made from", () => {
  for (const bucket of bucketNames) {
    test(bucket, async () => {
      const open = await openTestBucket(bucket);
      const before = await keysOf(open.objects);
      const { result, days, proofs } = await migrate(open);
      assert.deepEqual(days.map(({ reason }) => reason).filter(Boolean), []);
      assert.equal(result.incomplete.length, 0);
      const counted = proofs.reduce((sum, proof) => sum + proof.sum.count, 0);
      assert.equal(counted, result.sum.count);
      const wanted = await answersOf(open.store, open, bucket);
      assert.deepEqual(await answersOf(nativeStore(open), open, bucket), wanted);
      // The source is as it was.
      const after = await keysOf(open.objects);
      assert.deepEqual(
        after.filter((key) => !/^(v1|skald)\//.test(key)),
        before,
      );
    });
  }
});

test("small portions give the same entries: streams are cut by time", async () => {
  const open = await openTestBucket("many-chunks");
  const bounds = { bytesMax: 4096, entriesMax: 50 };
  const { result, proofs } = await migrate(open, { bounds });
  assert.ok((await keysOf(open.stored, "v1/")).length > 10);
  const other = await openTestBucket("many-chunks");
  const whole = await migrate(other);
  assert.deepEqual(result.sum, whole.result.sum);
  // What is told of a stream is told of all of it, however many segments it is in.
  const told = ({ labels, sum, day }: StreamProof): unknown => [labels.key, day, sum];
  assert.deepEqual(proofs.map(told), whole.proofs.map(told));
  const wanted = await answersOf(open.store, open, "many-chunks");
  assert.deepEqual(await answersOf(nativeStore(open), open, "many-chunks"), wanted);
});

test("a second run does nothing", async () => {
  const open = await openTestBucket("snappy");
  const first = await migrate(open);
  const keys = await keysOf(open.stored);
  const again = await migrate(open);
  assert.ok(again.days.every(({ outcome }) => outcome === "known"));
  assert.deepEqual(again.result.sum, first.result.sum);
  assert.deepEqual(await keysOf(open.stored), keys);
});

test("a dry run writes nothing", async () => {
  const open = await openTestBucket("snappy");
  const keys = await keysOf(open.stored);
  const { days } = await migrate(open, { isDryRun: true });
  assert.ok(days.every(({ outcome, segments }) => outcome === "planned" && segments > 0));
  assert.deepEqual(await keysOf(open.stored), keys);
});

test("stopped after any put, it goes on and ends the same", async () => {
  const whole = await openTestBucket("snappy");
  const bounds = { bytesMax: 16 * 1024, entriesMax: 10_000 };
  await migrate(whole, { bounds });
  const wanted = await keysOf(whole.stored);
  for (let puts = 1; puts <= 6; puts++) {
    const open = await openTestBucket("snappy");
    let left = puts;
    const target = new Proxy(open.stored, {
      get: (stored, name) => {
        const value = Reflect.get(stored, name) as unknown;
        if (name !== "put") return typeof value === "function" ? value.bind(stored) : value;
        return async (...call: Parameters<ObjectStore["put"]>) => {
          if (left-- === 0) throw new Error("killed");
          await stored.put(...call);
        };
      },
    });
    await assert.rejects(migrate(open, { target, bounds }), /killed/);
    await migrate(open, { bounds });
    assert.deepEqual(await keysOf(open.stored), wanted, `after ${puts} puts`);
  }
});

test("chunks that come later are migrated by the next run, in the place of what was", async () => {
  const open = await openTestBucket("snappy");
  const index = (await keysOf(open.objects, "index/")).filter((key) => key.endsWith(".gz"));
  const hidden = index[0]!;
  const kept = await open.objects.get(hidden);
  await open.objects.delete(hidden);
  await migrate(open);
  await open.objects.put(hidden, kept);
  open.stores[0]!.refresh();
  const [placed] = await tablesOf(open.bucket, wholeBucket, signal);
  const table = { place: "memory", keyPrefix: placed!.table.keyPrefix, indexKeys: [hidden] };
  assert.equal(await isMigrated(table, [open.stored]), false);
  const { result } = await migrate(open);
  assert.equal(await isMigrated(table, [open.stored]), true);
  assert.equal(result.failed, 0);
  const other = await openTestBucket("snappy");
  const all = await migrate(other);
  assert.deepEqual(result.sum, all.result.sum);
  assert.deepEqual(await keysOf(open.stored, "v1/"), await keysOf(other.stored, "v1/"));
});

test("a chunk that cannot be read fails its day, or is left out and named", async () => {
  const open = await openTestBucket("snappy");
  const chunk = (await keysOf(open.objects)).find((key) => key.startsWith("acme/"))!;
  await open.objects.put(chunk, Buffer.from("torn"));
  const { result, days } = await migrate(open);
  assert.ok(result.failed > 0);
  const failed = days.filter(({ outcome }) => outcome === "failed");
  assert.ok(failed.every(({ tenant, reason }) => tenant === "acme" && reason!.includes(chunk)));
  assert.ok(result.incomplete.length > 0);
  const skipping = await migrate(open, { skipsDamaged: true });
  assert.equal(skipping.result.failed, 0);
  assert.ok(skipping.days.some(({ damagedChunks }) => damagedChunks.includes(chunk)));
});

test("a table is complete once each of its tenants is", async () => {
  const open = await openTestBucket("snappy");
  const one = await migrate(open, { scope: { ...wholeBucket, tenants: new Set(["acme"]) } });
  assert.ok(one.result.incomplete.length > 0);
  const rest = await migrate(open, { scope: { ...wholeBucket, tenants: new Set(["fake"]) } });
  assert.equal(rest.result.incomplete.length, 0);
});

test("what is read back and differs is an error", async () => {
  const open = await openTestBucket("snappy");
  const target = new Proxy(open.stored, {
    get: (stored, name) => {
      const value = Reflect.get(stored, name) as unknown;
      if (name !== "put") return typeof value === "function" ? value.bind(stored) : value;
      return async (key: string, body: Uint8Array | readonly Uint8Array[]) => {
        const bytes = Buffer.concat([body].flat());
        if (key.endsWith(".seg")) bytes[60]! ^= 1;
        await stored.put(key, bytes);
      };
    },
  });
  const { result, days } = await migrate(open, { target });
  assert.ok(result.failed > 0);
  assert.ok(days.every(({ outcome, reason }) => outcome !== "failed" || /\.seg/.test(reason!)));
});

test("a table with an index file that cannot be read fails, the others are migrated", async () => {
  const open = await openTestBucket("snappy");
  const [damaged] = (await keysOf(open.objects, "index/")).filter((key) => key.endsWith(".gz"));
  await open.objects.put(damaged!, Buffer.from("no index"));
  const { result, days } = await migrate(open);
  assert.equal(result.failed, 1);
  assert.ok(days.some(({ outcome, reason }) => outcome === "failed" && reason!.includes(damaged!)));
  assert.ok(days.some(({ outcome }) => outcome === "done"));
});

test("segments that were merged since count as done", async () => {
  const open = await openTestBucket("snappy");
  await migrate(open, { bounds: { bytesMax: 8 * 1024, entriesMax: 10_000 } });
  const keys = (await keysOf(open.stored, "v1/acme/2024-12-31/")).sort();
  assert.ok(keys.length > 1, `${keys.length} segments`);
  const ids = keys.map((key) => parseSegmentKey(key).id);
  const { tenant, day } = parseSegmentKey(keys[0]!);
  const id = `ffffffffffff${"0".repeat(16)}`;
  const input = { tenant, day, streams: [], journal: [], replaces: ids };
  const merged = await buildSegment(input, { id });
  await open.stored.put(merged.key, merged.parts);
  for (const key of keys) await open.stored.delete(key);
  const again = await migrate(open, { bounds: { bytesMax: 8 * 1024, entriesMax: 10_000 } });
  assert.ok(again.days.every(({ outcome }) => outcome === "known"));
});

describe("which periods to write", () => {
  const placed = (number: number): PlacedTable =>
    ({ place: { name: "x" }, table: { number } }) as unknown as PlacedTable;
  const shape = (complete: number[], incomplete: number[]): string[] => {
    const sums = { days: 0, tenantDays: 0, failed: 0, sum: { count: 0, high: 0, low: 0 } };
    const lists = { complete: complete.map(placed), incomplete: incomplete.map(placed) };
    return periodsAfter({ ...sums, ...lists }).map(({ from, store }) => `${from} ${store}`);
  };
  const rows: readonly [string, number[], number[], string[]][] = [
    ["nothing done", [], [1, 2], []],
    ["all done", [1, 2, 5], [], ["1970-01-02 skald"]],
    ["the end is missing", [1, 2], [4], ["1970-01-02 skald", "1970-01-05 tsdb"]],
    ["the start is missing", [3, 4], [1], ["1970-01-04 skald"]],
    ["a hole", [1, 3], [2], ["1970-01-02 skald", "1970-01-03 tsdb", "1970-01-04 skald"]],
    ["one of two stores is missing", [1], [1], []],
  ];
  for (const [what, complete, incomplete, wanted] of rows) {
    test(what, () => assert.deepEqual(shape(complete, incomplete), wanted));
  }
});
