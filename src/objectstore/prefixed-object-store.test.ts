import assert from "node:assert/strict";
import test from "node:test";
import { isStoreError } from "#base";
import { MemoryObjectStore } from "./memory-object-store.ts";
import { listed } from "./object-store.contract.ts";
import { PrefixedObjectStore } from "./prefixed-object-store.ts";

test("deployments in one bucket do not see each other", async () => {
  const bucket = new MemoryObjectStore({ nowMs: () => 0 });
  const blue = new PrefixedObjectStore(bucket, "blue/");
  const bluer = new PrefixedObjectStore(bucket, "blue");
  const green = new PrefixedObjectStore(bucket, "green-");
  await blue.put("a/b", Buffer.from("blue"));
  await green.put("a/b", Buffer.from("green"));
  await green.put("c", Buffer.from("green"));
  assert.deepEqual(
    (await listed(bucket.list(""))).map((info) => info.key),
    ["blue/a/b", "green-a/b", "green-c"],
  );
  assert.deepEqual(
    (await listed(green.list("", { startAfter: "a/b" }))).map((info) => info.key),
    ["c"],
  );
  assert.deepEqual(await green.listFolders(""), ["a"]);
  assert.deepEqual(await listed(bluer.list("")), []);
  await blue.delete("a/b");
  assert.equal((await green.get("a/b")).toString(), "green");
});

test("a prefix that no key can have is denied", () => {
  const bucket = new MemoryObjectStore({ nowMs: () => 0 });
  for (const prefix of ["/", "/a", "a//", "../", "a/./", "ä/", ".skald-tmp/"]) {
    assert.throws(
      () => new PrefixedObjectStore(bucket, prefix),
      (error) => isStoreError(error, "denied"),
      prefix,
    );
  }
});
