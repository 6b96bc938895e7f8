import { LruMap } from "#base";
import type { Matcher, MatchOp } from "#model";
import { compileRegex, RegexSyntaxError } from "#regex";
import { ParseError } from "./parse-error.ts";

/** Dashboards repeat the same few expressions; compiled ones are small. */
const cachedTestsMax = 1024;

const tests: LruMap<string, (value: string) => boolean> = new LruMap({ weightMax: cachedTestsMax });

/**
 * A matcher with its test. Regular expressions are anchored at both ends. Throws ParseError when
 * one does not compile.
 */
export function makeMatcher(name: string, op: MatchOp, value: string): Matcher {
  return { name, op, value, test: testOf(op, value) };
}

function testOf(op: MatchOp, value: string): (text: string) => boolean {
  switch (op) {
    case "=":
      return (text) => text === value;
    case "!=":
      return (text) => text !== value;
    case "=~":
      return regexTest(value);
    case "!~": {
      const test = regexTest(value);
      return (text) => !test(text);
    }
    default:
      return op satisfies never;
  }
}

function regexTest(source: string): (text: string) => boolean {
  const cached = tests.get(source);
  if (cached !== undefined) return cached;
  const test = compileTest(source);
  tests.set(source, test);
  return test;
}

function compileTest(source: string): (text: string) => boolean {
  try {
    const regex = compileRegex(source, { anchored: true });
    const literals = regex.literals;
    if (literals === undefined) return (text) => regex.test(text);
    if (literals.length === 1) return (text) => text === literals[0];
    const set = new Set(literals);
    return (text) => set.has(text);
  } catch (error) {
    if (error instanceof RegexSyntaxError) throw new ParseError(error.message);
    throw error;
  }
}
