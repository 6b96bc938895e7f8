/** How many entries a metric query over a range of whole seconds has to count. */
import { nsPerSecond } from "#base";

export interface CountedRange {
  readonly fromSecond: number;
  /** Not in the range. */
  readonly toSecond: number;
  readonly expected: number;
}

/** Entries of the last seconds may still be on their way. */
const settleSeconds = 2;

export class CanaryMetricTest {
  readonly #rangeSeconds: number;
  /** Acknowledged entries by the second of their time; at most as many as the range has seconds. */
  readonly #counts = new Map<number, number>();
  #firstSecond: number | undefined;

  constructor(rangeSeconds: number) {
    this.#rangeSeconds = rangeSeconds;
  }

  stored(ids: readonly bigint[]): void {
    for (const id of ids) {
      const second = Number(id / nsPerSecond);
      this.#firstSecond = Math.min(second, this.#firstSecond ?? second);
      this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
    }
  }

  /** From the first entry on, at most the range; undefined when there is nothing to count yet. */
  range(nowNs: bigint): CountedRange | undefined {
    const toSecond = Number(nowNs / nsPerSecond) - settleSeconds;
    const first = this.#firstSecond;
    if (first === undefined) return undefined;
    const fromSecond = Math.max(first, toSecond - this.#rangeSeconds);
    let expected = 0;
    for (const [second, count] of this.#counts) {
      if (second < fromSecond) this.#counts.delete(second);
      else if (second < toSecond) expected += count;
    }
    return toSecond > fromSecond ? { fromSecond, toSecond, expected } : undefined;
  }
}
