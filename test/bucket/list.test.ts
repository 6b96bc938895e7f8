import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { migrateBucket, objectsOf, statsOfBucket, wholeBucket } from "#bucket";
import { openTestBucket, signal, type TestBucket } from "./bucket-kit.ts";

const newYear = 20_089;

async function openMigrated(): Promise<TestBucket> {
  const open = await openTestBucket("snappy");
  await migrateBucket(open.bucket, {
    scope: wholeBucket,
    target: undefined,
    isDryRun: false,
    skipsDamaged: false,
    signal,
    onStream: () => undefined,
    onTenantDay: () => undefined,
    onProgress: () => undefined,
  });
  // Neither a tenant's, nor of any format: it is listed, too.
  await open.stored.put("cluster_seed.json", Buffer.from("{}"));
  return open;
}

async function shapeOf(open: TestBucket, scope = wholeBucket): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { kind, tenant, fromDay } of objectsOf(open.bucket, scope, signal)) {
    found.add(`${kind} ${tenant ?? "-"} ${fromDay ?? "-"}`);
  }
  return found;
}

describe("objects by tenant and day", async () => {
  const open = await openMigrated();

  test("all of them, whatever they are", async () => {
    const found = await shapeOf(open);
    for (const one of ["segment acme 20088", "chunk fake 20088", "index - 20089", "other - -"]) {
      assert.ok(found.has(one), `${one} in ${[...found].join("; ")}`);
    }
  });

  test("of one tenant: its own, and index files that may have something of it", async () => {
    const found = await shapeOf(open, { ...wholeBucket, tenants: new Set(["acme"]) });
    assert.ok(found.has("chunk acme 20088") && found.has("index - 20088"));
    assert.ok([...found].every((one) => !one.includes("fake") && !one.startsWith("other")));
  });

  test("of a day: what has entries in it", async () => {
    const found = await shapeOf(open, { ...wholeBucket, fromDay: newYear, toDay: newYear + 1 });
    assert.ok(found.has("segment acme 20089") && !found.has("segment acme 20088"));
    assert.ok(found.has("index - 20089") && !found.has("index - 20088"));
    // Chunks that begin the day before reach into it.
    assert.ok([...found].some((one) => one.startsWith("chunk")));
  });

  test("chunks and segments have the same entries, by their own accounts", async () => {
    const { days, kinds, faults } = await statsOfBucket(open.bucket, {
      scope: wholeBucket,
      signal,
    });
    assert.deepEqual(faults, []);
    const sumOf = (tenant: string, format: string): number =>
      days
        .filter((one) => one.tenant === tenant && one.format === format)
        .reduce((sum, one) => sum + one.entries, 0);
    for (const tenant of ["acme", "fake"]) {
      assert.ok(sumOf(tenant, "segments") > 0);
      // Chunks may hold an entry twice.
      assert.ok(sumOf(tenant, "chunks") >= sumOf(tenant, "segments"));
    }
    for (const { objects, histogram } of kinds.values()) {
      assert.equal(
        histogram.reduce((sum, count) => sum + count, 0),
        objects,
      );
    }
  });
});
