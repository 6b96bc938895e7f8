import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { isStoreError } from "#base";
import { readDeleteRequests } from "./delete-requests.ts";
import { readDeletionMarks } from "./deletion-marks.ts";
import { fixtureFolder, readFixture } from "./index-test-kit.ts";

const path = "deletes/bucket/index/delete_requests/delete_requests.gz";
const database = readFixture(path);

test("Loki's database of delete requests is read", () => {
  const found = readDeleteRequests(path, database, "fake");
  assert.deepEqual(found, [
    {
      tenant: "fake",
      id: "313c0a0e",
      sequence: 0,
      status: "processed",
      createdMs: 0x1a20408dc7a,
      startMs: 0x1941ebb9f00,
      endMs: 0x1941f975900,
      query: '{app="batch"}',
    },
    {
      tenant: "fake",
      id: "33e2d40d",
      sequence: 0,
      status: "processed",
      createdMs: 0x1a20408dc7f,
      startMs: 0x1941ebb9f00,
      endMs: 0x1941f975900,
      query: '{app="api"} |= "alpha"',
    },
  ]);
  assert.deepEqual(readDeleteRequests(path, database, "acme"), []);
  assert.deepEqual(readDeleteRequests(path, database), found);
});

test("an older transaction is read when the newest meta page is torn", () => {
  const torn = Buffer.from(database);
  torn[0x10 + 20]! ^= 1;
  // Page 1 stands at its place, and says what it knew; its root page has been written over since.
  const outcome = attempt(() => readDeleteRequests(path, torn));
  assert.ok(outcome instanceof Array || isStoreError(outcome, "corrupt"), String(outcome));
});

test("marks of chunks are read", () => {
  const folder = "deletes/markers";
  const keys = readdirSync(join(fixtureFolder, folder)).flatMap((name) =>
    readDeletionMarks(name, readFixture(join(folder, name))),
  );
  assert.ok(keys.length > 0);
  for (const key of keys) assert.match(key, /^fake\/[0-9a-f]+\/[0-9a-f]+:[0-9a-f]+:[0-9a-f]+$/);
});

test("damage ends in StoreError, never in anything else", () => {
  for (let at = 0; at < database.length; at += 7) {
    for (const bit of [0, 3, 7]) {
      const damaged = Buffer.from(database);
      damaged[at]! ^= 1 << bit;
      const outcome = attempt(() => readDeleteRequests(path, damaged));
      assert.ok(
        outcome instanceof Array || isStoreError(outcome, "corrupt"),
        `byte ${at}: ${String(outcome)}`,
      );
    }
  }
  for (let length = 0; length < database.length; length += 511) {
    const outcome = attempt(() => readDeleteRequests(path, database.subarray(0, length)));
    assert.ok(outcome instanceof Array || isStoreError(outcome, "corrupt"), `${length} bytes`);
  }
});

test("the SQLite form is read from memory", () => {
  const made = new DatabaseSync(":memory:");
  made.exec(
    "CREATE TABLE requests (id TEXT PRIMARY KEY, user_id TEXT, created_at INTEGER, completed_at INTEGER, " +
      "start_time INTEGER, end_time INTEGER, total_shards INTEGER, processed_shards INTEGER, query TEXT);" +
      "INSERT INTO requests VALUES ('a', 'acme', 5, NULL, 1, 2, 1, 0, '{a=\"b\"}')," +
      "('b', 'fake', 4, 9, 1, 2, 1, 1, '{c=\"d\"}');",
  );
  const bytes = Buffer.from(made.serialize());
  made.close();
  const status = (tenant: string) => readDeleteRequests("x", bytes, tenant).map((r) => r.status);
  assert.deepEqual(status("acme"), ["received"]);
  assert.deepEqual(status("fake"), ["processed"]);
  assert.equal(readDeleteRequests("x", bytes, "acme")[0]!.query, '{a="b"}');
  const cut = bytes.subarray(0, 100);
  assert.throws(
    () => readDeleteRequests("x", cut),
    (error) => isStoreError(error, "corrupt"),
  );
});

function attempt(task: () => unknown): unknown {
  try {
    return task();
  } catch (error) {
    return error;
  }
}
