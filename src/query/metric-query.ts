import { RequestError } from "#base";
import type { Matrix } from "#evaluator";
import type { LogStore } from "#storage";
import type { MatrixSeries, QueryData, QueryRequest } from "./engine.ts";
import { evaluatePlan, rangesInAnswer, type Value } from "./evaluate-plan.ts";
import { runRange } from "./metric-range.ts";
import type { PlanNode, QueryPlan, RangePlan } from "./plan.ts";
import type { QueryRun } from "./query-run.ts";
import { instantGrid, rangeGrid, type StepGrid, stepTimesMs } from "./step-grid.ts";

/** Reads what the range aggregations of a plan need, then evaluates the rest. */
export async function runMetricQuery(
  store: LogStore,
  run: QueryRun,
  query: {
    readonly request: QueryRequest;
    readonly plan: QueryPlan & { kind: "metric" };
    readonly stepNs: bigint;
    readonly nowNs: () => bigint;
  },
): Promise<QueryData> {
  const { request, nowNs } = query;
  const { tenants, limits } = request;
  const grid = gridOf(request, query.stepNs);
  const ranges = new Map<RangePlan, Matrix>();
  const limitedRanges = rangesInAnswer(query.plan.root);
  for (const plan of query.plan.ranges) {
    const checkCount = limitedRanges.has(plan) ? countCheck(request) : undefined;
    ranges.set(
      plan,
      await runRange(store, run, { plan, grid, tenants, limits, nowNs, checkCount }),
    );
  }
  const limitSeries = (matrix: Matrix): Matrix => limited(matrix, request, run);
  const { stepCount } = grid;
  const value = evaluatePlan(query.plan.root, { stepCount, ranges, limitSeries });
  return dataOf(value, { grid, request, limitSeries, keepsOrder: isSorted(query.plan.root) });
}

export function gridOf({ kind, fromNs, toNs, limits }: QueryRequest, stepNs: bigint): StepGrid {
  if (kind === "instant") return instantGrid(toNs);
  return rangeGrid({ fromNs, toNs, stepNs, aligned: limits.splitQueriesByIntervalMs > 0 });
}

/** Too many series: an error, or as many as allowed and a warning. */
function limited(matrix: Matrix, request: QueryRequest, run: QueryRun): Matrix {
  const max = request.limits.maxQuerySeries;
  if (max <= 0 || matrix.series.length <= max) return matrix;
  if (!cutsSeries(request)) throw tooManySeries(max);
  const text = `${seriesReached(max)}; the answer holds the first ${max} of`;
  run.warn(`${text} ${matrix.series.length} series`);
  return { ...matrix, series: byLabels(matrix).slice(0, max) };
}

/** Ends the reading as soon as it is known that the answer will be refused. */
function countCheck(request: QueryRequest): ((count: number) => void) | undefined {
  const max = request.limits.maxQuerySeries;
  if (max <= 0 || cutsSeries(request)) return undefined;
  return (count) => {
    if (count > max) throw tooManySeries(max);
  };
}

function cutsSeries({ limits, seriesLimit }: QueryRequest): boolean {
  return (seriesLimit ?? limits.maxQuerySeriesAction) === "truncate";
}

function seriesReached(max: number): string {
  return `maximum number of series (${max}) reached for a single query`;
}

function tooManySeries(max: number): RequestError {
  return new RequestError(
    400,
    `${seriesReached(max)}; consider reducing query cardinality by adding more specific stream ` +
      "selectors, reducing the time range, or aggregating results with functions like " +
      "sum(), count() or topk()",
  );
}

function byLabels(matrix: Matrix): Matrix["series"] {
  return [...matrix.series].sort((a, b) =>
    a.labels.key < b.labels.key ? -1 : a.labels.key > b.labels.key ? 1 : 0,
  );
}

/** Does the order of the series mean something? */
function isSorted(node: PlanNode): boolean {
  switch (node.kind) {
    case "aggregation":
      return node.fn === "sort" || node.fn === "sort_desc";
    case "labelReplace":
      return isSorted(node.input);
    case "combine":
      if (node.left.kind === "number") return isSorted(node.right);
      return node.right.kind === "number" && isSorted(node.left);
    case "range":
    case "set":
    case "vector":
    case "number":
      return false;
    default:
      return node satisfies never;
  }
}

function dataOf(
  value: Value,
  options: {
    readonly grid: StepGrid;
    readonly request: QueryRequest;
    readonly limitSeries: (matrix: Matrix) => Matrix;
    readonly keepsOrder: boolean;
  },
): QueryData {
  const { grid, request, keepsOrder } = options;
  const timesMs = stepTimesMs(grid);
  const isInstant = request.kind === "instant";
  if (value.kind === "scalar") {
    if (isInstant) return { kind: "scalar", timeMs: timesMs[0]!, value: value.value };
    const values = new Float64Array(grid.stepCount).fill(value.value);
    return { kind: "matrix", series: [{ labels: [], timesMs, values }] };
  }
  const matrix = options.limitSeries(value.matrix);
  const series = keepsOrder && isInstant ? matrix.series : byLabels(matrix);
  if (isInstant) {
    const timeMs = timesMs[0]!;
    return {
      kind: "vector",
      samples: series.map((one) => ({ labels: one.labels.pairs, timeMs, value: one.values[0]! })),
    };
  }
  return { kind: "matrix", series: series.map((one) => pointsOf(one, timesMs)) };
}

function pointsOf(series: Matrix["series"][number], stepTimes: Float64Array): MatrixSeries {
  const labels = series.labels.pairs;
  if (!series.present.includes(0)) return { labels, timesMs: stepTimes, values: series.values };
  const isPresent = (_: number, step: number): boolean => series.present[step] === 1;
  return {
    labels,
    timesMs: stepTimes.filter(isPresent),
    values: series.values.filter(isPresent),
  };
}
