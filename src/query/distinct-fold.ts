import { newSeries, type Series } from "#evaluator";
import type { Labels } from "#model";
import type { FoldSample, WindowFold } from "./window-fold.ts";

/** A remembered value: its place in the map and its first interval. */
const valueBytes = 120;
const intervalBytes = 16;

/**
 * Distinct texts by step, exactly: for each text the steps whose windows hold it, as disjoint
 * ascending half-open intervals. Entries that follow each other in time touch the last interval, so
 * a text that stays around costs one interval however often it occurs.
 */
export class DistinctFold implements WindowFold {
  readonly heldBytes: number;
  readonly #stepCount: number;
  readonly #hold: (bytes: number) => void;
  /** from, to, from, to, … */
  readonly #intervals = new Map<string, number[]>();

  constructor(stepCount: number, options: { hold: (bytes: number) => void }) {
    this.#stepCount = stepCount;
    this.#hold = options.hold;
    this.heldBytes = stepCount * 17;
  }

  add(fromStep: number, toStep: number, { text = "" }: FoldSample): void {
    const known = this.#intervals.get(text);
    if (known === undefined) {
      this.#intervals.set(text, [fromStep, toStep]);
      this.#hold(valueBytes + text.length * 2);
      return;
    }
    const before = known.length;
    insertInterval(known, fromStep, toStep);
    if (known.length > before) this.#hold(intervalBytes);
  }

  finish(labels: Labels): Series {
    const changes = new Float64Array(this.#stepCount + 1);
    for (const intervals of this.#intervals.values()) {
      for (let i = 0; i < intervals.length; i += 2) {
        changes[intervals[i]!]! += 1;
        changes[intervals[i + 1]!]! -= 1;
      }
    }
    const series = newSeries(labels, this.#stepCount);
    let count = 0;
    for (let step = 0; step < this.#stepCount; step++) {
      count += changes[step]!;
      if (count === 0) continue;
      series.present[step] = 1;
      series.values[step] = count;
    }
    return series;
  }
}

/** Adds [from, to) and joins what touches it. */
function insertInterval(intervals: number[], from: number, to: number): void {
  // Mostly it belongs to the end.
  let at = intervals.length;
  while (at > 0 && intervals[at - 2]! > to) at -= 2;
  let first = at;
  let low = from;
  let high = to;
  while (first > 0 && intervals[first - 1]! >= from) {
    first -= 2;
    low = Math.min(low, intervals[first]!);
    high = Math.max(high, intervals[first + 1]!);
  }
  intervals.splice(first, at - first, low, high);
}
