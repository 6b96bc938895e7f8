import type { ByteStrings } from "#columns";
import { parseQuery } from "#logql";
import { compileLineFilter } from "./line-matchers.ts";
import { type LineFacts, searchLines } from "./line-search.ts";

/** A byte per line, 1 for those that pass. */
export type StoredSearch = (lines: ByteStrings, facts: LineFacts) => Uint8Array;

/** `LineSearch.filters` of #storage as a search. Throws RequestError 400 for other text. */
export function compileStoredSearch(filters: string): StoredSearch {
  const expr = parseQuery(`{} ${filters}`, { requireMatcher: false });
  const stages = expr.kind === "log" ? expr.stages : [];
  const compiled = stages.flatMap((stage) =>
    stage.kind === "lineFilter" ? [compileLineFilter(stage)] : [],
  );
  return (lines, facts) => searchLines(lines, facts, compiled, undefined);
}
