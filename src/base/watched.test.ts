import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LruMap } from "./lru-map.ts";
import { cacheTotals, countRefused, queueTotals, watchQueue } from "./watched.ts";

test("queues of one name count together, and what found no room", () => {
  const [long, short] = [{ length: 5 }, { length: 2 }];
  for (const one of [long, short]) {
    watchQueue("test_lines", one, ({ length }) => ({ length, bytes: length * 10 }));
  }
  countRefused("test_lines", 3);
  countRefused("test_lines");
  assert.deepEqual(queueTotals().get("test_lines"), { count: 7, bytes: 70, lost: 4 });
  long.length = 0;
  assert.equal(queueTotals().get("test_lines")?.count, 2);
});

test("a named map tells its entries, its bytes, and what had to go", () => {
  const map = new LruMap<string, string>({
    name: "test_texts",
    weightMax: 10,
    weigh: (text) => text.length,
  });
  map.set("a", "12345");
  map.set("b", "12345");
  map.set("a", "1234");
  assert.deepEqual(cacheTotals().get("test_texts"), { count: 2, bytes: 9, lost: 0 });
  map.set("c", "12345");
  map.delete("a");
  assert.deepEqual(cacheTotals().get("test_texts"), { count: 1, bytes: 5, lost: 1 });
});

test("a map that counts its entries has no bytes", () => {
  const map = new LruMap<string, string>({ name: "test_counted", weightMax: 1 });
  map.set("a", "x");
  map.set("b", "y");
  assert.deepEqual(cacheTotals().get("test_counted"), { count: 1, bytes: undefined, lost: 1 });
});

test("who is watched is let go of, also when its reader holds it", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held = ((): WeakRef<object> => {
    const owner = { waiting: 3 };
    watchQueue("held_by_its_reader", owner, () => ({ length: owner.waiting }));
    assert.equal(queueTotals().get("held_by_its_reader")?.count, 3);
    return new WeakRef(owner);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  assert.equal(held.deref(), undefined);
  assert.equal(queueTotals().get("held_by_its_reader")?.count, 0);
});
