import { ByteStrings, hashBytes, sameBytes } from "#columns";

/**
 * Distinct byte strings, numbered from 1 in order of first sight. Works on bytes: values such as
 * trace ids are nearly all distinct, and a text for each would cost more than reading the chunk.
 */
export class ByteDictionary {
  readonly #seed: number;
  readonly #parts: Buffer[] = [];
  /** Where value i lies: in which of the parts, from where to where. */
  readonly #partOf: number[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #table = new Uint32Array(64);

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The numbers of all values of a list. The list is kept. */
  addAll(values: ByteStrings): Uint32Array {
    const part = this.#parts.push(values.bytes) - 1;
    const ids = new Uint32Array(values.count);
    for (let i = 0; i < ids.length; i++) ids[i] = this.#add(part, values.from(i), values.to(i));
    return ids;
  }

  #add(part: number, from: number, to: number): number {
    const bytes = this.#parts[part]!;
    const mask = this.#table.length - 1;
    let slot = hashBytes(bytes, from, to, this.#seed) & mask;
    for (; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const known = this.#table[slot]! - 1;
      const start = this.#from[known]!;
      if (this.#to[known]! - start !== to - from) continue;
      if (sameBytes(this.#parts[this.#partOf[known]!]!, start, bytes, from, to - from)) {
        return known + 1;
      }
    }
    this.#partOf.push(part);
    this.#from.push(from);
    const id = this.#to.push(to);
    this.#table[slot] = id;
    if (id * 2 > this.#table.length) this.#grow();
    return id;
  }

  #grow(): void {
    const table = new Uint32Array(this.#table.length * 4);
    const mask = table.length - 1;
    for (let i = 0; i < this.#to.length; i++) {
      const bytes = this.#parts[this.#partOf[i]!]!;
      let slot = hashBytes(bytes, this.#from[i]!, this.#to[i]!, this.#seed) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = i + 1;
    }
    this.#table = table;
  }

  /** All values, copied, gap 0. */
  values(): ByteStrings {
    const count = this.#to.length;
    const starts = new Uint32Array(count + 1);
    for (let i = 0; i < count; i++) starts[i + 1] = starts[i]! + this.#to[i]! - this.#from[i]!;
    const bytes = Buffer.allocUnsafe(starts[count]!);
    for (let i = 0; i < count; i++) {
      this.#parts[this.#partOf[i]!]!.copy(bytes, starts[i], this.#from[i], this.#to[i]);
    }
    return new ByteStrings(bytes, starts, 0);
  }
}
