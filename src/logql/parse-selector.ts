import type { Matcher, MatchOp } from "#model";
import { makeMatcher } from "./make-matcher.ts";
import type { TokenStream } from "./token-stream.ts";

const matchOps: readonly string[] = ["=", "=~", "!~", "!="];

/** `{` name op string, … `}` */
export function parseSelector(stream: TokenStream): readonly Matcher[] {
  stream.expectUnlisted("{");
  if (stream.accept("}") !== undefined) return [];
  const matchers: Matcher[] = [];
  for (let isFirst = true; ; isFirst = false) {
    const name = isFirst
      ? stream.expect("IDENTIFIER", "IDENTIFIER", "}")
      : stream.expect("IDENTIFIER");
    if (!matchOps.includes(stream.kind)) stream.unexpected(...matchOps);
    matchers.push(parseMatcherRest(stream, name.text));
    if (stream.accept("}") !== undefined) return matchers;
    stream.expect(",", "}", ",");
  }
}

/** Operator and value; the caller made sure that an operator of matchers stands here. */
export function parseMatcherRest(stream: TokenStream, name: string): Matcher {
  const op = stream.take().kind as MatchOp;
  return makeMatcher(name, op, stream.expect("STRING").text);
}

export function isMatchOp(kind: string): boolean {
  return matchOps.includes(kind);
}

/** `(` name, … `)`, possibly empty. */
export function parseNames(stream: TokenStream): readonly string[] {
  stream.expect("(");
  if (stream.accept(")") !== undefined) return [];
  const names: string[] = [];
  for (let isFirst = true; ; isFirst = false) {
    const name = isFirst
      ? stream.expect("IDENTIFIER", "IDENTIFIER", ")")
      : stream.expect("IDENTIFIER");
    names.push(name.text);
    if (stream.accept(")") !== undefined) return names;
    stream.expect(",", ",", ")");
  }
}
