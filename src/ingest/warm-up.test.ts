import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, seededRandom } from "#world";
import { stillClock } from "./push-test-kit.ts";
import { warmUpIngest } from "./warm-up.ts";

test("the examples are taken and cut, each of them every time", async () => {
  const { entryCount } = await warmUpIngest({ clock: stillClock, random: seededRandom(1) });
  assert.equal(entryCount, 5 * 8 * 20 * 200);
});

test("a machine whose clock stands in 1970 warms up as well", async () => {
  const clock = new ManualClock({ nowMs: 0 });
  const { entryCount } = await warmUpIngest({ clock, random: seededRandom(1) });
  assert.equal(entryCount, 5 * 8 * 20 * 200);
});

test("who hears of batches hears of the examples, and adds to each cut", async () => {
  let [rows, sections, done] = [0, 0, 0];
  await warmUpIngest({
    clock: stillClock,
    random: seededRandom(1),
    observe: (_tenant, batch) => (rows += batch.rowCount),
    sectionOf: async () => {
      sections++;
      return {
        kind: 128,
        bytes: Buffer.from("of another room"),
        done: () => done++,
        failed: () => assert.fail("all are written"),
      };
    },
  });
  assert.deepEqual([rows, sections, done], [8 * 20 * 200, 5, 5]);
});
