/** Lines per stretch of time. */

/** Loki's resolution; steps of questions are multiples of it. */
export const bucketSeconds = 10;

/** More buckets than a day has are not kept for one pattern: the oldest go. */
const bucketsMax = 8640;

/** Counts by bucket number: seconds since 1970 divided by `bucketSeconds`. */
export class BucketCounts {
  readonly #counts = new Map<number, number>();
  // Lines mostly come in order of time: the bucket at hand is kept out of the map.
  #bucket = Number.NaN;
  #count = 0;

  add(bucket: number, count: number): void {
    if (bucket !== this.#bucket) {
      this.#settle();
      this.#bucket = bucket;
    }
    this.#count += count;
  }

  #settle(): void {
    if (this.#count === 0) return;
    this.#counts.set(this.#bucket, (this.#counts.get(this.#bucket) ?? 0) + this.#count);
    this.#count = 0;
    if (this.#counts.size <= bucketsMax) return;
    let oldest = Number.POSITIVE_INFINITY;
    for (const bucket of this.#counts.keys()) oldest = Math.min(oldest, bucket);
    this.#counts.delete(oldest);
  }

  get size(): number {
    return this.#counts.size + (this.#count === 0 ? 0 : 1);
  }

  /** In order of time. */
  entries(): [bucket: number, count: number][] {
    this.#settle();
    return [...this.#counts].sort((a, b) => a[0] - b[0]);
  }

  /** Takes the buckets of [from, to) out and returns them in order of time. */
  take(from: number, to: number): [bucket: number, count: number][] {
    const taken = this.entries().filter(([bucket]) => bucket >= from && bucket < to);
    for (const [bucket] of taken) this.#counts.delete(bucket);
    return taken;
  }
}
