import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LruMap } from "./lru-map.ts";

/** The same, done plainly: a list of keys from the one used longest ago to the latest. */
class PlainMap {
  entries: [key: string, weight: number][] = [];
  readonly #weightMax: number;

  constructor(weightMax: number) {
    this.#weightMax = weightMax;
  }

  get(key: string): number | undefined {
    const found = this.entries.find(([known]) => known === key);
    if (found === undefined) return undefined;
    this.entries = [...this.entries.filter((entry) => entry !== found), found];
    return found[1];
  }

  set(key: string, weight: number): void {
    this.entries = this.entries.filter(([known]) => known !== key);
    if (weight <= this.#weightMax) this.entries.push([key, weight]);
    while (this.weight > this.#weightMax) this.entries.shift();
  }

  get weight(): number {
    return this.entries.reduce((sum, [, weight]) => sum + weight, 0);
  }
}

test("it forgets what was used least recently, and nothing else", () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("get" as const), key }),
    fc.record({ kind: fc.constant("set" as const), key, weight: fc.nat(12) }),
    fc.record({ kind: fc.constant("delete" as const), key }),
    fc.record({ kind: fc.constant("clear" as const), key }),
  );
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const map = new LruMap<string, number>({ weightMax: 10, weigh: (weight) => weight });
    const plain = new PlainMap(10);
    for (const one of steps) {
      if (one.kind === "get") assert.equal(map.get(one.key), plain.get(one.key));
      else if (one.kind === "set") {
        map.set(one.key, one.weight);
        plain.set(one.key, one.weight);
      } else {
        const isHit = ([known]: [string, number]): boolean =>
          one.kind === "clear" || known === one.key;
        const had = plain.entries.some(isHit);
        if (one.kind === "clear") map.clear();
        else assert.equal(map.delete(one.key), had);
        plain.entries = plain.entries.filter((entry) => !isHit(entry));
      }
      assert.equal(map.size, plain.entries.length);
      assert.equal(map.weight, plain.weight);
    }
    for (const [known, weight] of plain.entries) assert.equal(map.get(known), weight);
  });
  fc.assert(property, { seed: 4, numRuns: 500 });
});
