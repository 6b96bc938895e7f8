import assert from "node:assert/strict";
import test from "node:test";
import { bucketOf, keyNames, mergeOrdered } from "./s3-buckets.ts";
import { withoutSecrets } from "./s3-secrets.ts";
import { Slots } from "./slots.ts";

test("the bucket is FNV-1a of the key modulo their number", () => {
  // Published values of the hash: http://www.isthe.com/chongo/tech/comp/fnv/
  const hashes = [
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ] as const;
  for (const count of [2, 3, 7, 1000]) {
    const buckets = Array.from({ length: count }, (_, i) => `b${i}`);
    for (const [key, hash] of hashes) assert.equal(bucketOf(buckets, key), `b${hash % count}`);
  }
  assert.equal(bucketOf(["only"], "anything"), "only");
});

test("names with a chunk delimiter, and back", () => {
  const cases = [
    [".", "fake/1a/2b:3c:4d", "fake/1a/2b.3c.4d"],
    [".", "fake/1a:2b:3c:4d", "fake/1a.2b.3c.4d"],
    ["_", "index_19000/fake/1-2-3.tsdb.gz", "index_19000/fake/1-2-3.tsdb.gz"],
    ["-", "v1/fake/2026-03-01/0-1-2-3.seg", "v1/fake/2026-03-01/0-1-2-3.seg"],
    ["", "a:b", "a:b"],
  ] as const;
  for (const [delimiter, key, name] of cases) {
    const names = keyNames(delimiter);
    assert.equal(names.nameOf(key), name);
    assert.equal(names.keyOf(name), key);
  }
});

async function* of(...items: string[]): AsyncGenerator<string, void, undefined> {
  yield* items;
}

test("ordered sequences become one", async () => {
  const merged: string[] = [];
  const sources = [of("a", "d", "e"), of(), of("b", "c", "f")];
  for await (const item of mergeOrdered(sources, (name) => name)) merged.push(item);
  assert.equal(merged.join(""), "abcdef");
});

test("secrets and web tokens are taken out of texts", () => {
  const text = "a/b+c a%2Fb%2Bc eyJhbGciOi.eyJpc3Mi.c2lnbg end";
  assert.equal(withoutSecrets(text, ["a/b+c", ""]), "<secret> <secret> <secret> end");
  assert.equal(withoutSecrets("x".repeat(600), []).length, 501);
});

test("slots: so many at a time, in order, and none lost by an abort or a failure", async () => {
  const slots = new Slots(2);
  let running = 0;
  let runningMax = 0;
  const order: number[] = [];
  const task = (i: number) => async (): Promise<void> => {
    order.push(i);
    runningMax = Math.max(runningMax, ++running);
    await Promise.resolve();
    running--;
    if (i === 3) throw new Error("three");
  };
  const controller = new AbortController();
  const runs = Array.from({ length: 8 }, (_, i) =>
    slots.run(i === 5 ? controller.signal : undefined, task(i)),
  );
  controller.abort("five");
  const settled = await Promise.allSettled(runs);
  assert.deepEqual(
    settled.flatMap((result, i) => (result.status === "rejected" ? [i] : [])),
    [3, 5],
  );
  assert.deepEqual(order, [0, 1, 2, 3, 4, 6, 7]);
  assert.equal(runningMax, 2);
  await slots.run(undefined, task(9));
});
