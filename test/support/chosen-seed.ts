/**
 * The one random seed of a test run. Tests by chance run with fixed seeds, the same each time, and
 * with this one; its number and how to repeat it stand in the names of the tests.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";

const variable = "SKALD_TEST_SEED";
const seedMax = 2 ** 31;

/** What `SKALD_TEST_SEED` says, else a new one. */
export function chosenSeed(): number {
  const told = process.env[variable];
  if (told === undefined || told === "") return randomInt(seedMax);
  const seed = Number(told);
  const isSeed = Number.isInteger(seed) && seed >= 0 && seed < seedMax;
  assert.ok(isSeed, `${variable}=${told}: a whole number below ${seedMax} expected`);
  return seed;
}

/** For the name of a test that runs with it. */
export function seedText(seed: number): string {
  return `seed ${seed} (again: ${variable}=${seed})`;
}
