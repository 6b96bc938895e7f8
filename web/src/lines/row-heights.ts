// Heights of many rows of which few have been measured: where a row begins and which row is at an
// offset, both in logarithmic time (a Fenwick tree of heights). Pixels.

export class RowHeights {
  readonly count: number;
  readonly #heights: Float64Array;
  readonly #sums: Float64Array;
  readonly #top: number;

  /** `heightOf` gives the measured height of a row, or what is assumed. Linear time. */
  constructor(count: number, heightOf: (index: number) => number) {
    this.count = count;
    this.#heights = new Float64Array(count);
    this.#sums = new Float64Array(count + 1);
    for (let index = 0; index < count; index++) {
      const height = heightOf(index);
      this.#heights[index] = height;
      this.#sums[index + 1]! += height;
      const parent = index + 1 + ((index + 1) & -(index + 1));
      if (parent <= count) this.#sums[parent]! += this.#sums[index + 1]!;
    }
    this.#top = count === 0 ? 0 : 2 ** Math.floor(Math.log2(count));
  }

  get total(): number {
    return this.offsetOf(this.count);
  }

  heightOf(index: number): number {
    return this.#heights[index] ?? 0;
  }

  set(index: number, height: number): void {
    const change = height - this.#heights[index]!;
    this.#heights[index] = height;
    for (let at = index + 1; at <= this.count; at += at & -at) this.#sums[at]! += change;
  }

  /** Where a row begins; of `count`, where the last one ends. */
  offsetOf(index: number): number {
    let sum = 0;
    for (let at = index; at > 0; at -= at & -at) sum += this.#sums[at]!;
    return sum;
  }

  /** The row that covers the offset; the first or last one outside. */
  indexAt(offset: number): number {
    let index = 0;
    let rest = offset;
    for (let step = this.#top; step > 0; step >>= 1) {
      const next = index + step;
      if (next <= this.count && this.#sums[next]! <= rest) {
        index = next;
        rest -= this.#sums[next]!;
      }
    }
    return Math.max(0, Math.min(index, this.count - 1));
  }
}
