import { LruMap, MiB, RequestError } from "#base";
import type { BinaryOp, Expr, LogExpr, MetricExpr, VectorMatching } from "./ast.ts";
import { checkExpr, checkStages } from "./check.ts";
import { Faults } from "./faults.ts";
import { foldNumbers } from "./fold.ts";
import { formatFixed } from "./literals.ts";
import { numberOf, parseRangeAggregation, parseVectorAggregation } from "./parse-aggregations.ts";
import { parseSignedNumber } from "./parse-label-filter.ts";
import { parseNames, parseSelector } from "./parse-selector.ts";
import { parseStages } from "./parse-stages.ts";
import { precedenceOf } from "./precedence.ts";
import { TokenStream } from "./token-stream.ts";
import { rangeFunctions, vectorFunctions } from "./tokens.ts";

export interface ParseOptions {
  /**
   * Whether templates, expressions and patterns of the stages must compile (default: yes). Loki
   * finds their faults when it builds the pipeline, after everything else; formatting a query never
   * does.
   */
  readonly checkStages?: boolean;
  /**
   * Whether a selector needs a matcher that refuses the empty value (default: yes). Looking up
   * series and deleting do without.
   */
  readonly requireMatcher?: boolean;
}

/**
 * Rules and dashboards ask the same texts again and again, and each is read by the frontend and by
 * the engine. A tree takes some ten times the characters of its text. Trees never change, so all
 * may have the same one; texts that are refused are not remembered.
 */
const rememberedCharsMax: number = 2 * MiB;
/** Longer texts are put together by programs, and seldom come twice. */
const rememberedTextMax = 4_096;

const remembered: LruMap<string, Expr> = new LruMap({
  name: "parsed_queries",
  weightMax: rememberedCharsMax,
  weigh: (_expr, text) => text.length,
});

/** Text → syntax tree. Throws ParseError in Loki's words. */
export function parseQuery(text: string, options: ParseOptions = {}): Expr {
  const { checkStages: isChecked = true, requireMatcher = true } = options;
  if (!isChecked || !requireMatcher || text.length > rememberedTextMax) {
    return parseAnew(text, options);
  }
  let expr = remembered.get(text);
  if (expr === undefined) remembered.set(text, (expr = parseAnew(text, options)));
  return expr;
}

function parseAnew(text: string, options: ParseOptions): Expr {
  const faults = new Faults();
  const parser = new QueryParser(new TokenStream(text), faults);
  const expr = parser.parse();
  checkExpr(expr, faults, { requireMatcher: options.requireMatcher ?? true });
  if (options.checkStages ?? true) checkStages(expr);
  return expr;
}

class QueryParser {
  readonly #stream: TokenStream;
  readonly #faults: Faults;

  constructor(stream: TokenStream, faults: Faults) {
    this.#stream = stream;
    this.#faults = faults;
  }

  parse(): Expr {
    const expr = this.#binary(1);
    this.#stream.expectUnlisted("$end");
    return expr;
  }

