/**
 * What Loki checks once a query has parsed: first faults of metric expressions and selectors, the
 * outermost first, then whether the stages compile.
 */
import type { Matcher } from "#model";
import { compileRegex, RegexSyntaxError } from "#regex";
import type { Expr, LogExpr, MetricExpr } from "./ast.ts";
import { checkStageOrder, refuseAnswerStages } from "./answer-stages.ts";
import { checkStage } from "./check-stage.ts";
import type { Faults } from "./faults.ts";
import { ParseError } from "./parse-error.ts";

const emptySelector =
  "queries require at least one regexp or equality matcher that does not have an " +
  'empty-compatible value. For instance, app=~".*" does not meet this requirement, but ' +
  'app=~".+" will';

/** Throws ParseError for the first fault. */
export function checkExpr(expr: Expr, faults: Faults, options: { requireMatcher: boolean }): void {
  if (expr.kind === "log") {
    if (options.requireMatcher) checkMatchers(expr.matchers);
    checkStageOrder(expr);
    return;
  }
  const fault = faults.of(expr);
  if (fault !== undefined) throw new ParseError(fault);
  switch (expr.kind) {
    case "rangeAggregation":
      refuseAnswerStages(expr.log);
      return checkExpr(expr.log, faults, options);
    case "vectorAggregation":
      return checkExpr(expr.input, faults, options);
    case "binary":
      checkExpr(expr.left, faults, options);
      return checkExpr(expr.right, faults, options);
    case "labelReplace":
      checkReplaceRegex(expr.regex);
      return checkExpr(expr.input, faults, options);
    case "vector":
    case "number":
      return;
    default:
      return expr satisfies never;
  }
}

/**
 * At least one matcher must refuse the empty value, or the selector means every stream there is.
 */
export function checkMatchers(matchers: readonly Matcher[]): void {
  if (matchers.every((matcher) => matcher.test(""))) throw new ParseError(emptySelector);
}

function checkReplaceRegex(source: string): void {
  try {
    compileRegex(`^(?:${source})$`, { anchored: false });
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    throw new ParseError(`invalid regex in label_replace: ${error.message}`);
  }
}

/** Throws ParseError for the first stage that does not compile. */
export function checkStages(expr: Expr): void {
  switch (expr.kind) {
    case "log":
      return expr.stages.forEach(checkStage);
    case "rangeAggregation":
      return checkRange(expr.log, expr);
    case "vectorAggregation":
    case "labelReplace":
      return checkStages(expr.input);
    case "binary":
      checkStages(expr.left);
      return checkStages(expr.right);
    case "vector":
    case "number":
      return;
    default:
      return expr satisfies never;
  }
}

function checkRange(log: LogExpr, expr: MetricExpr & { kind: "rangeAggregation" }): void {
  log.stages.forEach(checkStage);
  expr.unwrap?.filters.forEach(checkStage);
}
