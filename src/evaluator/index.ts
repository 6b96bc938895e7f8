/**
 * The vector evaluator: series over a step grid, and what can be done with them. Knows nothing of
 * logs.
 */
export { type AggregateFunction, aggregate } from "./aggregate.ts";
export { groupLabels, type LabelGrouping, oneGroup } from "./grouping.ts";
export { replaceLabel } from "./label-replace.ts";
export { type Matching, matchOnAllLabels } from "./matching.ts";
export { compute, isSetOperator, type SetOperator, type ValueOperator } from "./operators.ts";
export { combineWithScalar } from "./scalar-binary.ts";
export {
  constantMatrix,
  type Matrix,
  newSeries,
  type Series,
  withoutEmptySeries,
} from "./series.ts";
export { combineSets } from "./set-operators.ts";
export { sortSeries, topSeries } from "./top-series.ts";
export { combineVectors } from "./vector-binary.ts";
