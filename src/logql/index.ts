/** LogQL: text → syntax tree → text. */
export type * from "./ast.ts";
export { isAnswerStage, splitStages } from "./answer-stages.ts";
export { checkMatchers } from "./check.ts";
export { parseJsonPath, parseLogfmtKey } from "./field-path.ts";
export { foldNumbers } from "./fold.ts";
export { formatQuery } from "./format.ts";
export { compileIpMatcher } from "./ip-pattern.ts";
export { parseLabelPairs, parseLabels } from "./labels-text.ts";
export { parseBytes, parseDuration, parseRangeDuration } from "./literals.ts";
export { makeMatcher } from "./make-matcher.ts";
export { ParseError } from "./parse-error.ts";
export { type ParseOptions, parseLogSelector, parseQuery } from "./parse-query.ts";
export { parsePattern, type PatternPart } from "./pattern.ts";
export { PatternError } from "./pattern-error.ts";
export { printExpr } from "./print.ts";
export { printMatchers, printStage } from "./print-stage.ts";
