import { Labels } from "#model";

/**
 * The values of one series over a step grid, as columns: at step i the series has values[i] when
 * present[i] is 1, and nothing when it is 0 (a NaN is a value). An instant vector is a grid of one
 * step. Whoever builds a series owns its columns until it is returned; from then on nobody writes
 * to them, operators make new ones.
 */
export interface Series {
  readonly labels: Labels;
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

/**
 * Series over one grid; all columns are `stepCount` long. The order of the series is kept where it
 * means something.
 */
export interface Matrix {
  readonly stepCount: number;
  readonly series: readonly Series[];
}

export function newSeries(labels: Labels, stepCount: number): Series {
  return { labels, values: new Float64Array(stepCount), present: new Uint8Array(stepCount) };
}

/** One series without labels that has the same value at every step. */
export function constantMatrix(value: number, stepCount: number): Matrix {
  const series = newSeries(Labels.empty, stepCount);
  series.values.fill(value);
  series.present.fill(1);
  return { stepCount, series: [series] };
}

/** The matrix without series that have no value anywhere. */
export function withoutEmptySeries(matrix: Matrix): Matrix {
  return { ...matrix, series: matrix.series.filter((one) => one.present.includes(1)) };
}
