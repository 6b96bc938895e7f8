import assert from "node:assert/strict";
import { test } from "node:test";
import { memcachedOf, objectCacheOf } from "./object-cache.ts";
import type { Value } from "./value-types.ts";

const at = "chunk_store_config.chunk_cache_config";

function values(set: Record<string, Value>): Map<string, Value> {
  return new Map(Object.entries({ "skald.object_cache_folder": "/d/object-cache", ...set }));
}

test("the cache on disk has 4 GB unless told otherwise; too little is a problem", () => {
  const problems: string[] = [];
  const problem = (key: string, message: string): number => problems.push(`${key}: ${message}`);
  const byDefault = objectCacheOf(values({}), problem);
  assert.deepEqual(byDefault, { folder: "/d/object-cache", bytesMax: 4 * 2 ** 30 });
  assert.equal(objectCacheOf(values({ "skald.object_cache_size": 0 }), problem).bytesMax, 0);
  assert.deepEqual(problems, []);
  objectCacheOf(values({ "skald.object_cache_size": 1000 }), problem);
  assert.deepEqual(problems, [
    "skald.object_cache_size: expected 0 or at least 4MB, found 1000 bytes",
  ]);
});

test("memcached is there when a server is named", () => {
  assert.equal(memcachedOf(values({})), undefined);
  const set = {
    [`${at}.memcached_client.addresses`]: " a:1, dnssrv+_m._tcp.b ,",
    [`${at}.memcached_client.timeout`]: 250,
    [`${at}.memcached.expiration`]: 3_600_000,
  };
  assert.deepEqual(memcachedOf(values(set)), {
    addresses: ["a:1", "dnssrv+_m._tcp.b"],
    host: "",
    service: "memcached",
    timeoutMs: 250,
    itemBytesMax: 0,
    expirationMs: 3_600_000,
    failuresMax: 10,
    pauseMs: 10_000,
  });
  assert.equal(memcachedOf(values({ [`${at}.memcached_client.host`]: "m" }))?.host, "m");
});
