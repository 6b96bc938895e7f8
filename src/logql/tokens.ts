/**
 * The vocabulary of LogQL. A token's `kind` is also its name in error texts: symbols and keywords
 * stand for themselves in lower case, functions are upper case, the rest are classes (IDENTIFIER,
 * STRING, …).
 */
import type { RangeFunction, VectorFunction } from "./ast.ts";
import type { ParseError } from "./parse-error.ts";

export interface Token {
  readonly kind: string;
  /** As written; for STRING the value between the quotes with escapes resolved. */
  readonly text: string;
  /** Nanoseconds of RANGE and DURATION. */
  readonly ns: bigint;
  /** Bytes of BYTES. */
  readonly bytes: number;
  readonly line: number;
  readonly column: number;
  /** Offsets in UTF-16 units. */
  readonly from: number;
  readonly to: number;
  /** Of the kind "error": what the lexer found. */
  readonly error: ParseError | undefined;
}

/** Reserved everywhere: none of them can be a label name. */
export const keywords: ReadonlySet<string> = new Set([
  "by",
  "without",
  "on",
  "ignoring",
  "bool",
  "offset",
  "and",
  "or",
  "unless",
  "json",
  "logfmt",
  "unpack",
  "regexp",
  "pattern",
  "unwrap",
  "line_format",
  "label_format",
  "drop",
  "keep",
  "decolorize",
  "group_left",
  "group_right",
]);

export const rangeFunctions: ReadonlyMap<string, RangeFunction> = new Map(
  (
    [
      "count_over_time",
      "rate",
      "bytes_over_time",
      "bytes_rate",
      "absent_over_time",
      "sum_over_time",
      "avg_over_time",
      "min_over_time",
      "max_over_time",
      "stddev_over_time",
      "stdvar_over_time",
      "quantile_over_time",
      "first_over_time",
      "last_over_time",
      "rate_counter",
      "count_distinct_over_time",
    ] as const
  ).map((name) => [name.toUpperCase(), name]),
);

export const vectorFunctions: ReadonlyMap<string, VectorFunction> = new Map(
  (
    [
      "sum",
      "avg",
      "min",
      "max",
      "count",
      "stddev",
      "stdvar",
      "topk",
      "bottomk",
      "approx_topk",
      "sort",
      "sort_desc",
    ] as const
  ).map((name) => [name.toUpperCase(), name]),
);

/**
 * Words that are special only before `(`, or before `by (` and `without (`; elsewhere they are
 * identifiers.
 */
export const functionKinds: ReadonlyMap<string, string> = new Map([
  ...[...rangeFunctions].map(([kind, name]) => [name, kind] as const),
  ...[...vectorFunctions].map(([kind, name]) => [name, kind] as const),
  ["label_replace", "LABEL_REPLACE"],
  ["vector", "VECTOR"],
  ["ip", "ip"],
  ["bytes", "BYTES_CONV"],
  ["duration", "DURATION_CONV"],
  ["duration_seconds", "DURATION_SECONDS_CONV"],
]);

/**
 * Symbols of two characters. Errors report them at line 0, as Loki does for every token it puts
 * together itself.
 */
export const composedSymbols: ReadonlySet<string> = new Set([
  "|=",
  "|~",
  "|>",
  "!=",
  "!~",
  "!>",
  "=~",
  "==",
  ">=",
  "<=",
]);

export const symbols: ReadonlySet<string> = new Set("{}(),|=<>+-*/%^[]");

/** Flags of `| logfmt`. */
export const functionFlags: ReadonlySet<string> = new Set(["--strict", "--keep-empty"]);
