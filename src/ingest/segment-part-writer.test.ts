import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "#base";
import { MemoryObjectStore, type ObjectStore } from "#objectstore";
import { parseSegmentKey, SegmentStore } from "#segment";
import { ManualClock, seededRandom } from "#world";
import { Head } from "./head.ts";
import { testDistributor, testNowNs } from "./push-test-kit.ts";
import { SegmentPartWriter } from "./segment-part-writer.ts";

test("a second try with another section is another source than a first that comes back", async () => {
  const clock = new ManualClock({ nowNs: testNowNs });
  const memory = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  let isLost = true;
  const objects: ObjectStore = new Proxy(memory, {
    get: (target, name) => {
      if (name === "put" && isLost) {
        return async (key: string, body: Uint8Array[]) => {
          await target.put(key, body);
          throw new StoreError("unavailable", "the answer was lost");
        };
      }
      // The first put comes through after the delete.
      if (name === "delete") return () => Promise.resolve();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const head = new Head({ clock });
  const { accepted } = testDistributor().json({
    streams: [{ stream: { app: "a" }, values: [[String(testNowNs), "a line"]] }],
  });
  head.apply({ tenant: "t", batch: accepted!.batch, sequence: 1 });
  let sectionBytes = 1;
  const segments = new SegmentStore({ objects });
  const writer = new SegmentPartWriter({
    objects,
    segments,
    clock,
    random: seededRandom(1),
    journalId: "0123456789abcdef",
    sectionOf: async () => ({
      kind: 200,
      bytes: Buffer.alloc(sectionBytes++),
      done: () => undefined,
      failed: () => undefined,
    }),
  });
  const [part] = head.parts();
  const { signal } = new AbortController();
  const first = await writer.begin(part!);
  await assert.rejects(first.store(signal), /lost/);
  isLost = false;
  const second = await writer.begin(part!);
  await second.store(signal);
  const keys: string[] = [];
  for await (const { key } of memory.list("")) keys.push(key);
  assert.equal(keys.length, 2);
  assert.equal(new Set(keys.map((key) => parseSegmentKey(key).id)).size, 2);
});
