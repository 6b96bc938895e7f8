import { newSeries, type Series } from "#evaluator";
import type { Labels } from "#model";
import { selectRank } from "./select-rank.ts";
import type { FoldSample, WindowFold } from "./window-fold.ts";

/** The samples of one window, in order of time: columns[from, to). */
export interface SampleWindow {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/**
 * Functions that need every sample of a window: quantiles, counter rates. Keeps 24 bytes a sample.
 */
export class SampleFold implements WindowFold {
  readonly #stepCount: number;
  readonly #valueOf: (window: SampleWindow) => number;
  readonly #hold: (bytes: number) => void;
  readonly #isOrderFree: boolean;
  #count = 0;
  /** Every sample counts for one step. */
  #isDisjoint = true;
  #times = new Float64Array(16);
  #values = new Float64Array(16);
  #fromSteps = new Int32Array(16);
  #toSteps = new Int32Array(16);

  constructor(
    stepCount: number,
    options: {
      valueOf: (window: SampleWindow) => number;
      hold: (bytes: number) => void;
      /** `valueOf` looks at values alone, whatever their order. */
      isOrderFree: boolean;
    },
  ) {
    this.#stepCount = stepCount;
    this.#valueOf = options.valueOf;
    this.#hold = options.hold;
    this.#isOrderFree = options.isOrderFree;
  }

  get heldBytes(): number {
    return this.#times.length * 24 + this.#stepCount * 9;
  }

