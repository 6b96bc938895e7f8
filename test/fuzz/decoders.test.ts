/** A bounded slice of fuzzing; `npm run fuzz -- --minutes N` goes on and keeps what it finds. */
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { fuzz } from "./fuzzer.ts";
import { targets } from "./targets.ts";

const inputs = 200;
const chosen = randomInt(2 ** 31);

for (const target of targets) {
  for (const seed of [1, chosen]) {
    test(`${target.name} answers or refuses within bounds, seed ${seed}`, async () => {
      await fuzz(target, { seed, inputs, keep: false });
    });
  }
}
