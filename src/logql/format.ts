/**
 * Syntax tree → LogQL for people: what fits a line stays on it, the rest is broken up and indented
 * by two spaces a level, as Loki's format_query does it. Reads back as the same tree.
 */
import type { BinaryExpr, BinaryOp, Expr, LogExpr, MetricExpr, RangeAggregation } from "./ast.ts";
import { precedenceOf } from "./precedence.ts";
import { printExpr, printGrouping, printOperator, printWindow, replaceTexts } from "./print.ts";
import { printMatchers, printStage, printUnwrap } from "./print-stage.ts";

/** Characters an expression may take on one line, its indentation not counted. */
const lineLengthMax = 100;

export function formatQuery(expr: Expr): string {
  return formatExpr(expr, 0);
}

function indent(level: number): string {
  return "  ".repeat(level);
}

function formatExpr(expr: Expr, level: number): string {
  const line = printExpr(expr);
  if (line.length <= lineLengthMax) return indent(level) + line;
  switch (expr.kind) {
    case "log":
      return formatLog(expr, level);
    case "rangeAggregation": {
      const parts = [formatRange(expr, level + 1)];
      const first = expr.parameter ?? expr.label;
      if (first !== undefined) parts.unshift(`${indent(level + 1)}${first}`);
      const grouping = expr.grouping === undefined ? "" : ` ${printGrouping(expr.grouping, ", ")}`;
      return `${formatCall(expr.fn, parts, level)}${grouping}`;
    }
    case "vectorAggregation": {
      const parts = [formatExpr(expr.input, level + 1)];
      if (expr.parameter !== undefined) parts.unshift(`${indent(level + 1)}${expr.parameter}`);
      const grouping = expr.grouping === undefined ? "" : ` ${printGrouping(expr.grouping, ", ")}`;
      return formatCall(expr.fn + grouping, parts, level);
    }
    case "binary":
      return formatBinary(expr, level);
    case "labelReplace": {
      const texts = replaceTexts(expr).map((text) => indent(level + 1) + text);
      return formatCall("label_replace", [formatExpr(expr.input, level + 1), ...texts], level);
    }
    case "vector":
    case "number":
      return indent(level) + line;
    default:
      return expr satisfies never;
  }
}

/** `parts` are indented already. */
function formatCall(head: string, parts: readonly string[], level: number): string {
  return `${indent(level)}${head}(\n${parts.join(",\n")}\n${indent(level)})`;
}

function formatLog(log: LogExpr, level: number): string {
  const stages = log.stages.map((stage) => `\n${indent(level + 1)}${printStage(stage)}`);
  return `${indent(level)}${printMatchers(log.matchers)}${stages.join("")}`;
}

/**
 * The inside of a range function: the log expression, each part of unwrap on a line, the window at
 * the end of the last.
 */
function formatRange(expr: RangeAggregation, level: number): string {
  const lines = [formatExpr(expr.log, level)];
  if (expr.unwrap !== undefined) {
    lines.push(indent(level + 1) + printUnwrap(expr.unwrap));
    for (const filter of expr.unwrap.filters) lines.push(indent(level + 1) + printStage(filter));
  }
  return `${lines.join("\n")} ${printWindow(expr)}`;
}

function formatBinary(expr: BinaryExpr, level: number): string {
  const left = formatLeg(expr.left, expr.op, "left", level + 1);
  const right = formatLeg(expr.right, expr.op, "right", level + 1);
  return `${left}\n${indent(level)}${printOperator(expr)}\n${right}`;
}

/**
 * A broken-up operation has no parentheses of its own: it gets them where precedence would read it
 * otherwise.
 */
function formatLeg(
  leg: MetricExpr,
  outer: BinaryOp,
  side: "left" | "right",
  level: number,
): string {
  const isBroken = leg.kind === "binary" && printExpr(leg).length > lineLengthMax;
  if (!isBroken || bindsAsLeg(leg.op, outer, side)) return formatExpr(leg, level);
  return `${indent(level)}(\n${formatExpr(leg, level + 1)}\n${indent(level)})`;
}

function bindsAsLeg(inner: BinaryOp, outer: BinaryOp, side: "left" | "right"): boolean {
  const [innerLevel, outerLevel] = [precedenceOf(inner)!, precedenceOf(outer)!];
  if (innerLevel !== outerLevel) return innerLevel > outerLevel;
  return side === (outer === "^" ? "right" : "left");
}
