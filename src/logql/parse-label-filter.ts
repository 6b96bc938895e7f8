import type { MatchOp } from "#model";
import type { CompareOp, LabelFilter } from "./ast.ts";
import { parseNumber } from "./literals.ts";
import { makeMatcher } from "./make-matcher.ts";
import { ParseError } from "./parse-error.ts";
import type { TokenStream } from "./token-stream.ts";

const comparisons: readonly string[] = ["=", "==", "!=", ">", ">=", "<", "<="];

/** Whether a label filter can begin with this token. */
export function startsLabelFilter(kind: string): boolean {
  return kind === "IDENTIFIER" || kind === "(";
}

/** `and` (also `,` or nothing) binds tighter than `or`; parentheses group. */
export function parseLabelFilter(stream: TokenStream): LabelFilter {
  const depth = stream.depth;
  let left = parseConjunction(stream);
  while (stream.accept("or") !== undefined) {
    stream.deepen();
    left = { kind: "or", left, right: parseConjunction(stream) };
  }
  stream.depth = depth;
  return left;
}

function parseConjunction(stream: TokenStream): LabelFilter {
  const depth = stream.depth;
  let left = parseUnary(stream);
  for (;;) {
    const joined = stream.accept("and") ?? stream.accept(",");
    if (joined === undefined && !startsLabelFilter(stream.kind)) break;
    stream.deepen();
    left = { kind: "and", left, right: parseUnary(stream) };
  }
  stream.depth = depth;
  return left;
}

function parseUnary(stream: TokenStream): LabelFilter {
  if (stream.accept("(") !== undefined) {
    stream.deepen();
    const inner = parseLabelFilter(stream);
    stream.expectUnlisted(")");
    stream.depth--;
    return inner;
  }
  const name = stream.expect("IDENTIFIER", "IDENTIFIER", "(").text;
  const op = stream.kind;
  if (op === "=~" || op === "!~") {
    stream.take();
    return textFilter(name, op, stream.expect("STRING").text);
  }
  if (!comparisons.includes(op)) stream.unexpected();
  stream.take();
  if (op === "=" || op === "!=") {
    if (stream.is("STRING")) return textFilter(name, op, stream.take().text);
    if (stream.is("ip")) return { kind: "ip", name, op, pattern: parseIpCall(stream) };
  }
  return parseComparison(stream, name, op === "=" ? "==" : (op as CompareOp));
}

function textFilter(name: string, op: MatchOp, value: string): LabelFilter {
  return { kind: "text", matcher: makeMatcher(name, op, value) };
}

/** `ip("…")`; the current token is `ip`. */
export function parseIpCall(stream: TokenStream): string {
  stream.take();
  stream.expect("(");
  const pattern = stream.expect("STRING").text;
  stream.expect(")");
  return pattern;
}

function parseComparison(stream: TokenStream, name: string, op: CompareOp): LabelFilter {
  const token = stream.current;
  switch (token.kind) {
    case "DURATION":
      stream.take();
      return { kind: "duration", name, op, value: Number(token.ns), literal: token.text };
    case "BYTES":
      stream.take();
      return { kind: "bytes", name, op, value: token.bytes, literal: token.text };
    case "NUMBER":
    case "+":
    case "-": {
      const { value, literal } = parseSignedNumber(stream);
      return { kind: "number", name, op, value, literal };
    }
    default:
      return stream.unexpected();
  }
}

/** `[+|-] NUMBER`, the sign being a token of its own. */
export function parseSignedNumber(stream: TokenStream): { value: number; literal: string } {
  const sign = stream.is("NUMBER") ? undefined : stream.take().kind;
  const token = stream.expect("NUMBER");
  const number = parseNumber(token.text);
  if ("fault" in number) {
    throw new ParseError(`unable to parse literal as a float: ${number.fault}`);
  }
  return sign === "-"
    ? { value: -number.value, literal: `-${token.text}` }
    : { value: number.value, literal: token.text };
}
