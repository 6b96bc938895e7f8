import { nsPerMs } from "#base";

/**
 * The evaluation times start, start + step, … of a metric query; `stepCount` is 1 for an instant
 * query.
 */
export interface StepGrid {
  readonly startNs: bigint;
  readonly stepNs: bigint;
  readonly stepCount: number;
}

export function instantGrid(timeNs: bigint): StepGrid {
  return { startNs: timeNs, stepNs: 1n, stepCount: 1 };
}

/**
 * Times of a range query. With `aligned` (queries that are split by time) the start is rounded down
 * and the end up to multiples of the step since 1970, so that parts of a split query share their
 * steps.
 */
export function rangeGrid(range: {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly stepNs: bigint;
  readonly aligned: boolean;
}): StepGrid {
  const { stepNs } = range;
  let { fromNs: startNs, toNs: endNs } = range;
  if (range.aligned) {
    startNs = floorDivide(startNs, stepNs) * stepNs;
    endNs = -floorDivide(-endNs, stepNs) * stepNs;
  }
  return { startNs, stepNs, stepCount: Number((endNs - startNs) / stepNs) + 1 };
}

export function lastStepNs(grid: StepGrid): bigint {
  return grid.startNs + BigInt(grid.stepCount - 1) * grid.stepNs;
}

/** Times of the steps, cut to milliseconds. */
export function stepTimesMs(grid: StepGrid): Float64Array {
  const times = new Float64Array(grid.stepCount);
  let timeNs = grid.startNs;
  for (let i = 0; i < times.length; i++) {
    times[i] = Number(floorDivide(timeNs, nsPerMs));
    timeNs += grid.stepNs;
  }
  return times;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a < 0n && quotient * b !== a ? quotient - 1n : quotient;
}

/** Largest integer up to which doubles count by one. */
const exactMax = 2n ** 53n;

/** A base is near up to here (52 days), so that what is added to it stays exact. */
const nearNs = 2 ** 52;

/**
 * Which steps count an entry: the window of step T is (T - offset - range, T - offset], so an entry
 * at t counts for the steps T with t + offset <= T < t + offset + range.
 *
 * For the entries of a block, times are given as offsets from the block's base. Base and grid meet
 * once in integers, as a whole number of steps and a rest below one step; what is left per entry is
 * exact in doubles while a block and a step each span less than 2^53 ns.
 */
export class WindowSteps {
  readonly #grid: StepGrid;
  readonly #rangeNs: bigint;
  readonly #offsetNs: bigint;
  readonly #step: number;
  #baseNs: bigint | undefined;
  #firstSteps = 0;
  #firstRest = 0;
  #lastSteps = 0;
  #lastRest = 0;

  constructor(grid: StepGrid, window: { readonly rangeNs: bigint; readonly offsetNs: bigint }) {
    this.#grid = grid;
    this.#rangeNs = window.rangeNs;
    this.#offsetNs = window.offsetNs;
    this.#step = Number(grid.stepNs < exactMax ? grid.stepNs : exactMax);
  }

  /** Entries that can count for some step, as a half-open range. */
  get entryRange(): { readonly fromNs: bigint; readonly toNs: bigint } {
    return {
      fromNs: this.#grid.startNs - this.#offsetNs - this.#rangeNs + 1n,
      toNs: lastStepNs(this.#grid) - this.#offsetNs + 1n,
    };
  }

  /** No entry counts for more than one step. */
  get areDisjoint(): boolean {
    return this.#grid.stepCount === 1 || this.#rangeNs <= this.#grid.stepNs;
  }

  /** Some entries between the first and the last window count for no step. */
  get haveGaps(): boolean {
    return this.#grid.stepCount > 1 && this.#rangeNs < this.#grid.stepNs;
  }

  /** Sets a base if there is none near, and gives the offset of a time from it. */
  offsetOf(timeNs: bigint): number {
    const base = this.#baseNs;
    if (base !== undefined) {
      const offset = Number(timeNs - base);
      if (offset >= 0 && offset <= nearNs) return offset;
    }
    this.setBase(timeNs);
    return 0;
  }

  setBase(baseNs: bigint): void {
    this.#baseNs = baseNs;
    const first = baseNs + this.#offsetNs - this.#grid.startNs;
    const last = first + this.#rangeNs;
    const { stepNs } = this.#grid;
    this.#firstSteps = Number(floorDivide(first, stepNs));
    this.#firstRest = Number(first - floorDivide(first, stepNs) * stepNs);
    this.#lastSteps = Number(floorDivide(last, stepNs));
    this.#lastRest = Number(last - floorDivide(last, stepNs) * stepNs);
  }

  /** First step that counts an entry at base + offset. */
  firstStep(offset: number): number {
    const step = this.#firstSteps + Math.ceil((this.#firstRest + offset) / this.#step);
    return step > 0 ? step : 0;
  }

  /**
   * The last offset, from this one on, that counts for the same steps [from, to): both bounds are
   * ceilings that grow with the offset.
   */
  lastOffsetOf(from: number, to: number): number {
    const first = (from - this.#firstSteps) * this.#step - this.#firstRest;
    if (to >= this.#grid.stepCount) return first;
    return Math.min(first, (to - this.#lastSteps) * this.#step - this.#lastRest);
  }

  /** One past the last step that counts an entry at base + offset. */
  endStep(offset: number): number {
    const step = this.#lastSteps + Math.ceil((this.#lastRest + offset) / this.#step);
    return step < this.#grid.stepCount ? step : this.#grid.stepCount;
  }
}
