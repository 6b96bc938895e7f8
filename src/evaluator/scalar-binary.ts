import { compute, isComparison, type ValueOperator } from "./operators.ts";
import { type Matrix, newSeries, type Series } from "./series.ts";

/**
 * A vector and a number. Arithmetic keeps the labels. A comparison keeps the vector's own value
 * where it holds and nothing where it does not; with `bool` it gives 1 or 0.
 */
export function combineWithScalar(
  input: Matrix,
  scalar: number,
  options: {
    readonly op: ValueOperator;
    readonly scalarIsLeft: boolean;
    readonly returnBool: boolean;
  },
): Matrix {
  const fn = compute[options.op];
  const filters = isComparison(options.op) && !options.returnBool;
  const series = input.series.map((one): Series => {
    const out = newSeries(one.labels, input.stepCount);
    for (let i = 0; i < input.stepCount; i++) {
      if (one.present[i] === 0) continue;
      const value = one.values[i]!;
      const result = options.scalarIsLeft ? fn(scalar, value) : fn(value, scalar);
      if (filters && result === 0) continue;
      out.values[i] = filters ? value : result;
      out.present[i] = 1;
    }
    return out;
  });
  return { stepCount: input.stepCount, series };
}
