import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { SimulatedDisk } from "#world";
import { cli } from "./test-io.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const bucket = join(root, "test", "fixtures", "loki-bucket", "deletes", "bucket");
const table = "index/index_20089";
const file = "1795364014131596350-compactor-1735688520714-1735692279246-39b4fd29.tsdb.gz";
const packed = readFileSync(join(bucket, table, "acme", file));

async function inspect(path: string, bytes: Buffer) {
  const files = new SimulatedDisk();
  await files.makeFolder(`/home/${dirname(path)}`);
  await using handle = await files.open(`/home/${path}`, { create: true, exclusive: false });
  await handle.write([bytes], 0);
  return await cli(["inspect", path], { files });
}

test("an index file of Loki is told and verified, packed or not", async () => {
  for (const bytes of [packed, gunzipSync(packed)]) {
    const { code, out, err } = await inspect(`${table}/acme/${file}`, bytes);
    assert.equal(code, 0, err);
    assert.match(
      out,
      /^Loki index [\s\S]*\{app="web", env="prod", pod="web-0"\}[\s\S]*verified\n$/,
    );
  }
});

test("a damaged index file, a wrong folder and a broken gzip stream end with 1", async () => {
  const damaged = gunzipSync(packed);
  damaged[120]! ^= 1;
  const bad = await inspect(`${table}/acme/${file}`, gzipSync(damaged));
  assert.equal(bad.code, 1);
  assert.match(bad.out, /CORRUPT .*at byte \d+: expected crc/);
  const misplaced = await inspect(`${table}/17-x.tsdb.gz`, packed);
  assert.equal(misplaced.code, 1);
  assert.match(misplaced.out, /series without a tenant/);
  const cut = await inspect("17-x.tsdb.gz", packed.subarray(0, 90));
  assert.equal(cut.code, 1);
  assert.match(cut.out, /no gzip stream/);
});

test("the database of delete requests is told", async () => {
  const name = "delete_requests.gz";
  const bytes = readFileSync(join(bucket, "index", "delete_requests", name));
  const { code, out, err } = await inspect(name, bytes);
  assert.equal(code, 0, err);
  assert.match(out, /delete request fake:33e2d40d:0 processed, .*\{app="api"\} \|= "alpha"/);
});
