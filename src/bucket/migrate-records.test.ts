import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryObjectStore } from "#objectstore";
import {
  readTableRecord,
  readTenantRecord,
  type TenantRecord,
  writeTableRecord,
  writeTenantRecord,
} from "./migrate-records.ts";

const table = { place: "s3 b", keyPrefix: "index/index_20089/" };
const record: TenantRecord = {
  tenant: "t",
  digest: "d",
  portions: [
    null,
    { segmentKey: "k", streams: 1, lineBytes: 20, sum: { count: 2, high: 3, low: 4 } },
  ],
  outdated: ["old"],
  isDone: true,
  damagedChunks: [],
};

/** What is read after the text of the record was changed. */
async function changed(replace: (text: string) => string): Promise<TenantRecord | undefined> {
  const objects = new MemoryObjectStore({ nowMs: () => 0 });
  await writeTenantRecord(objects, table, record);
  for await (const { key } of objects.list("")) {
    const text = (await objects.get(key)).toString();
    await objects.put(key, Buffer.from(replace(text)));
  }
  return readTenantRecord(objects, table, "t");
}

test("a record reads back as it was", async () => {
  assert.deepEqual(await changed((text) => text), { version: 1, ...record });
});

const changes: readonly (readonly [found: string, replaced: string])[] = [
  ['"version":1', '"version":2'],
  ['"portions":[null', '"portions":[5'],
  ['"segmentKey":"k"', '"segmentKey":null'],
  ['"lineBytes":20', '"lineBytes":"20"'],
  ['"sum":{', '"sums":{'],
  ['"low":4', '"low":1e400'],
  ['"outdated":["old"]', '"outdated":null'],
  ['"outdated":["old"]', '"outdated":[1]'],
  ['"damagedChunks":[]', '"damaged":[]'],
  ['"digest":"d"', '"digest":1'],
  ["{", "null{"],
];

for (const [found, replaced] of changes) {
  test(`a record with ${replaced} is as if it were not there`, async () => {
    const read = await changed((text) => {
      assert.ok(text.includes(found), text);
      return text.replace(found, replaced);
    });
    assert.equal(read, undefined);
  });
}

test("a table whose index files are no texts is not migrated", async () => {
  for (const indexKeys of [["a"], [5 as unknown as string]]) {
    const objects = new MemoryObjectStore({ nowMs: () => 0 });
    const whole = {
      ...table,
      day: 1,
      tenants: ["t"],
      indexKeys: indexKeys as string[],
      entries: 1,
    };
    await writeTableRecord(objects, whole);
    const read = await readTableRecord(objects, table);
    assert.equal(read !== undefined, indexKeys[0] === "a");
  }
});
