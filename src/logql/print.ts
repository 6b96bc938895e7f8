/** Syntax tree → one line of LogQL, spaced as Loki spaces it. Reads back as the same tree. */
import { quoteGo } from "#model";
import type {
  BinaryExpr,
  Expr,
  Grouping,
  LabelReplaceExpr,
  LogExpr,
  MetricExpr,
  RangeAggregation,
} from "./ast.ts";
import { formatFixed, formatGoDuration, formatGoFloat, formatRangeDuration } from "./literals.ts";
import { printMatchers, printStage, printUnwrap } from "./print-stage.ts";

export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case "log":
      return printLog(expr);
    case "rangeAggregation":
      return printRangeAggregation(expr);
    case "vectorAggregation": {
      const parameter = expr.parameter === undefined ? "" : `${expr.parameter},`;
      const grouping = expr.grouping === undefined ? "" : ` ${printGrouping(expr.grouping, ",")}`;
      return `${expr.fn}${grouping}(${parameter}${printExpr(expr.input)})`;
    }
    case "binary":
      return `(${printExpr(expr.left)} ${printOperator(expr)} ${printExpr(expr.right)})`;
    case "labelReplace": {
      const texts = replaceTexts(expr).join(",");
      return `label_replace(${printExpr(expr.input)},${texts})`;
    }
    case "vector":
      return `vector(${printVectorValue(expr.value)})`;
    case "number":
      return printNumber(expr.value);
    default:
      return expr satisfies never;
  }
}

function printLog(log: LogExpr): string {
  return [printMatchers(log.matchers), ...log.stages.map(printStage)].join(" ");
}

function printRangeAggregation(expr: RangeAggregation): string {
  const parameter =
    expr.parameter === undefined ? printLabel(expr) : `${printNumber(expr.parameter)},`;
  const grouping = expr.grouping === undefined ? "" : ` ${printGrouping(expr.grouping, ",")}`;
  const unwrap =
    expr.unwrap === undefined
      ? ""
      : ` ${[printUnwrap(expr.unwrap), ...expr.unwrap.filters.map(printStage)].join(" ")}`;
  return `${expr.fn}(${parameter}${printLog(expr.log)}${unwrap}${printWindow(expr)})${grouping}`;
}

function printLabel({ label }: RangeAggregation): string {
  return label === undefined ? "" : `${label},`;
}

/** `[5m]` with its offset. */
export function printWindow({ rangeNs, offsetNs }: RangeAggregation): string {
  const offset = offsetNs === 0n ? "" : ` offset ${formatGoDuration(offsetNs)}`;
  return `[${formatRangeDuration(rangeNs)}]${offset}`;
}

export function printGrouping({ without, names }: Grouping, separator: string): string {
  return `${without ? "without" : "by"} (${names.join(separator)})`;
}

/** The operator with its modifiers. */
export function printOperator({ op, returnBool, matching, right }: BinaryExpr): string {
  const bool = returnBool ? " bool" : "";
  if (matching === undefined) return op + bool;
  const on = ` ${matching.on ? "on" : "ignoring"} (${matching.names.join(",")})`;
  if (matching.group === undefined) return op + bool + on;
  // Without a list, what follows in parentheses would be read as one.
  const needsList = matching.include.length > 0 || right.kind === "binary" || !isPlain(right);
  const list = needsList ? ` (${matching.include.join(",")})` : "";
  return `${op}${bool}${on} group_${matching.group}${list}`;
}

/** The four texts of label_replace, quoted. */
export function replaceTexts(expr: LabelReplaceExpr): readonly string[] {
  return [expr.target, expr.replacement, expr.source, expr.regex].map(quoteGo);
}

function isPlain(expr: MetricExpr): boolean {
  return expr.kind !== "number" || Number.isFinite(expr.value);
}

/** What has no literal is printed as the sum that gives it. */
function printNumber(value: number): string {
  if (Number.isNaN(value)) return "(0 / 0)";
  if (Number.isFinite(value)) return formatGoFloat(value);
  return value > 0 ? "(1e+308 * 10)" : "(-1e+308 * 10)";
}

/** Six decimals, as Loki prints it, unless that would lose digits. */
function printVectorValue(value: number): string {
  const fixed = formatFixed(value);
  return Number(fixed) === value ? fixed : formatGoFloat(value);
}
