import { hashBytes } from "#columns";

/** Keys beyond this many are refused: some 2 GiB of hashes. */
export const keysMax: number = 256 * 1024 * 1024;

/**
 * A set of object keys in 8 bytes each, for buckets with millions of objects: 64 bits of hash stand
 * for a key. Ten million keys have two of one hash once in 300,000 runs; with other seeds in the
 * next run it is another two. Filled first, then sealed, then asked.
 */
export class KeyTable {
  readonly #seeds: readonly [number, number];
  #hashes = new BigUint64Array(1024);
  #count = 0;
  #marks = new Uint8Array(0);

  constructor(seeds: readonly [number, number]) {
    this.#seeds = seeds;
  }

  get count(): number {
    return this.#count;
  }

  add(key: string): void {
    if (this.#count === keysMax) throw new RangeError(`more than ${keysMax} objects`);
    if (this.#count === this.#hashes.length) {
      const larger = new BigUint64Array(this.#hashes.length * 2);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[this.#count++] = this.#hashOf(key);
  }

  seal(): void {
    const sorted = this.#hashes.subarray(0, this.#count).sort();
    let kept = 0;
    for (let i = 0; i < sorted.length; i++) {
      if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[kept++] = sorted[i]!;
    }
    this.#count = kept;
    this.#marks = new Uint8Array(kept);
  }

  /** Where a key is, for `mark`; -1 when it is not in the set. */
  find(key: string): number {
    const hash = this.#hashOf(key);
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#hashes[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && this.#hashes[low] === hash ? low : -1;
  }

  hasMark(at: number, bit: number): boolean {
    return (this.#marks[at]! & bit) !== 0;
  }

  mark(at: number, bit: number): void {
    this.#marks[at]! |= bit;
  }

  /** A number from 0 to 1 that is the same for a key in a run, and anyone's guess. */
  shareOf(key: string): number {
    return Number(this.#hashOf(key) >> 32n) / 2 ** 32;
  }

  #hashOf(key: string): bigint {
    const bytes = Buffer.from(key, "latin1");
    const [high, low] = this.#seeds.map((seed) => hashBytes(bytes, 0, bytes.length, seed));
    return (BigInt(high!) << 32n) | BigInt(low!);
  }
}
