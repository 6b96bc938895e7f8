import assert from "node:assert/strict";
import { RequestError } from "#base";
import {
  aggregate,
  combineSets,
  combineVectors,
  combineWithScalar,
  compute,
  constantMatrix,
  type Matrix,
  replaceLabel,
  sortSeries,
  topSeries,
  withoutEmptySeries,
} from "#evaluator";
import type { PlanNode, RangePlan } from "./plan.ts";

/** A number, or a vector over the grid. */
export type Value =
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "vector"; readonly matrix: Matrix };

export interface Evaluation {
  readonly stepCount: number;
  /** What the range aggregations of the plan gave. */
  readonly ranges: ReadonlyMap<RangePlan, Matrix>;
  /** Applied to vectors that a client would get were they not aggregated; throws or cuts. */
  readonly limitSeries: (matrix: Matrix) => Matrix;
}

/** Pure: everything was read before. */
export function evaluatePlan(root: PlanNode, evaluation: Evaluation): Value {
  return evaluateNode(root, evaluation, false);
}

/**
 * `isMerged`: an aggregation above makes fewer series of it, so that its own number does not count
 * against the limit.
 */
function evaluateNode(node: PlanNode, evaluation: Evaluation, isMerged: boolean): Value {
  switch (node.kind) {
    case "number":
      return { kind: "scalar", value: node.value };
    case "vector":
      return vector(constantMatrix(node.value, evaluation.stepCount));
    case "range": {
      const matrix = evaluation.ranges.get(node.range);
      assert(matrix !== undefined);
      return vector(isMerged ? matrix : evaluation.limitSeries(matrix));
    }
    case "aggregation":
      return evaluateAggregation(node, evaluation, isMerged);
    case "labelReplace": {
      const input = vectorOf(evaluateNode(node.input, evaluation, isMerged));
      return vector(replaceLabel(input, node));
    }
    case "combine":
      return combine(node, evaluation);
    case "set": {
      const left = vectorOf(evaluateNode(node.left, evaluation, false));
      const right = vectorOf(evaluateNode(node.right, evaluation, false));
      return vector(combineSets(left, right, node));
    }
    default:
      return node satisfies never;
  }
}

/** Ranges whose own number of series counts against the limit; the rules of `evaluateNode`. */
export function rangesInAnswer(root: PlanNode): ReadonlySet<RangePlan> {
  const found = new Set<RangePlan>();
  collectRanges(root, false, found);
  return found;
}

function collectRanges(node: PlanNode, isMerged: boolean, found: Set<RangePlan>): void {
  switch (node.kind) {
    case "range":
      if (!isMerged && node.range.fn !== "absent_over_time") found.add(node.range);
      return;
    case "aggregation":
      return collectRanges(node.input, mergesInput(node, isMerged), found);
    case "labelReplace":
      return collectRanges(node.input, isMerged, found);
    case "combine":
    case "set":
      collectRanges(node.left, false, found);
      return collectRanges(node.right, false, found);
    case "number":
    case "vector":
      return;
    default:
      return node satisfies never;
  }
}

function mergesInput({ fn }: PlanNode & { kind: "aggregation" }, isMerged: boolean): boolean {
  if (fn === "topk" || fn === "bottomk" || fn === "approx_topk") return false;
  return fn === "sort" || fn === "sort_desc" ? isMerged : true;
}

function evaluateAggregation(
  node: PlanNode & { kind: "aggregation" },
  evaluation: Evaluation,
  isMerged: boolean,
): Value {
  const { fn, grouping, parameter } = node;
  switch (fn) {
    case "topk":
    case "bottomk":
    case "approx_topk": {
      const input = vectorOf(evaluateNode(node.input, evaluation, false));
      const options = { count: parameter, smallest: fn === "bottomk", grouping };
      return vector(topSeries(input, options));
    }
    case "sort":
    case "sort_desc": {
      const input = vectorOf(evaluateNode(node.input, evaluation, isMerged));
      return vector(sortSeries(input, { descending: fn === "sort_desc" }));
    }
    case "sum":
    case "avg":
    case "min":
    case "max":
    case "count":
    case "stddev":
    case "stdvar": {
      const input = vectorOf(evaluateNode(node.input, evaluation, true));
      const matrix = aggregate(input, { fn, grouping });
      return vector(isMerged ? matrix : evaluation.limitSeries(matrix));
    }
    default:
      return fn satisfies never;
  }
}

function combine(node: PlanNode & { kind: "combine" }, evaluation: Evaluation): Value {
  const left = evaluateNode(node.left, evaluation, false);
  const right = evaluateNode(node.right, evaluation, false);
  const { op, returnBool, matching } = node;
  if (left.kind === "scalar" && right.kind === "scalar") {
    return { kind: "scalar", value: compute[op](left.value, right.value) };
  }
  if (left.kind === "scalar") {
    const options = { op, returnBool, scalarIsLeft: true };
    return vector(combineWithScalar(vectorOf(right), left.value, options));
  }
  if (right.kind === "scalar") {
    const options = { op, returnBool, scalarIsLeft: false };
    return vector(combineWithScalar(left.matrix, right.value, options));
  }
  return vector(combineVectors(left.matrix, right.matrix, { op, returnBool, matching }));
}

function vector(matrix: Matrix): Value {
  return { kind: "vector", matrix: withoutEmptySeries(matrix) };
}

/** A number where only a vector makes sense. */
function vectorOf(value: Value): Matrix {
  if (value.kind === "vector") return value.matrix;
  throw new RequestError(
    400,
    `parse error : expected a vector but found the number ${value.value}`,
  );
}
