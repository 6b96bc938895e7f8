/**
 * Which series have which label, gathered while records are written: 12 bytes an occurrence, and
 * an entry of a map for each distinct label. Lists come out in the order that files have them.
 */

const growth = 2;

/** As many occurrences are gone through between two pauses. */
const turnItems = 65_536;

/** One list: the label as symbol numbers and where its references lie in `refs`. */
export interface BuiltList {
  readonly name: number;
  readonly value: number;
  readonly from: number;
  readonly to: number;
}

export interface BuiltLists {
  readonly lists: readonly BuiltList[];
  readonly refs: Uint32Array;
}

export class PostingsBuilder {
  readonly #symbolCount: number;
  #keys = new Float64Array(1024);
  #refs = new Uint32Array(1024);
  #count = 0;

  /** Name and value make one number; it stays exact because symbols number below 2^26 each. */
  constructor(symbolCount: number) {
    this.#symbolCount = symbolCount;
  }

  /** References come in ascending order. */
  add(label: { name: number; value: number; ref: number }): void {
    if (this.#count === this.#refs.length) {
      const keys = new Float64Array(this.#count * growth);
      keys.set(this.#keys);
      this.#keys = keys;
      const refs = new Uint32Array(this.#count * growth);
      refs.set(this.#refs);
      this.#refs = refs;
    }
    this.#keys[this.#count] = label.name * this.#symbolCount + label.value;
    this.#refs[this.#count++] = label.ref;
  }

  /** Lists sorted by name and value. Forgets what was gathered. */
  build(): BuiltLists {
    const steps = this.#steps();
    for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
  }

  /** The same, awaiting `nextTurn` now and then. */
  async buildInTurns(nextTurn: () => Promise<void>): Promise<BuiltLists> {
    const steps = this.#steps();
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return step.value;
      await nextTurn();
    }
  }

  *#steps(): Generator<undefined, BuiltLists> {
    const count = this.#count;
    const listOf = new Map<number, number>();
    for (let i = 0; i < count; i++) {
      const key = this.#keys[i]!;
      listOf.set(key, (listOf.get(key) ?? 0) + 1);
      if (i % turnItems === turnItems - 1) yield;
    }
    const sortedKeys = Float64Array.from(listOf.keys()).sort();
    yield;
    const lists: BuiltList[] = [];
    let from = 0;
    for (const key of sortedKeys) {
      const to = from + listOf.get(key)!;
      const value = key % this.#symbolCount;
      lists.push({ name: (key - value) / this.#symbolCount, value, from, to });
      // From now on: where the next reference of this label goes.
      listOf.set(key, from);
      from = to;
      if (lists.length % turnItems === 0) yield;
    }
    const refs = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const key = this.#keys[i]!;
      const at = listOf.get(key)!;
      refs[at] = this.#refs[i]!;
      listOf.set(key, at + 1);
      if (i % turnItems === turnItems - 1) yield;
    }
    this.#keys = new Float64Array(0);
    this.#refs = new Uint32Array(0);
    this.#count = 0;
    return { lists, refs };
  }
}
