import { RequestError } from "#base";
import type { LabelGrouping, SetOperator, ValueOperator } from "#evaluator";
import { isSetOperator, type Matching, matchOnAllLabels, oneGroup } from "#evaluator";
import type {
  BinaryExpr,
  Expr,
  LogExpr,
  MetricExpr,
  RangeAggregation,
  RangeFunction,
  Unwrap,
  VectorAggregation,
  VectorFunction,
} from "#logql";
import { compileRegex, type Regex, RegexSyntaxError } from "#regex";
import { shapeOf } from "./expr-shape.ts";

/** What a query will do, decided before anything is read. Frozen data. */
export type QueryPlan =
  | { readonly kind: "log"; readonly log: LogExpr }
  | { readonly kind: "metric"; readonly root: PlanNode; readonly ranges: readonly RangePlan[] };

export type PlanNode =
  | { readonly kind: "range"; readonly range: RangePlan }
  | {
      readonly kind: "aggregation";
      readonly fn: VectorFunction;
      readonly parameter: number;
      readonly grouping: LabelGrouping;
      readonly input: PlanNode;
    }
  | {
      readonly kind: "combine";
      readonly op: ValueOperator;
      readonly left: PlanNode;
      readonly right: PlanNode;
      readonly returnBool: boolean;
      readonly matching: Matching;
    }
  | {
      readonly kind: "set";
      readonly op: SetOperator;
      readonly left: PlanNode;
      readonly right: PlanNode;
      readonly matching: Matching;
    }
  | {
      readonly kind: "labelReplace";
      readonly input: PlanNode;
      readonly target: string;
      readonly replacement: string;
      readonly source: string;
      readonly regex: Regex;
    }
  | { readonly kind: "vector"; readonly value: number }
  | { readonly kind: "number"; readonly value: number };

/**
 * One range aggregation: which entries, which series they make, what is computed of each window.
 */
export interface RangePlan {
  readonly fn: RangeFunction;
  readonly parameter: number;
  /** Of count_distinct_over_time. */
  readonly label: string | undefined;
  readonly log: LogExpr;
  readonly unwrap: Unwrap | undefined;
  readonly rangeNs: bigint;
  readonly offsetNs: bigint;
  /**
   * Entries whose labels agree in this grouping make one series: that of the function itself, or
   * that of a `sum` above it that was pushed down, so that memory is per series of the result and
   * not per stream.
   */
  readonly grouping: LabelGrouping;
}

/** Throws RequestError 400 for what a plan cannot do. */
export function planQuery(expr: Expr): QueryPlan {
  if (expr.kind === "log") return { kind: "log", log: expr };
  const ranges: RangePlan[] = [];
  const root = planNode(expr, ranges);
  return { kind: "metric", root, ranges };
}

function planNode(expr: MetricExpr, ranges: RangePlan[]): PlanNode {
  switch (expr.kind) {
    case "rangeAggregation":
      return rangeNode(planRange(expr, undefined), ranges);
    case "vectorAggregation":
      return planAggregation(expr, ranges);
    case "binary":
      return planBinary(expr, ranges);
    case "labelReplace":
      return {
        kind: "labelReplace",
        input: planNode(expr.input, ranges),
        target: expr.target,
        replacement: expr.replacement,
        source: expr.source,
        regex: anchoredRegex(expr.regex),
      };
    case "vector":
      return { kind: "vector", value: expr.value };
    case "number":
      return { kind: "number", value: expr.value };
    default:
      return expr satisfies never;
  }
}

/** A range aggregation that occurs twice is read once. */
function rangeNode(range: RangePlan, ranges: RangePlan[]): PlanNode {
  const shape = shapeOf(range);
  const known = ranges.find((other) => shapeOf(other) === shape);
  if (known !== undefined) return { kind: "range", range: known };
  ranges.push(range);
  return { kind: "range", range };
}

function planAggregation(expr: VectorAggregation, ranges: RangePlan[]): PlanNode {
  const { input } = expr;
  const grouping = expr.grouping ?? oneGroup;
  if (input.kind === "rangeAggregation" && canPushDown(expr, input)) {
    return rangeNode(planRange(input, grouping), ranges);
  }
  return {
    kind: "aggregation",
    fn: expr.fn,
    parameter: expr.parameter ?? 0,
    grouping,
    input: planNode(input, ranges),
  };
}

const summable: ReadonlySet<RangeFunction> = new Set([
  "count_over_time",
  "rate",
  "bytes_over_time",
  "bytes_rate",
  "sum_over_time",
]);

/** A sum of sums is the sum over the joined series, a maximum of maxima the maximum. */
function canPushDown(outer: VectorAggregation, inner: RangeAggregation): boolean {
  if (inner.grouping !== undefined) return false;
  // The unwrapped label is no label of the series, so a group cannot be made of it.
  if (outer.grouping?.names.includes(inner.unwrap?.label ?? "") === true) return false;
  if (outer.fn === "sum") return summable.has(inner.fn);
  return (
    (outer.fn === "max" && inner.fn === "max_over_time") ||
    (outer.fn === "min" && inner.fn === "min_over_time")
  );
}

function planRange(expr: RangeAggregation, pushedDown: LabelGrouping | undefined): RangePlan {
  return {
    fn: expr.fn,
    parameter: expr.parameter ?? 0,
    label: expr.label,
    log: expr.log,
    unwrap: expr.unwrap,
    rangeNs: expr.rangeNs,
    offsetNs: expr.offsetNs,
    grouping: seriesGrouping(pushedDown ?? expr.grouping, expr.label ?? expr.unwrap?.label),
  };
}

/** The label that is unwrapped or counted leaves the labels, unless a `by` names it. */
function seriesGrouping(
  grouping: LabelGrouping | undefined,
  label: string | undefined,
): LabelGrouping {
  if (grouping !== undefined && !grouping.without) return grouping;
  const names = [...(grouping?.names ?? [])];
  if (label !== undefined) names.push(label);
  return { without: true, names };
}

function planBinary(expr: BinaryExpr, ranges: RangePlan[]): PlanNode {
  const { op } = expr;
  const left = planNode(expr.left, ranges);
  const right = planNode(expr.right, ranges);
  const matching = expr.matching ?? matchOnAllLabels;
  if (isSetOperator(op)) return { kind: "set", op, left, right, matching };
  return { kind: "combine", op, left, right, matching, returnBool: expr.returnBool };
}

/** As Loki wraps it, so that errors show what it shows; `.` takes no newline. */
function anchoredRegex(source: string): Regex {
  try {
    return compileRegex(`^(?:${source})$`, { anchored: false });
  } catch (error) {
    if (error instanceof RegexSyntaxError) throw new RequestError(400, error.message);
    throw error;
  }
}