  /** An expression of operators that bind at least as tightly as `level`. */
  #binary(level: number): Expr {
    const stream = this.#stream;
    const depth = stream.depth;
    stream.deepen();
    let left = this.#operand();
    for (;;) {
      const own = precedenceOf(stream.kind);
      if (own === undefined || own < level) break;
      stream.deepen();
      left = this.#operation(left, own);
    }
    stream.depth = depth;
    return left;
  }

  #operation(left: Expr, level: number): Expr {
    const stream = this.#stream;
    const op = stream.take().kind as BinaryOp;
    const returnBool = stream.accept("bool") !== undefined;
    const matching = this.#matching();
    const right = this.#binary(op === "^" ? level : level + 1);
    const span = { from: left.span.from, to: stream.lastTo };
    if (left.kind === "log") return this.#wrongOperand("left", op, left);
    if (right.kind === "log") return this.#wrongOperand("right", op, right);
    const isSetOp = op === "and" || op === "or" || op === "unless";
    const isSound = this.#faults.of(left) === undefined && this.#faults.of(right) === undefined;
    if (!isSetOp && isSound && left.kind === "number" && right.kind === "number") {
      return { kind: "number", value: foldNumbers(op, left.value, right.value), span };
    }
    const node: MetricExpr = { kind: "binary", op, left, right, returnBool, matching, span };
    if (!isSetOp) return node;
    for (const [side, leg] of [
      ["left", left],
      ["right", right],
    ] as const) {
      if (leg.kind !== "number" || !isSound) continue;
      const value = formatFixed(leg.value);
      const what = `unexpected literal for ${side} leg of logical/set binary operation`;
      this.#faults.add(node, `${what} (${op}): ${value}`);
    }
    return node;
  }

  /** Stands in for an operation that checkExpr will refuse. */
  #wrongOperand(side: "left" | "right", op: BinaryOp, log: LogExpr): MetricExpr {
    const type = log.stages.length === 0 ? "MatchersExpr" : "PipelineExpr";
    return this.#faults.add(
      { kind: "number", value: 0, span: log.span },
      `unexpected type for ${side} leg of binary operation (${op}): *syntax.${type}`,
    );
  }

  #matching(): VectorMatching | undefined {
    const stream = this.#stream;
    if (!stream.is("on") && !stream.is("ignoring")) return undefined;
    const on = stream.take().kind === "on";
    const names = parseNames(stream);
    if (!stream.is("group_left") && !stream.is("group_right")) {
      const isDefault = !on && names.length === 0;
      return isDefault ? undefined : { on, names, group: undefined, include: [] };
    }
    const group = stream.take().kind === "group_left" ? "left" : "right";
    const include = stream.is("(") ? parseNames(stream) : [];
    return { on, names, group, include };
  }

  #operand(): Expr {
    const stream = this.#stream;
    const { kind, from } = stream.current;
    if (kind === "{") {
      const matchers = parseSelector(stream);
      const stages = parseStages(stream, { stopAtUnwrap: false });
      return { kind: "log", matchers, stages, span: stream.spanFrom(from) };
    }
    if (kind === "(") {
      stream.take();
      const inner = this.#binary(1);
      stream.expectUnlisted(")");
      return inner;
    }
    if (kind === "NUMBER" || kind === "+" || kind === "-") {
      const { value } = parseSignedNumber(stream);
      return { kind: "number", value, span: stream.spanFrom(from) };
    }
    if (rangeFunctions.has(kind)) return parseRangeAggregation(stream, this.#faults);
    if (vectorFunctions.has(kind)) {
      return parseVectorAggregation(stream, this.#faults, () => this.#metric());
    }
    if (kind === "LABEL_REPLACE") return this.#labelReplace();
    if (kind === "VECTOR") return this.#vector();
    return stream.unexpected();
  }

  /** A metric expression inside a call: a log expression makes the token after it unexpected. */
  #metric(): MetricExpr {
    const expr = this.#binary(1);
    return expr.kind === "log" ? this.#stream.unexpected() : expr;
  }

  #vector(): MetricExpr {
    const stream = this.#stream;
    const from = stream.take().from;
    stream.expect("(");
    const value = numberOf(stream.expect("NUMBER").text);
    stream.expect(")");
    return { kind: "vector", value, span: stream.spanFrom(from) };
  }

  #labelReplace(): MetricExpr {
    const stream = this.#stream;
    const from = stream.take().from;
    stream.expect("(");
    const input = this.#metric();
    stream.expectUnlisted(",");
    const texts: string[] = [];
    for (let i = 0; i < 4; i++) {
      if (i > 0) stream.expect(",");
      texts.push(stream.expect("STRING").text);
    }
    stream.expect(")");
    const [target, replacement, source, regex] = texts as [string, string, string, string];
    const span = stream.spanFrom(from);
    return { kind: "labelReplace", input, target, replacement, source, regex, span };
  }
}

/**
 * Only `{…}`, as the endpoints that look up series take it. Throws ParseError; RequestError 400
 * when there is more than that.
 */
export function parseLogSelector(
  text: string,
  options: Pick<ParseOptions, "requireMatcher"> = {},
): Pick<LogExpr, "matchers"> {
  const expr = parseQuery(text, { ...options, checkStages: false });
  if (expr.kind === "log" && expr.stages.length === 0) return { matchers: expr.matchers };
  throw new RequestError(400, "only label matchers are supported");
}
