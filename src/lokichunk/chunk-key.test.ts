import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChunkRef } from "./chunk.ts";
import { chunkKeyFormOf, formatChunkKey, keyMapping, parseChunkKey } from "./chunk-key.ts";

const ref: ChunkRef = {
  tenant: "fake",
  fingerprint: 0x0525cdcf2cdc3c0bn,
  fromMs: 0x1941f297c00,
  throughMs: 0x1941f297c05,
  checksum: 0x00ab12cd,
};
const newKey = "fake/525cdcf2cdc3c0b/1941f297c00:1941f297c05:ab12cd";
const oldKey = "fake/525cdcf2cdc3c0b:1941f297c00:1941f297c05:ab12cd";

test("numbers of a key have no leading zeros, and both forms parse back", () => {
  assert.equal(formatChunkKey(ref, "v12"), newKey);
  assert.equal(formatChunkKey(ref, "v11"), oldKey);
  assert.deepEqual(parseChunkKey(newKey), { ref, form: "v12" });
  assert.deepEqual(parseChunkKey(oldKey), { ref, form: "v11" });
});

for (const [schema, form] of [
  ["v9", "v11"],
  ["v11", "v11"],
  ["v12", "v12"],
  ["v13", "v12"],
  ["v14", "v12"],
] as const) {
  test(`schema ${schema} has keys of form ${form}`, () =>
    assert.equal(chunkKeyFormOf(schema), form));
}

const notKeys = [
  "",
  "loki_cluster_seed.json",
  "index/index_20089/1795364906-vm-1795364906104850569.tsdb.gz",
  "index/delete_requests/delete_requests.gz",
  "fake/0525cdcf2cdc3c0b/1941f297c00:1941f297c05:ab12cd",
  "fake/525cdcf2cdc3c0b/1941f297c00:1941f297c05",
  "fake/525CDCF2CDC3C0B/1941f297c00:1941f297c05:ab12cd",
  "fake/525cdcf2cdc3c0b/1941f297c00:1941f297c05:1ab12cdff",
  "../525cdcf2cdc3c0b/1941f297c00:1941f297c05:ab12cd",
  "a b/525cdcf2cdc3c0b/1941f297c00:1941f297c05:ab12cd",
  "a/b/525cdcf2cdc3c0b/1941f297c00:1941f297c05:ab12cd",
  "fake/525cdcf2cdc3c0b/-0:1941f297c05:ab12cd",
];
for (const key of notKeys) {
  test(`${JSON.stringify(key)} is no key of a chunk`, () =>
    assert.equal(parseChunkKey(key), undefined));
}

const base64Name = "MTk0MWYyOTdjMDA6MTk0MWYyOTdjMDU6NzE4YzkyOTc=";
const tiny = "fake/852af07b66acc10f/1941f297c00:1941f297c05:718c9297";
const mapped: readonly [
  name: string,
  options: Parameters<typeof keyMapping>[0],
  key: string,
  stored: string,
][] = [
  ["filesystem", { medium: "filesystem" }, tiny, `fake/852af07b66acc10f/${base64Name}`],
  ["filesystem, old", { medium: "filesystem" }, oldKey, Buffer.from(oldKey).toString("base64")],
  ["filesystem, index", { medium: "filesystem" }, notKeys[2]!, notKeys[2]!],
  ["object", { medium: "object" }, tiny, tiny],
  ["prefix", { medium: "object", prefix: "a/b/" }, tiny, `a/b/${tiny}`],
  ["prefix, index", { medium: "object", prefix: "a-b/" }, notKeys[2]!, `a-b/${notKeys[2]}`],
  ["both", { medium: "filesystem", prefix: "p/" }, tiny, `p/fake/852af07b66acc10f/${base64Name}`],
  ["delimiter", { medium: "object", delimiter: "-" }, tiny, tiny.replaceAll(":", "-")],
  ["delimiter, index", { medium: "object", delimiter: "-" }, notKeys[2]!, notKeys[2]!],
];
for (const [name, options, key, stored] of mapped) {
  test(`${name}: ${key} lies at ${stored}, and is found again`, () => {
    const mapping = keyMapping(options);
    assert.equal(mapping.toStored(key), stored);
    assert.equal(mapping.toLogical(stored), key);
  });
}

test("what is outside the prefix has no logical key", () => {
  assert.equal(keyMapping({ medium: "object", prefix: "p/" }).toLogical(tiny), undefined);
});

test("a tenant with a delimiter in its name keeps it", () => {
  const mapping = keyMapping({ medium: "object", delimiter: "-" });
  const key = formatChunkKey({ ...ref, tenant: "team-a" }, "v12");
  assert.equal(mapping.toLogical(mapping.toStored(key)), key);
});
