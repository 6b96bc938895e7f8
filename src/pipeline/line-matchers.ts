import type { LineFilterOp, LineFilterStage } from "#logql";
import { compileRegex, type Regex } from "#regex";
import { findBytes } from "./bytes-search.ts";
import { latin1Text } from "./bytes-text.ts";
import { compileIp } from "./ip-match.ts";
import { type PatternPart, readPattern } from "./pattern-parts.ts";

/** One alternative of a line filter. */
export type LineMatcher =
  | { readonly kind: "all" }
  | { readonly kind: "none" }
  | { readonly kind: "literal"; readonly bytes: Buffer }
  | LiteralsMatcher
  | { readonly kind: "regex"; readonly regex: Regex; readonly needle: Buffer | undefined }
  | {
      readonly kind: "pattern";
      readonly parts: readonly PatternPart[];
      readonly needle: Buffer | undefined;
    }
  | { readonly kind: "ip"; readonly matches: (text: string) => boolean };

/**
 * A line passes when some matcher matches and the filter is not negated, or none does and it is.
 */
export interface LineFilter {
  readonly isNegated: boolean;
  readonly matchers: readonly LineMatcher[];
}

/** Any of several literals, found in one pass. None of them is empty or has a newline in it. */
export interface LiteralsMatcher {
  readonly kind: "literals";
  readonly all: readonly Buffer[];
  /** Finds them in bytes seen as latin1; flag `g`. */
  readonly search: RegExp;
}

export function compileLineFilter(stage: LineFilterStage): LineFilter {
  const matchers = stage.alternatives.flatMap(({ text, isIp }) =>
    isIp ? [{ kind: "ip", matches: compileIp(text) } as const] : matchersOf(stage.op, text),
  );
  return { isNegated: stage.op.startsWith("!"), matchers };
}

function matchersOf(op: LineFilterOp, text: string): LineMatcher[] {
  switch (op) {
    case "|=":
    case "!=":
      return [literalMatcher(text)];
    case "|~":
    case "!~":
      return regexMatchers(text);
    case "|>":
    case "!>":
      return [patternMatcher(text)];
    default:
      return op satisfies never;
  }
}

function literalMatcher(text: string): LineMatcher {
  return text === "" ? { kind: "all" } : { kind: "literal", bytes: Buffer.from(text) };
}

function regexMatchers(source: string): LineMatcher[] {
  if (source === "") return [{ kind: "all" }];
  const regex = compileRegex(source, { anchored: false });
  if (regex.literals !== undefined) return literalMatchers(regex.literals);
  return [{ kind: "regex", regex, needle: requiredNeedle(regex) }];
}

/**
 * The engine finds this many in one pass about as fast as one (measured for the 32 spellings of
 * `(?i)error`); it has no good way with very many.
 */
const literalsInOnePassMax = 64;

function literalMatchers(texts: readonly string[]): LineMatcher[] {
  const isPlain = texts.every((text) => text !== "" && !text.includes("\n"));
  if (texts.length < 2 || texts.length > literalsInOnePassMax || !isPlain) {
    return texts.map(literalMatcher);
  }
  const all = texts.map((text) => Buffer.from(text));
  return [{ kind: "literals", all, search: new RegExp(all.map(bytesSource).join("|"), "g") }];
}

function bytesSource(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

/** Shorter needles are found too often to be worth the search. */
const needleBytesMin = 3;

/** The longest literal that every match contains, when there is one alone. */
function requiredNeedle(regex: Regex): Buffer | undefined {
  const alone = regex.requiredLiterals.filter((term) => term.length === 1).map(([text]) => text!);
  return longest(alone.map((text) => Buffer.from(text)));
}

function longest(candidates: readonly Buffer[]): Buffer | undefined {
  let best: Buffer | undefined;
  for (const bytes of candidates) {
    if (bytes.length >= needleBytesMin && bytes.length > (best?.length ?? 0)) best = bytes;
  }
  return best;
}

function patternMatcher(text: string): LineMatcher {
  const parts = readPattern(text, "filter");
  if (parts.length === 0) return { kind: "none" };
  const literals = parts.flatMap((part) => (part.kind === "literal" ? [part.bytes] : []));
  return { kind: "pattern", parts, needle: longest(literals) };
}

/**
 * `|>`: literals in this order, each at its first place behind the one before; a capture takes at
 * least one byte, the last literal must end the line.
 */
export function matchesPattern(
  parts: readonly PatternPart[],
  buffer: Buffer,
  from: number,
  to: number,
): boolean {
  if (from === to) return false;
  let at = from;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (part.kind !== "literal") continue;
    const found = findBytes(buffer, at, to, part.bytes);
    if (found < 0 || (i !== 0 && found === at)) return false;
    at = found + part.bytes.length;
  }
  const endsOpen = parts.at(-1)!.kind === "capture";
  return endsOpen ? at < to : at === to;
}

/** Bytes [from, to) of `buffer`, whose text is made when a matcher wants it. */
export interface LineView {
  readonly buffer: Buffer;
  readonly from: number;
  readonly to: number;
  text(): string;
}

export function matchesLine(matcher: LineMatcher, line: LineView): boolean {
  switch (matcher.kind) {
    case "all":
      return true;
    case "none":
      return false;
    case "literal":
      return findBytes(line.buffer, line.from, line.to, matcher.bytes) >= 0;
    case "literals":
      matcher.search.lastIndex = 0;
      return matcher.search.test(latin1Text(line.buffer, line.from, line.to));
    case "regex":
      return matcher.regex.test(line.text());
    case "pattern":
      return matchesPattern(matcher.parts, line.buffer, line.from, line.to);
    case "ip":
      return matcher.matches(line.text());
    default:
      return matcher satisfies never;
  }
}

export function passesFilter(filter: LineFilter, line: LineView): boolean {
  for (const matcher of filter.matchers) {
    if (matchesLine(matcher, line)) return !filter.isNegated;
  }
  return filter.isNegated;
}
