/**
 * A bounded slice of fuzzing: every kept input, then changed ones, with the same seed each time and
 * with one by chance. `npm run fuzz` goes on from there and keeps what it finds.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { chosenSeed, seedText } from "../support/chosen-seed.ts";
import {
  corporaBytesMax,
  corpusBytesMax,
  corpusInputsMax,
  corpusNames,
  corpusOf,
} from "./corpus.ts";
import { playChanged, playCorpus } from "./fuzzer.ts";
import { targets } from "./targets.ts";

const inputs = 60;
const chosen = chosenSeed();

for (const target of targets) {
  const { name } = target;
  test(`${name} answers or refuses every kept input`, () => playCorpus(target));
  for (const seed of [1, chosen]) {
    test(`${name} answers or refuses changed inputs, ${seedText(seed)}`, () =>
      playChanged(target, { seed, inputs }));
  }
  test(`${name} has a corpus`, () => {
    const kept = corpusOf(name);
    const bytes = kept.reduce((sum, one) => sum + one.bytes.length, 0);
    assert.ok(kept.length > 0, `npm run fuzz -- --keep --only ${name}`);
    assert.ok(kept.length <= corpusInputsMax, `${kept.length} inputs`);
    assert.ok(bytes <= corpusBytesMax, `${bytes} bytes`);
  });
}

test("every corpus is of a target, and all together are small", () => {
  const names = targets.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, "two targets of one name");
  assert.deepEqual(corpusNames(), names.toSorted());
  const all = names.flatMap((name) => corpusOf(name));
  const bytes = all.reduce((sum, one) => sum + one.bytes.length, 0);
  assert.ok(bytes <= corporaBytesMax, `${bytes} bytes`);
});

after(async () => {
  for (const { close } of targets) await close?.();
});
