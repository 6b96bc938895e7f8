import { type LabelGrouping, LabelGroups } from "./grouping.ts";
import type { Matrix, Series } from "./series.ts";

export type AggregateFunction = "sum" | "avg" | "min" | "max" | "count" | "stddev" | "stdvar";

/**
 * Aggregates the series of each group, step by step. A step of a group has a value where at least
 * one of its series has. Sums are compensated (Neumaier), deviations are those of the population by
 * Welford's method; a NaN is never taken as minimum or maximum while there is another value.
 */
export function aggregate(
  input: Matrix,
  options: { readonly fn: AggregateFunction; readonly grouping: LabelGrouping },
): Matrix {
  const { stepCount } = input;
  const groups = new LabelGroups(options.grouping);
  const states: Columns[] = [];
  for (const series of input.series) {
    const group = groups.numberOf(series.labels);
    const state = states[group] ?? newColumns(stepCount);
    states[group] = state;
    add[options.fn](state, series);
  }
  const series = states.map((state, group) => {
    finish[options.fn](state);
    return { labels: groups.labels[group]!, values: state.main, present: state.present };
  });
  return { stepCount, series };
}

/** Working columns of one group; what `main` and `extra` hold is the function's own business. */
interface Columns {
  readonly present: Uint8Array;
  readonly counts: Float64Array;
  readonly main: Float64Array;
  readonly extra: Float64Array;
}

function newColumns(stepCount: number): Columns {
  return {
    present: new Uint8Array(stepCount),
    counts: new Float64Array(stepCount),
    main: new Float64Array(stepCount),
    extra: new Float64Array(stepCount),
  };
}

const add: Record<AggregateFunction, (state: Columns, series: Series) => void> = {
  sum: addSum,
  avg: addSum,
  min: (state, series) => addExtreme(state, series, -1),
  max: (state, series) => addExtreme(state, series, 1),
  count: addCount,
  stddev: addDeviation,
  stdvar: addDeviation,
};

const finish: Record<AggregateFunction, (state: Columns) => void> = {
  sum: finishSum,
  avg: finishAverage,
  min: () => {},
  max: () => {},
  count: () => {},
  stddev: (state) => finishDeviation(state, true),
  stdvar: (state) => finishDeviation(state, false),
};

function addSum(state: Columns, { values, present }: Series): void {
  const { main, extra, counts } = state;
  for (let i = 0; i < values.length; i++) {
    if (present[i] === 0) continue;
    const value = values[i]!;
    const sum = main[i]!;
    const next = sum + value;
    extra[i]! += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    main[i] = next;
    counts[i]!++;
    state.present[i] = 1;
  }
}

/** An infinite sum has a meaningless compensation. */
function finishSum({ main, extra }: Columns): void {
  for (let i = 0; i < main.length; i++) if (Number.isFinite(main[i])) main[i]! += extra[i]!;
}

function finishAverage(state: Columns): void {
  finishSum(state);
  for (let i = 0; i < state.main.length; i++) state.main[i]! /= state.counts[i]! || 1;
}

function addExtreme(state: Columns, { values, present }: Series, sign: number): void {
  const { main } = state;
  for (let i = 0; i < values.length; i++) {
    if (present[i] === 0) continue;
    const value = values[i]!;
    const best = main[i]!;
    if (state.present[i] === 0 || value * sign > best * sign || Number.isNaN(best)) main[i] = value;
    state.present[i] = 1;
  }
}

function addCount(state: Columns, { values, present }: Series): void {
  for (let i = 0; i < values.length; i++) {
    if (present[i] === 0) continue;
    state.main[i]!++;
    state.present[i] = 1;
  }
}

function addDeviation(state: Columns, { values, present }: Series): void {
  const { main: squares, extra: means, counts } = state;
  for (let i = 0; i < values.length; i++) {
    if (present[i] === 0) continue;
    const delta = values[i]! - means[i]!;
    counts[i]!++;
    means[i]! += delta / counts[i]!;
    squares[i]! += delta * (values[i]! - means[i]!);
    state.present[i] = 1;
  }
}

function finishDeviation({ main, counts }: Columns, root: boolean): void {
  for (let i = 0; i < main.length; i++) {
    const variance = main[i]! / (counts[i]! || 1);
    main[i] = root ? Math.sqrt(variance) : variance;
  }
}
