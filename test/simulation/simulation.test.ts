/**
 * Bounded runs of the simulation: a fixed seed for each format, and one by chance, whose number says
 * the format, too. `npm run soak` runs it for as long as one likes.
 */
import { simulate, type SimulationOptions } from "./simulation.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenSeed, seedText } from "../support/chosen-seed.ts";
import { formats } from "./engine.ts";

const lives = 6;
const chosen = chosenSeed();
const runs: readonly SimulationOptions[] = [
  ...formats.map((format, at) => ({ seed: 11 + at, format, lives })),
  { seed: chosen, format: formats[chosen % formats.length]!, lives },
];

for (const options of runs) {
  const { seed, format } = options;
  const which = seed === chosen ? seedText(seed) : `seed ${seed}`;
  test(`${which}, ${format}: what was acknowledged survives every power cut`, async () => {
    const summary = await simulate(options);
    assert.equal(summary.crashes, options.lives);
    assert.ok(summary.entriesSent > 0 && summary.diskOperations > 100);
  });
}

test("the same seed is the same run, step by step", async () => {
  const hashes: string[] = [];
  for (const seed of [5, 5, 6]) {
    const { traceHash } = await simulate({ seed, format: "both", lives: 2 });
    hashes.push(traceHash);
  }
  assert.equal(hashes[0], hashes[1]);
  assert.notEqual(hashes[0], hashes[2]);
});

test("a disk that lies about what it synced is found out", async () => {
  const found: string[] = [];
  for (let seed = 1; seed <= 6 && found.length === 0; seed++) {
    const run = simulate({ seed, format: "skald", lives: 5, isLying: true });
    await run.catch((error: unknown) => found.push(String(error)));
  }
  assert.match(found.join(), /lost|damaged|corrupt|expected|line nobody sent/);
});
