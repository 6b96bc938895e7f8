import type { ByteStrings } from "#columns";
import { parseQuery } from "#logql";
import { compileLineFilter, type LineFilter, type LineMatcher } from "./line-matchers.ts";
import { type LineFacts, searchLines } from "./line-search.ts";

export interface StoredSearch {
  /** False when none of these lines can pass. */
  mayPass(lines: Buffer): boolean;
  /** A byte per line, 1 for those that pass. */
  passing(lines: ByteStrings, facts: LineFacts): Uint8Array;
}

/** `LineSearch.filters` of #storage as a search. Throws RequestError 400 for other text. */
export function compileStoredSearch(filters: string): StoredSearch {
  const expr = parseQuery(`{} ${filters}`, { requireMatcher: false });
  const stages = expr.kind === "log" ? expr.stages : [];
  const compiled = stages.flatMap((stage) =>
    stage.kind === "lineFilter" ? [compileLineFilter(stage)] : [],
  );
  return {
    mayPass: (lines) => !compiled.some((filter) => isAbsent(filter, lines)),
    passing: (lines, facts) => searchLines(lines, facts, compiled, undefined),
  };
}

/** Nothing that the filter wants can be in the bytes, wherever lines end. */
function isAbsent({ isNegated, matchers }: LineFilter, bytes: Buffer): boolean {
  return !isNegated && matchers.every((matcher) => isMissing(matcher, bytes));
}

function isMissing(matcher: LineMatcher, bytes: Buffer): boolean {
  switch (matcher.kind) {
    case "none":
      return true;
    case "literal":
      return !bytes.includes(matcher.bytes);
    case "regex":
    case "pattern":
      return matcher.needle !== undefined && !bytes.includes(matcher.needle);
    // A second search for them would cost as much as the first.
    case "literals":
    case "all":
    case "ip":
      return false;
    default:
      return matcher satisfies never;
  }
}
