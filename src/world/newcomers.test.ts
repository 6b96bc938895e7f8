import assert from "node:assert/strict";
import { test } from "node:test";
import { Newcomers } from "./newcomers.ts";

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How many come in, one a turn of `turnMs`, before they have been let in. */
async function comeIn(manyMax: number, turnMs: number): Promise<number> {
  let nowMs = 0;
  const newcomers = new Newcomers({ monotonicMs: () => nowMs });
  let count = 0;
  let isIn = false;
  const letting = newcomers.letIn().then(() => {
    isIn = true;
  });
  while (!isIn) {
    if (count < manyMax) {
      newcomers.come();
      count++;
    }
    nowMs += turnMs;
    await immediate();
  }
  await letting;
  return count;
}

const cases = [
  ["nobody comes: one turn", { manyMax: 0, turnMs: 0.1 }, 0, 0],
  ["all are let in while they come one after the other", { manyMax: 8, turnMs: 0.1 }, 8, 8],
  ["a flood of them does not keep others away", { manyMax: 1e6, turnMs: 0.1 }, 55, 70],
  ["nor do turns that somebody else makes long", { manyMax: 1e6, turnMs: 40 }, 1, 3],
] as const;
for (const [claim, { manyMax, turnMs }, min, max] of cases) {
  test(claim, async () => {
    const count = await comeIn(manyMax, turnMs);
    assert.ok(count >= min && count <= max, `${count} came in`);
  });
}
