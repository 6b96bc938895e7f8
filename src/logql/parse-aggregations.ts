import type {
  Grouping,
  MetricExpr,
  RangeAggregation,
  RangeFunction,
  VectorAggregation,
  VectorFunction,
} from "./ast.ts";
import type { Faults } from "./faults.ts";
import { parseNumber } from "./literals.ts";
import { type LogRange, parseLogRange } from "./parse-log-range.ts";
import { ParseError } from "./parse-error.ts";
import { parseNames } from "./parse-selector.ts";
import type { TokenStream } from "./token-stream.ts";
import { rangeFunctions, vectorFunctions } from "./tokens.ts";

const groupableRangeFunctions: ReadonlySet<RangeFunction> = new Set([
  "avg_over_time",
  "min_over_time",
  "max_over_time",
  "stddev_over_time",
  "stdvar_over_time",
  "quantile_over_time",
  "first_over_time",
  "last_over_time",
  "count_distinct_over_time",
]);

/** Functions that count entries: they refuse `unwrap`; the others but the two below demand it. */
const entryFunctions: ReadonlySet<RangeFunction> = new Set([
  "count_over_time",
  "bytes_over_time",
  "bytes_rate",
  "count_distinct_over_time",
]);
const eitherFunctions: ReadonlySet<RangeFunction> = new Set(["rate", "absent_over_time"]);

const parameterFunctions: ReadonlySet<VectorFunction> = new Set(["topk", "bottomk", "approx_topk"]);

/** `fn([number | label,] logRange) [grouping]`; the current token is the function. */
export function parseRangeAggregation(stream: TokenStream, faults: Faults): RangeAggregation {
  const token = stream.take();
  const fn = rangeFunctions.get(token.kind)!;
  stream.expect("(");
  let parameter: number | undefined;
  let label: string | undefined;
  if (fn === "count_distinct_over_time") {
    label = stream.expect("IDENTIFIER").text;
    stream.expect(",");
    if (!stream.is("{") && !stream.is("(")) stream.unexpected("{", "(");
  } else if (stream.is("NUMBER")) {
    parameter = numberOf(stream.take().text);
    stream.expect(",");
    if (!stream.is("{") && !stream.is("(")) stream.unexpected("{", "(");
  } else if (!stream.is("{") && !stream.is("(")) stream.unexpected("NUMBER", "{", "(");
  const range = parseLogRange(stream);
  stream.expect(")");
  const grouping = parseGrouping(stream);
  const node: RangeAggregation = {
    kind: "rangeAggregation",
    fn,
    parameter,
    ...(label === undefined ? {} : { label }),
    ...range,
    grouping,
    span: stream.spanFrom(token.from),
  };
  return faults.add(node, rangeFault(fn, parameter, range, grouping));
}

function rangeFault(
  fn: RangeFunction,
  parameter: number | undefined,
  range: LogRange,
  grouping: Grouping | undefined,
): string | undefined {
  if (fn === "quantile_over_time" && parameter === undefined) {
    return "parameter required for operation quantile_over_time";
  }
  if (fn !== "quantile_over_time" && parameter !== undefined) {
    return `parameter ${parameter} not supported for operation ${fn}`;
  }
  if (grouping !== undefined && !groupableRangeFunctions.has(fn)) {
    return `grouping not allowed for ${fn} aggregation`;
  }
  if (eitherFunctions.has(fn)) return undefined;
  const unwraps = range.unwrap !== undefined;
  if (entryFunctions.has(fn) === !unwraps) return undefined;
  return `invalid aggregation ${fn} ${unwraps ? "with" : "without"} unwrap`;
}

/** `fn [grouping] ([number,] metric) [grouping]`; the current token is the function. */
export function parseVectorAggregation(
  stream: TokenStream,
  faults: Faults,
  parseMetric: () => MetricExpr,
): VectorAggregation {
  const token = stream.take();
  const fn = vectorFunctions.get(token.kind)!;
  let grouping = parseGrouping(stream);
  const isGrouped = grouping !== undefined;
  stream.expect("(");
  let parameter: string | undefined;
  if (stream.is("NUMBER") && stream.nextKind === ",") {
    parameter = stream.take().text;
    stream.take();
  }
  const input = parseMetric();
  stream.expectUnlisted(")");
  if (!isGrouped) grouping = parseGrouping(stream);
  if (grouping?.without === false && grouping.names.length === 0) grouping = undefined;
  const node: VectorAggregation = {
    kind: "vectorAggregation",
    fn,
    parameter:
      parameter === undefined || !parameterFunctions.has(fn) ? undefined : Number(parameter),
    input,
    grouping,
    span: stream.spanFrom(token.from),
  };
  return faults.add(node, vectorFault(fn, parameter, grouping));
}

/** The messages break off where Loki's do. */
function vectorFault(
  fn: VectorFunction,
  parameter: string | undefined,
  grouping: Grouping | undefined,
): string | undefined {
  if (!parameterFunctions.has(fn)) {
    if (parameter !== undefined) return `unsupported parameter for operation ${fn}(${parameter},`;
    return grouping !== undefined && fn.startsWith("sort")
      ? "sort and sort_desc doesn't allow grouping by"
      : undefined;
  }
  if (parameter === undefined) return `parameter required for operation ${fn}`;
  if (!/^[0-9]+$/.test(parameter) || !Number.isSafeInteger(Number(parameter))) {
    return `invalid parameter ${fn}(${parameter},`;
  }
  if (Number(parameter) === 0) {
    return `invalid parameter (must be greater than 0) ${fn}(${parameter}`;
  }
  return grouping !== undefined && fn === "approx_topk"
    ? "grouping not allowed for approx_topk aggregation"
    : undefined;
}

function parseGrouping(stream: TokenStream): Grouping | undefined {
  if (!stream.is("by") && !stream.is("without")) return undefined;
  const without = stream.take().kind === "without";
  return { without, names: parseNames(stream) };
}

/** The value of a NUMBER token. */
export function numberOf(text: string): number {
  const number = parseNumber(text);
  if ("value" in number) return number.value;
  throw new ParseError(`unable to parse literal as a float: ${number.fault}`);
}
