import { newSeries, type Series } from "#evaluator";
import type { Labels } from "#model";

/**
 * What a range function makes of the entries of one series. `add` takes an entry that counts for
 * the steps [fromStep, toStep), in order of arrival; `finish` gives the values and ends the fold.
 */
export interface WindowFold {
  add(fromStep: number, toStep: number, sample: FoldSample): void;
  finish(labels: Labels): Series;
  /** Of a new fold; one that grows accounts for it itself. */
  readonly heldBytes: number;
}

/** One object, reused for every row. */
export interface FoldSample {
  /** Time in ns, relative to any origin that is the same for the whole query. */
  time: number;
  value: number;
  /** For counting distinct values. */
  text?: string;
  /** How many entries it stands for. */
  count: number;
}

/**
 * Entries and a whole-number weight by step, as difference arrays: an entry costs two additions
 * however many windows count it, and whole numbers below 2^53 come out exact.
 */
export class CountFold implements WindowFold {
  readonly heldBytes: number;
  readonly #counts: Float64Array;
  readonly #weights: Float64Array | undefined;
  readonly #divisor: number;

  constructor(stepCount: number, options: { weighted: boolean; divisor: number }) {
    this.#counts = new Float64Array(stepCount + 1);
    this.#weights = options.weighted ? new Float64Array(stepCount + 1) : undefined;
    this.#divisor = options.divisor;
    this.heldBytes = (stepCount + 1) * (options.weighted ? 16 : 8) + stepCount * 9;
  }

  add(fromStep: number, toStep: number, { value, count }: FoldSample): void {
    this.#counts[fromStep]! += count;
    this.#counts[toStep]! -= count;
    if (this.#weights === undefined) return;
    this.#weights[fromStep]! += value;
    this.#weights[toStep]! -= value;
  }

  finish(labels: Labels): Series {
    const series = newSeries(labels, this.#counts.length - 1);
    let count = 0;
    let weight = 0;
    for (let i = 0; i < series.values.length; i++) {
      count += this.#counts[i]!;
      weight += (this.#weights ?? this.#counts)[i]!;
      if (count === 0) continue;
      series.present[i] = 1;
      series.values[i] = weight / this.#divisor;
    }
    return series;
  }
}