  add(fromStep: number, toStep: number, { time, value }: FoldSample): void {
    if (this.#count === this.#times.length) this.#grow();
    const at = this.#count++;
    if (toStep !== fromStep + 1) this.#isDisjoint = false;
    this.#times[at] = time;
    this.#values[at] = value;
    this.#fromSteps[at] = fromStep;
    this.#toSteps[at] = toStep;
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    this.#hold((capacity - this.#times.length) * 24);
    this.#times = copyInto(new Float64Array(capacity), this.#times);
    this.#values = copyInto(new Float64Array(capacity), this.#values);
    this.#fromSteps = copyInto(new Int32Array(capacity), this.#fromSteps);
    this.#toSteps = copyInto(new Int32Array(capacity), this.#toSteps);
  }

  finish(labels: Labels): Series {
    if (this.#isOrderFree) this.#sortBySteps();
    else this.#sortByTime();
    const series = newSeries(labels, this.#stepCount);
    let from = 0;
    let to = 0;
    for (let step = 0; step < this.#stepCount; step++) {
      from = firstAfter(step, this.#toSteps, from, this.#count);
      to = firstAfter(step, this.#fromSteps, to, this.#count);
      if (from >= to) continue;
      series.present[step] = 1;
      series.values[step] = this.#valueOf({
        times: this.#times,
        values: this.#values,
        from,
        to,
        step,
      });
    }
    return series;
  }

  /** Equal times keep their order of arrival. */
  #sortByTime(): void {
    const times = this.#times.subarray(0, this.#count);
    if (times.every((time, i) => i === 0 || times[i - 1]! <= time)) return;
    const order = Uint32Array.from(times, (_, i) => i);
    order.sort((a, b) => times[a]! - times[b]! || a - b);
    this.#take(order);
  }

  /**
   * Both steps of a sample grow with its time, so samples by first step and, for equal ones, by
   * last step have their windows side by side. Two stable countings, the minor key first.
   */
  #sortBySteps(): void {
    const all = ascending(this.#count);
    const byLast = this.#isDisjoint ? all : this.#counted(all, this.#toSteps);
    this.#take(this.#counted(byLast, this.#fromSteps));
  }

  #counted(order: Uint32Array, steps: Int32Array): Uint32Array {
    const starts = new Uint32Array(this.#stepCount + 2);
    countSteps(steps, order.length, starts);
    sumUp(starts);
    return placed(order, steps, starts);
  }

  #take(order: Uint32Array): void {
    const { length } = order;
    // Whom order does not matter, times do not matter either.
    if (!this.#isOrderFree) this.#times = picked(this.#times, order, new Float64Array(length));
    this.#values = picked(this.#values, order, new Float64Array(length));
    this.#fromSteps = picked(this.#fromSteps, order, new Int32Array(length));
    this.#toSteps = picked(this.#toSteps, order, new Int32Array(length));
  }
}

// Loops over samples are functions of their own, so that they are compiled as a whole, once:
// docs/decisions/0476-hot-loops-are-functions.md.

/** The first place from `from` on whose step is after `step`; `count` when there is none. */
function firstAfter(step: number, steps: Int32Array, from: number, count: number): number {
  let at = from;
  while (at < count && steps[at]! <= step) at++;
  return at;
}

function ascending(count: number): Uint32Array {
  const all = new Uint32Array(count);
  for (let i = 0; i < count; i++) all[i] = i;
  return all;
}

/** How many samples each step has, one place further on. */
function countSteps(steps: Int32Array, count: number, counts: Uint32Array): void {
  for (let i = 0; i < count; i++) counts[steps[i]! + 1]!++;
}

/** Counts become where the samples of each step will start. */
function sumUp(counts: Uint32Array): void {
  for (let step = 1; step < counts.length; step++) counts[step]! += counts[step - 1]!;
}

/** `order` by step; `starts` is used up. */
function placed(order: Uint32Array, steps: Int32Array, starts: Uint32Array): Uint32Array {
  const out = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) {
    const sample = order[i]!;
    out[starts[steps[sample]!]!++] = sample;
  }
  return out;
}

function picked<T extends Float64Array | Int32Array>(source: T, order: Uint32Array, out: T): T {
  for (let i = 0; i < order.length; i++) out[i] = source[order[i]!]!;
  return out;
}

function copyInto<T extends Float64Array | Int32Array>(target: T, source: T): T {
  target.set(source);
  return target;
}

/** Linear between neighbours at rank q × (n - 1); a NaN sorts before everything. */
export function quantileOf(q: number, window: SampleWindow): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const values = window.values.slice(window.from, window.to);
  const spoiled = spoiledFirst(values);
  const numbers = values.subarray(spoiled);
  const rank = q * (values.length - 1);
  const lower = Math.floor(rank);
  const upper = Math.min(values.length - 1, lower + 1);
  if (lower < spoiled) return Number.NaN;
  const weight = rank - lower;
  selectRank(numbers, lower - spoiled);
  const below = numbers[lower - spoiled]!;
  let above = below;
  if (upper > lower) {
    above = Infinity;
    for (let i = upper - spoiled; i < numbers.length; i++) {
      if (numbers[i]! < above) above = numbers[i]!;
    }
  }
  return below * (1 - weight) + above * weight;
}

/** Puts NaN before all numbers; how many there are. */
function spoiledFirst(values: Float64Array): number {
  let spoiled = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isNaN(values[i])) continue;
    values[i] = values[spoiled]!;
    values[spoiled++] = Number.NaN;
  }
  return spoiled;
}

/**
 * Prometheus' extrapolated rate of a counter: the increase with resets undone, extended to the
 * borders of the window, but by half the average gap where the gap to the border is more than 1.1
 * times the average, and at the start not past where the counter would have been zero.
 */
export function counterRateOf(
  window: SampleWindow,
  borders: { readonly startTime: number; readonly endTime: number },
): number {
  const { times, values, from, to } = window;
  if (to - from < 2) return 0;
  const first = values[from]!;
  let increase = values[to - 1]! - first;
  for (let i = from + 1; i < to; i++) if (values[i]! < values[i - 1]!) increase += values[i - 1]!;

  const covered = times[to - 1]! - times[from]!;
  const averageGap = covered / (to - from - 1);
  let toStart = times[from]! - borders.startTime;
  const toEnd = borders.endTime - times[to - 1]!;
  if (increase > 0 && first >= 0) toStart = Math.min(toStart, covered * (first / increase));

  const far = averageGap * 1.1;
  const extended =
    covered + (toStart < far ? toStart : averageGap / 2) + (toEnd < far ? toEnd : averageGap / 2);
  return (increase * (extended / covered)) / ((borders.endTime - borders.startTime) / 1e9);
}
