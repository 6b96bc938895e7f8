import { nsPerMs } from "#base";
import { type LabelPair, Labels } from "#model";
import type { MatrixSeries } from "#query";
import { floorDivide, stepCount, type StepRange } from "./split-range.ts";

/** One series over all steps of a query: a value where `present` is 1. */
export interface StepSeries {
  readonly labels: Labels;
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

/**
 * The answer of a metric range query as columns over its steps, put together from parts and cut
 * into parts. Parts may come in any order and must not overlap.
 */
export class StepColumns {
  readonly steps: StepRange;
  readonly stepNs: bigint;
  readonly stepCount: number;
  readonly #byKey = new Map<string, StepSeries>();
  readonly #timesMs: Float64Array;

  constructor(steps: StepRange, stepNs: bigint) {
    this.steps = steps;
    this.stepNs = stepNs;
    this.stepCount = stepCount(steps, stepNs);
    this.#timesMs = new Float64Array(this.stepCount);
    for (let i = 0, timeNs = steps.firstNs; i < this.stepCount; i++, timeNs += stepNs) {
      this.#timesMs[i] = Number(floorDivide(timeNs, nsPerMs));
    }
  }

  get seriesCount(): number {
    return this.#byKey.size;
  }

  indexOf(timeNs: bigint): number {
    return Number((timeNs - this.steps.firstNs) / this.stepNs);
  }

  /** The columns of a series, new ones if need be. `pairs` are sorted. */
  seriesOf(pairs: readonly LabelPair[]): StepSeries {
    const labels = Labels.ofSorted(pairs);
    let series = this.#byKey.get(labels.key);
    if (series === undefined) {
      const values = new Float64Array(this.stepCount);
      series = { labels, values, present: new Uint8Array(this.stepCount) };
      this.#byKey.set(labels.key, series);
    }
    return series;
  }

  /**
   * Adds an answer of the engine. False, with some of it added, when two of its series have the
   * same labels: then the columns cannot say it.
   */
  addAnswer(answer: readonly MatrixSeries[], steps: StepRange): boolean {
    const fromStep = this.indexOf(steps.firstNs);
    const seen = new Set<StepSeries>();
    for (const { labels, timesMs, values } of answer) {
      const series = this.seriesOf(labels);
      if (seen.has(series)) return false;
      seen.add(series);
      let step = fromStep;
      for (let i = 0; i < timesMs.length; i++) {
        while (this.#timesMs[step]! < timesMs[i]!) step++;
        series.values[step] = values[i]!;
        series.present[step] = 1;
      }
    }
    return true;
  }

  /** All series, in any order. */
  all(): Iterable<StepSeries> {
    return this.#byKey.values();
  }

  /** As the engine gives a matrix: sorted, without what is absent. */
  answer(): MatrixSeries[] {
    const sorted = [...this.#byKey].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([, { labels, values, present }]) => {
      if (!present.includes(0)) return { labels: labels.pairs, timesMs: this.#timesMs, values };
      const isPresent = (_: number, step: number): boolean => present[step] === 1;
      return {
        labels: labels.pairs,
        timesMs: this.#timesMs.filter(isPresent),
        values: values.filter(isPresent),
      };
    });
  }
}
