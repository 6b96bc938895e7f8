import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";
import { isStoreError, MiB } from "#base";
import { openS3ObjectStore, type S3ObjectStore, type S3ObjectStoreOptions } from "#objectstore";
import { systemClock, systemFiles } from "#world";
import {
  listed,
  type ObjectStoreFixture,
  objectStoreContract,
} from "../../src/objectstore/object-store.contract.ts";
import { s3rverKeyPartBytesMax, s3rverKeys, startS3rver } from "../support/s3rver-server.ts";

const one = ["skald"];
const three = ["first", "second", "third"];

async function openOn(
  endpoint: string,
  options?: Partial<S3ObjectStoreOptions>,
): Promise<S3ObjectStore> {
  return openS3ObjectStore({
    files: systemFiles,
    clock: systemClock,
    buckets: one,
    endpoint,
    forcePathStyle: true,
    keys: s3rverKeys,
    ...options,
  });
}

const settings: readonly (readonly [string, Partial<S3ObjectStoreOptions>])[] = [
  ["s3", {}],
  ["s3 over three buckets, listed by version 1", { buckets: three, listVersion: 1 }],
  ["s3 with everything in parts", { multipartAboveBytes: 0, partBytes: 3 }],
];

for (const [name, options] of settings) {
  const open = async (): Promise<ObjectStoreFixture> => {
    const server = await startS3rver(options.buckets ?? one);
    const store = await openOn(server.endpoint, options);
    return {
      store,
      close: async () => {
        store.close();
        await server[Symbol.asyncDispose]();
      },
    };
  };
  objectStoreContract(name, open, { keyPartBytesMax: s3rverKeyPartBytesMax });
}

test("every character that a key may have comes through listings", async () => {
  await using server = await startS3rver(one);
  const store = await openOn(server.endpoint);
  const keys: string[] = [];
  for (let code = 0x20; code < 0x7f; code++) {
    const character = String.fromCharCode(code);
    if (character !== "/") keys.push(`odd/<${character}>`, `odd/${character}x`);
  }
  keys.push("odd/fake/19000/1a:2b:3c", "odd/100%25", "odd/a+b=c&d?e#f", "odd/'\"\\`", "odd/%zz");
  await server.fill(
    "skald",
    keys.map((key) => [key, Buffer.from(key)]),
  );
  for (const key of keys.slice(-5)) {
    assert.equal((await store.get(key)).toString(), key);
    const got = (await listed(store.list(key))).map((info) => info.key);
    assert.deepEqual(got, [key]);
  }
  const got = (await listed(store.list("odd/"))).map((info) => info.key);
  assert.deepEqual(got, keys.toSorted());
});

test("1,500 keys are listed over pages, from anywhere", async () => {
  const keys = Array.from({ length: 1_500 }, (_, i) => `t/${i % 3}/${String(i + 10_000)}`).sort();
  const body = Buffer.from("x");
  const keysFrom = async (store: S3ObjectStore, startAfter: string): Promise<string[]> =>
    (await listed(store.list("t/", { startAfter }))).map((info) => info.key);
  // As it is, it fails at ListObjectsV2.
  for (const asItIs of [true, false]) {
    await using server = await startS3rver(one, { asItIs });
    const pairs = keys.map((key) => [key, body] as const);
    await server.fill("skald", pairs);
    const store = await openOn(server.endpoint);
    assert.deepEqual(await keysFrom(store, ""), keys);
    assert.deepEqual(await keysFrom(store, keys[1_100]!), keys.slice(1_101));
    assert.deepEqual(await store.listFolders("t/"), ["0", "1", "2"]);
  }
});

test("20 MiB go in parts and come back in ranges", async () => {
  await using server = await startS3rver(one);
  const store = await openOn(server.endpoint);
  const body = randomBytes(20 * MiB + 17);
  const cuts = [body.subarray(0, 5), body.subarray(5, 9 * MiB), body.subarray(9 * MiB)];
  await store.put("large", cuts);
  assert.equal((await store.head("large"))?.sizeBytes, body.length);
  assert.ok(body.equals(await store.get("large")));
  const range = { from: 8 * MiB - 3, to: 8 * MiB + 3 };
  assert.deepEqual(await store.get("large", { range }), body.subarray(range.from, range.to));
});

test("several buckets hold what the hash of the key puts there", async () => {
  await using server = await startS3rver(three);
  const store = await openOn(server.endpoint, { buckets: three });
  const keys = Array.from({ length: 30 }, (_, i) => `fake/${i}`);
  for (const key of keys) await store.put(key, Buffer.from(key));
  const inBuckets: number[] = [];
  for (const bucket of three) {
    const single = await openOn(server.endpoint, { buckets: [bucket] });
    inBuckets.push((await listed(single.list(""))).length);
  }
  assert.equal(
    inBuckets.reduce((sum, count) => sum + count),
    30,
  );
  assert.ok(
    inBuckets.every((count) => count > 0),
    inBuckets.join(),
  );
});

test("a chunk delimiter stands for colons in the bucket, and only there", async () => {
  await using server = await startS3rver(one);
  const plain = await openOn(server.endpoint);
  const store = await openOn(server.endpoint, { chunkDelimiter: "-" });
  const chunk = "fake/1a2b3c/18d0:18d1:ff00ff00";
  const index = "index/index_19000/1712-compactor-18d0-18d1-ff.tsdb.gz";
  await store.put(chunk, Buffer.from("c"));
  await store.put(index, Buffer.from("i"));
  assert.equal((await plain.get("fake/1a2b3c/18d0-18d1-ff00ff00")).toString(), "c");
  assert.equal((await store.get(chunk)).toString(), "c");
  assert.deepEqual(
    (await listed(store.list(""))).map((info) => info.key),
    [chunk, index],
  );
  assert.deepEqual(
    (await listed(store.list("fake/", { startAfter: chunk }))).map((info) => info.key),
    [],
  );
  await store.delete(chunk);
  assert.equal(await plain.head("fake/1a2b3c/18d0-18d1-ff00ff00"), undefined);
});

test("what cannot be opened is refused", async () => {
  const isDenied = (error: unknown): boolean => isStoreError(error, "denied");
  const endpoint = "http://127.0.0.1:1";
  await assert.rejects(openOn(endpoint, { buckets: [] }), isDenied);
  await assert.rejects(openOn(endpoint, { buckets: ["a", " "] }), isDenied);
  await assert.rejects(
    openOn(endpoint, { keys: { accessKeyId: "A", secretAccessKey: "" } }),
    isDenied,
  );
  for (const encryptionContext of ["{", "[]", '{"a":1}', '"x"']) {
    const encryption = { type: "SSE-KMS", encryptionContext } as const;
    await assert.rejects(openOn(endpoint, { encryption }), isDenied);
  }
});
