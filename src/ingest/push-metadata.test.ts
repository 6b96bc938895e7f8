import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import { packSet } from "#model";
import fc from "fast-check";
import { MetadataSets } from "./push-metadata.ts";
import { isPlainName, labelNameOf } from "./push-metadata-name.ts";

const names: readonly (readonly [name: string, label: string])[] = [
  ["a.b", "a_b"],
  ["a..b", "a_b"],
  ["a__b", "a_b"],
  ["weird key!", "weird_key_"],
  ["9x", "key_9x"],
  ["ünï", "_n_"],
  ["__error__", "__error__"],
  ["__a.b__", "__a_b__"],
  ["_x", "_x"],
];
for (const [name, label] of names) {
  test(`${name} becomes ${label}`, () => assert.equal(labelNameOf(name), label));
}

const refused: readonly (readonly [name: string, message: string])[] = [
  ["", "label name is empty"],
  ["ключ", 'normalization for label name "ключ" resulted in invalid name "_"'],
  ["__", 'normalization for label name "__" resulted in invalid name "_"'],
];
for (const [name, message] of refused) {
  test(`${JSON.stringify(name)} is refused`, () => {
    assert.throws(() => labelNameOf(name), new RequestError(500, message));
  });
}

test("a plain name is one that stays as it is", () => {
  const name = fc.stringMatching(/^[a-c0_.]{0,6}$/);
  fc.assert(
    fc.property(name, (text) => {
      const bytes = Buffer.from(text);
      if (isPlainName(bytes, 0, bytes.length)) assert.equal(labelNameOf(text), text);
      else if (/^[a-c](_?[a-c0])*$/.test(text)) assert.fail(`${text} is plain`);
    }),
    { seed: 8, numRuns: 1000 },
  );
});

type Pairs = readonly (readonly [string, string])[];

/** The same, done plainly. */
function expected(pairs: Pairs): Buffer {
  const byName = new Map<string, string>();
  for (const [name, value] of pairs) if (value !== "") byName.set(labelNameOf(name), value);
  return packSet([...byName]);
}

test("sets are normalised, sorted, without empty values and doubles; equal ones share an id", () => {
  const pair = fc.tuple(
    fc.constantFrom("a", "b", "a.b", "a_b", "zz", "9"),
    fc.constantFrom("", "1", "2", "é"),
  );
  const rows = fc.array(fc.array(pair, { maxLength: 80 }), { maxLength: 12 });
  const property = fc.property(rows, (sets) => {
    const source = Buffer.from(sets.flat(2).join(""));
    const collected = new MetadataSets(source);
    let at = 0;
    const ids = sets.map((pairs) => {
      for (const [name, value] of pairs) {
        const nameTo = at + Buffer.byteLength(name);
        const valueTo = nameTo + Buffer.byteLength(value);
        collected.pair(at, nameTo, nameTo, valueTo);
        at = valueTo;
      }
      return collected.finish();
    });
    const built = collected.build();
    sets.forEach((pairs, i) => {
      const id = ids[i]!;
      const packed = built.bytes.subarray(built.starts[id], built.starts[id + 1]);
      assert.deepEqual(packed, expected(pairs));
      if (id !== 0) assert.equal(built.pairCounts[id], pairs.length);
      const twin = sets.findIndex((other) => JSON.stringify(other) === JSON.stringify(pairs));
      assert.equal(id, ids[twin]);
    });
  });
  fc.assert(property, { seed: 9, numRuns: 200 });
});
