import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "#world";
import { sortedInTurns } from "./sort-in-turns.ts";

const byNumber = (a: number, b: number): number => a - b;

for (const count of [0, 1, 2, 8191, 8192, 8193, 40_000]) {
  test(`${count} items come out in order, equal ones as they came`, async () => {
    const random = seededRandom(count);
    const items = Array.from({ length: count }, () => Math.floor(random.fraction() * 1000));
    const order = await sortedInTurns(items, byNumber);
    const expected = items.map((_, i) => i).sort((a, b) => items[a]! - items[b]! || a - b);
    assert.deepEqual([...order], expected);
  });
}

test("what is sorted is passed through", async () => {
  const items = Array.from({ length: 20_000 }, (_, i) => i);
  let compared = 0;
  const order = await sortedInTurns(items, (a, b) => {
    compared++;
    return a - b;
  });
  assert.deepEqual([...order], items);
  assert.ok(compared < 2 * items.length, `${compared} comparisons`);
});
