import assert from "node:assert/strict";
import { test } from "node:test";
import { day } from "#base";
import {
  compactedIndexName,
  parseIndexPath,
  uploadedIndexName,
  uploaderName,
} from "./index-names.ts";
import { parseShard } from "./shards.ts";
import { parseTableName, type TablePeriod, tableOf, tablesOf } from "./tables.ts";

const periods: readonly TablePeriod[] = [
  { fromMs: 20_000 * day, schema: "v12", indexPrefix: "index_", pathPrefix: "index/" },
  { fromMs: 20_089 * day, schema: "v13", indexPrefix: "idx2_", pathPrefix: "other/" },
  { fromMs: 20_100 * day, schema: "v14", indexPrefix: "idx2_", pathPrefix: "index/" },
];

test("a table has the prefix and version of the period its day falls in", () => {
  assert.equal(tableOf(periods, 20_088)?.keyPrefix, "index/index_20088/");
  assert.equal(tableOf(periods, 20_088)?.version, 2);
  assert.equal(tableOf(periods, 20_089)?.keyPrefix, "other/idx2_20089/");
  assert.equal(tableOf(periods, 20_089)?.version, 3);
  assert.equal(tableOf(periods, 20_100)?.version, 4);
  assert.equal(tableOf(periods, 19_999), undefined);
  assert.equal(tableOf(periods, 100_000), undefined);
});

test("a chunk is listed in every table it touches, both ends included", () => {
  const names = (fromMs: number, throughMs: number): string[] =>
    tablesOf(periods, { fromMs, throughMs }).map(({ name }) => name);
  assert.deepEqual(names(20_088 * day, 20_089 * day - 1), ["index_20088"]);
  assert.deepEqual(names(20_088 * day, 20_089 * day), ["index_20088", "idx2_20089"]);
  assert.deepEqual(names(-5, 20_000 * day), ["index_20000"]);
  assert.deepEqual(names(5, 6), []);
  assert.equal(names(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).length, 80_000);
});

const tableNames: readonly (readonly [name: string, number: number | undefined])[] = [
  ["index_20088", 20_088],
  ["index_20089", undefined],
  ["idx2_20089", 20_089],
  ["idx2_20088", undefined],
  ["delete_requests", undefined],
  ["index_2008", undefined],
  ["index_120088", undefined],
];

for (const [name, number] of tableNames) {
  test(`folder ${name} is ${number === undefined ? "no table" : `table ${number}`}`, () => {
    assert.equal(parseTableName(periods, name)?.number, number);
  });
}

const paths: readonly (readonly [path: string, tenant: string | undefined | null])[] = [
  ["1735700123-my-writer-0.tsdb.gz", undefined],
  ["17-x.tsdb.gz", undefined],
  ["17-.tsdb", undefined],
  ["acme/1-free name.tsdb", "acme"],
  ["acme/1795363850865573728-compactor-1-2-4604f6b2.tsdb.gz", "acme"],
  ["x-17.tsdb.gz", null],
  ["17.tsdb.gz", null],
  ["17-x.tsdb.gz.tmp", null],
  ["acme/deep/17-x.tsdb", null],
  ["/17-x.tsdb", null],
];

for (const [path, tenant] of paths) {
  test(`${path} is ${tenant === null ? "no index" : `an index of ${tenant ?? "all"}`}`, () => {
    const parsed = parseIndexPath(path);
    assert.equal(parsed === undefined ? null : parsed.tenant, tenant);
    if (parsed !== undefined) assert.equal(parsed.isGzip, path.endsWith(".gz"));
  });
}

test("names are written as Loki writes them, and read back", () => {
  const uploader = uploaderName({ hostname: "vm", firstStartNs: 1795362375804884729n });
  const name = uploadedIndexName({ epochSeconds: 1_795_362_375, uploader });
  assert.equal(name, "1795362375-vm-1795362375804884729.tsdb.gz");
  const compacted = { minMs: 1735686000040, maxMs: 1735692279246, checksum: 0x04f6b2 };
  const own = compactedIndexName({ nowNs: 1795363850865573728n, ...compacted });
  assert.equal(own, "1795363850865573728-compactor-1735686000040-1735692279246-4f6b2.tsdb.gz");
  assert.deepEqual(parseIndexPath(`t/${own}`)?.compacted, compacted);
});

test("shards are equal parts of the space, and nothing else is a shard", () => {
  assert.deepEqual(parseShard("0_of_1"), { from: 0n, to: 2n ** 64n });
  assert.deepEqual(parseShard("3_of_4"), { from: 3n * 2n ** 62n, to: 2n ** 64n });
  assert.ok(parseShard("65535_of_65536"));
  for (const text of ["4_of_4", "0_of_3", "0_of_0", "1of2", "0_of_131072", "-1_of_2"]) {
    assert.equal(parseShard(text), undefined, text);
  }
});
