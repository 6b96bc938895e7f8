import { nsPerMs, nsPerSecond, RequestError } from "#base";
import { formatGoDuration } from "#gofmt";
import {
  type Expr,
  isAnswerStage,
  type LogExpr,
  type MetricExpr,
  printStage,
  type RangeAggregation,
} from "#logql";
import { checkBlocked } from "./blocked-queries.ts";
import type { QueryRequest } from "./engine.ts";
import { formatPromDuration } from "./prom-duration.ts";

/** More points than this in one series are refused (Prometheus' and Loki's limit). */
export const pointsMax = 11_000n;

/** Loki's default step: 250 points, at least a second apart, whole seconds. */
export function stepOf({ kind, fromNs, toNs, stepNs }: QueryRequest): bigint {
  if (kind === "instant") return nsPerSecond;
  if (stepNs !== undefined) return stepNs;
  const seconds = (toNs - fromNs) / (250n * nsPerSecond);
  return (seconds > 1n ? seconds : 1n) * nsPerSecond;
}

/** What is checked before the text is parsed. Throws RequestError 400. */
export function checkTimes(request: QueryRequest): void {
  const { fromNs, toNs } = request;
  if (request.limit <= 0) throw new RequestError(400, "limit must be a positive value");
  if (request.kind === "instant") return;
  if (toNs < fromNs) {
    throw new RequestError(400, "end timestamp must not be before or equal to start time");
  }
  const stepNs = stepOf(request);
  if (stepNs <= 0n) {
    throw new RequestError(
      400,
      "zero or negative query resolution step widths are not accepted. Try a positive integer",
    );
  }
  if ((toNs - fromNs) / stepNs > pointsMax) {
    throw new RequestError(
      400,
      "exceeded maximum resolution of 11,000 points per time series. " +
        "Try increasing the value of the step parameter",
    );
  }
}

/** What the parsed query may ask for. Throws RequestError 400 in Loki's words. */
export function checkQuery(expr: Expr, request: QueryRequest): void {
  if (expr.kind === "log" && request.kind === "instant") {
    throw new RequestError(
      400,
      "log queries are not supported as an instant query type, " +
        "please change your query to a range query type",
    );
  }
  checkBlocked(expr, request);
  checkPaging(expr, request);
  const ranges = rangesOf(expr);
  const selectors = expr.kind === "log" ? [expr] : ranges.map((range) => range.log);
  if (request.kind === "range") for (const log of selectors) checkRequiredLabels(log, request);
  for (const log of selectors) checkMatchersCount(log, request);
  if (expr.kind === "log") checkEntriesLimit(request);
  for (const range of ranges) checkRange(range, request);
  checkLength(ranges, request);
}

/** Pages and stages on the whole answer are ours, and only for what they make sense for. */
function checkPaging(expr: Expr, { cursor, intervalNs }: QueryRequest): void {
  const stage = expr.kind === "log" ? expr.stages.find(isAnswerStage) : undefined;
  if (stage !== undefined && intervalNs !== 0n) {
    throw new RequestError(400, `interval cannot be combined with '${printStage(stage)}'`);
  }
  if (cursor === undefined) return;
  if (expr.kind !== "log") throw new RequestError(400, "cursor is for log queries only");
  if (intervalNs !== 0n) throw new RequestError(400, "cursor cannot be combined with interval");
  if (stage !== undefined) {
    throw new RequestError(400, `cursor cannot be combined with '${printStage(stage)}'`);
  }
}

function rangesOf(expr: Expr): RangeAggregation[] {
  return expr.kind === "log" ? [] : collectRanges(expr, []);
}

function collectRanges(expr: MetricExpr, found: RangeAggregation[]): RangeAggregation[] {
  switch (expr.kind) {
    case "rangeAggregation":
      found.push(expr);
      return found;
    case "vectorAggregation":
    case "labelReplace":
      return collectRanges(expr.input, found);
    case "binary":
      return collectRanges(expr.right, collectRanges(expr.left, found));
    case "vector":
    case "number":
      return found;
    default:
      return expr satisfies never;
  }
}

function checkRequiredLabels({ matchers }: LogExpr, { limits }: QueryRequest): void {
  const present = [...new Set(matchers.map((matcher) => matcher.name))];
  const missing = limits.requiredLabels.filter((name) => !present.includes(name));
  if (missing.length > 0) {
    throw new RequestError(
      400,
      `stream selector is missing required matchers [${missing.join(", ")}], ` +
        `labels present in the query were [${present.join(", ")}]`,
    );
  }
  if (present.length < limits.requiredNumberLabels) {
    throw new RequestError(
      400,
      `stream selector has less label matchers than required: (present: [${present.join(", ")}], ` +
        `number_present: ${present.length}, ` +
        `required_number_label_matchers: ${limits.requiredNumberLabels})`,
    );
  }
}

function checkMatchersCount({ matchers }: LogExpr, { limits }: QueryRequest): void {
  const max = limits.maxStreamsMatchersPerQuery;
  if (max <= 0 || matchers.length <= max) return;
  throw new RequestError(
    400,
    `max streams matchers per query exceeded, matchers-count > limit (${matchers.length} > ${max})`,
  );
}

function checkEntriesLimit({ limit, limits }: QueryRequest): void {
  const max = limits.maxEntriesLimitPerQuery;
  if (max <= 0 || limit <= max) return;
  throw new RequestError(
    400,
    "max entries limit per query exceeded, limit > max_entries_limit_per_query " +
      `(${limit} > ${max})`,
  );
}

function checkRange({ rangeNs }: RangeAggregation, { limits }: QueryRequest): void {
  const maxNs = BigInt(limits.maxQueryRangeMs) * nsPerMs;
  if (maxNs <= 0n || rangeNs <= maxNs) return;
  throw new RequestError(
    400,
    `[interval] value exceeds limit: [${formatPromDuration(rangeNs)}] > ` +
      `[${formatPromDuration(maxNs)}]`,
  );
}

/** The time asked for, then the time that has to be read for it. */
function checkLength(ranges: readonly RangeAggregation[], request: QueryRequest): void {
  const { fromNs, toNs } = request;
  const lengthNs = request.kind === "range" ? toNs - fromNs : 0n;
  checkLengthLimit(lengthNs, request);
  for (const { rangeNs } of ranges) checkLengthLimit(lengthNs + rangeNs, request);
}

/** Of anything that reads a stretch of time. */
export function checkLengthLimit(lengthNs: bigint, { limits }: Pick<QueryRequest, "limits">): void {
  const maxNs = BigInt(limits.maxQueryLengthMs) * nsPerMs;
  if (maxNs <= 0n || lengthNs <= maxNs) return;
  throw new RequestError(
    400,
    `the query time range exceeds the limit (query length: ${formatGoDuration(lengthNs)}, ` +
      `limit: ${formatPromDuration(maxNs)})`,
  );
}
