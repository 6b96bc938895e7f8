import type { LabelPair, Matcher } from "#model";

/**
 * The syntax tree of LogQL. Frozen data with a `kind`; every `switch` over it is exhaustive.
 * Durations are nanoseconds. Positions are offsets into the text in UTF-16 units, for editors and
 * explain.
 */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type Expr = LogExpr | MetricExpr;

/** `{…}` and its stages. */
export interface LogExpr {
  readonly kind: "log";
  readonly matchers: readonly Matcher[];
  readonly stages: readonly Stage[];
  readonly span: Span;
}

// ── Stages ───────────────────────────────────────────────────────────────────────────────────────

export type Stage =
  | LineFilterStage
  | JsonStage
  | LogfmtStage
  | PatternStage
  | RegexpStage
  | UnpackStage
  | LabelFilterStage
  | LineFormatStage
  | LabelFormatStage
  | DecolorizeStage
  | DropStage
  | KeepStage
  | AnswerStage;

/**
 * Stages that choose among or order the entries of the whole answer, after all others; not in
 * Loki's LogQL.
 */
export type AnswerStage = SortStage | LimitStage | DistinctStage;

export type LineFilterOp = "|=" | "!=" | "|~" | "!~" | "|>" | "!>";

/** One filter with its `or` alternatives, all of one operator. */
export interface LineFilterStage {
  readonly kind: "lineFilter";
  readonly op: LineFilterOp;
  /** At least one. `ip` is only possible for `|=` and `!=`. */
  readonly alternatives: readonly { readonly text: string; readonly isIp: boolean }[];
  readonly span: Span;
}

/** `name="path"`; for logfmt the path is a plain key. */
export interface ParserParameter {
  readonly name: string;
  readonly path: string;
}

export interface JsonStage {
  readonly kind: "json";
  readonly parameters: readonly ParserParameter[];
  readonly span: Span;
}

export interface LogfmtStage {
  readonly kind: "logfmt";
  readonly strict: boolean;
  readonly keepEmpty: boolean;
  readonly parameters: readonly ParserParameter[];
  readonly span: Span;
}

export interface PatternStage {
  readonly kind: "pattern";
  readonly pattern: string;
  readonly span: Span;
}

export interface RegexpStage {
  readonly kind: "regexp";
  readonly pattern: string;
  readonly span: Span;
}

export interface UnpackStage {
  readonly kind: "unpack";
  readonly span: Span;
}

export interface LabelFilterStage {
  readonly kind: "labelFilter";
  readonly filter: LabelFilter;
  readonly span: Span;
}

export type CompareOp = "==" | "!=" | ">" | ">=" | "<" | "<=";

/** `and` binds tighter than `or`; `,` and juxtaposition are `and`. */
export type LabelFilter =
  | { readonly kind: "and" | "or"; readonly left: LabelFilter; readonly right: LabelFilter }
  | { readonly kind: "text"; readonly matcher: Matcher }
  | {
      readonly kind: "number" | "duration" | "bytes";
      readonly name: string;
      readonly op: CompareOp;
      /** Number, seconds × 1e9 (ns), or bytes. */
      readonly value: number;
      /** The literal as written, for printing. */
      readonly literal: string;
    }
  | {
      readonly kind: "ip";
      readonly name: string;
      readonly op: "=" | "!=";
      readonly pattern: string;
    };

export interface LineFormatStage {
  readonly kind: "lineFormat";
  readonly template: string;
  readonly span: Span;
}

export type LabelFormat =
  | { readonly kind: "rename"; readonly to: string; readonly from: string }
  | { readonly kind: "template"; readonly to: string; readonly template: string };

export interface LabelFormatStage {
  readonly kind: "labelFormat";
  readonly formats: readonly LabelFormat[];
  readonly span: Span;
}

export interface DecolorizeStage {
  readonly kind: "decolorize";
  readonly span: Span;
}

/** A bare name, or a name with a condition on its value. */
export type LabelChoice =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "matcher"; readonly matcher: Matcher };

export interface DropStage {
  readonly kind: "drop";
  readonly choices: readonly LabelChoice[];
  readonly span: Span;
}

export interface KeepStage {
  readonly kind: "keep";
  readonly choices: readonly LabelChoice[];
  readonly span: Span;
}

/** `| sort by label desc`; stable. */
export interface SortStage {
  readonly kind: "sort";
  /** A label, or `timestamp`. */
  readonly by: string;
  readonly descending: boolean;
  readonly span: Span;
}

/** `| limit n`: the first n entries. */
export interface LimitStage {
  readonly kind: "limit";
  readonly count: number;
  readonly span: Span;
}

/** `| distinct by a, b`: the first entry of each combination of values. */
export interface DistinctStage {
  readonly kind: "distinct";
  readonly names: readonly string[];
  readonly span: Span;
}

// ── Metric expressions ───────────────────────────────────────────────────────────────────────────

export type MetricExpr =
  | RangeAggregation
  | VectorAggregation
  | BinaryExpr
  | LabelReplaceExpr
  | VectorExpr
  | NumberExpr;

export type RangeFunction =
  | "count_over_time"
  | "rate"
  | "bytes_over_time"
  | "bytes_rate"
  | "absent_over_time"
  | "sum_over_time"
  | "avg_over_time"
  | "min_over_time"
  | "max_over_time"
  | "stddev_over_time"
  | "stdvar_over_time"
  | "quantile_over_time"
  | "first_over_time"
  | "last_over_time"
  | "rate_counter"
  | "count_distinct_over_time";

export interface Grouping {
  readonly without: boolean;
  readonly names: readonly string[];
}

export interface Unwrap {
  readonly label: string;
  readonly conversion: "number" | "bytes" | "duration" | "duration_seconds";
  /** Label filters after `unwrap`. */
  readonly filters: readonly LabelFilterStage[];
}

export interface RangeAggregation {
  readonly kind: "rangeAggregation";
  readonly fn: RangeFunction;
  /** Of quantile_over_time. */
  readonly parameter: number | undefined;
  /** Of count_distinct_over_time: whose values are counted. */
  readonly label?: string | undefined;
  readonly log: LogExpr;
  readonly unwrap: Unwrap | undefined;
  readonly rangeNs: bigint;
  readonly offsetNs: bigint;
  readonly grouping: Grouping | undefined;
  readonly span: Span;
}

export type VectorFunction =
  | "sum"
  | "avg"
  | "min"
  | "max"
  | "count"
  | "stddev"
  | "stdvar"
  | "topk"
  | "bottomk"
  | "approx_topk"
  | "sort"
  | "sort_desc";

/** `by ()` of a vector aggregation is the same as no grouping and is not kept. */
export interface VectorAggregation {
  readonly kind: "vectorAggregation";
  readonly fn: VectorFunction;
  /** Of topk, bottomk, approx_topk. */
  readonly parameter: number | undefined;
  readonly input: MetricExpr;
  readonly grouping: Grouping | undefined;
  readonly span: Span;
}

export type BinaryOp =
  | "or"
  | "and"
  | "unless"
  | "=="
  | "!="
  | ">"
  | ">="
  | "<"
  | "<="
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "^";

export interface VectorMatching {
  /** `on`; otherwise `ignoring`. */
  readonly on: boolean;
  readonly names: readonly string[];
  readonly group: "left" | "right" | undefined;
  /** Labels copied from the "one" side. */
  readonly include: readonly string[];
}

export interface BinaryExpr {
  readonly kind: "binary";
  readonly op: BinaryOp;
  readonly left: MetricExpr;
  readonly right: MetricExpr;
  readonly returnBool: boolean;
  readonly matching: VectorMatching | undefined;
  readonly span: Span;
}

export interface LabelReplaceExpr {
  readonly kind: "labelReplace";
  readonly input: MetricExpr;
  readonly target: string;
  readonly replacement: string;
  readonly source: string;
  readonly regex: string;
  readonly span: Span;
}

export interface VectorExpr {
  readonly kind: "vector";
  readonly value: number;
  readonly span: Span;
}

export interface NumberExpr {
  readonly kind: "number";
  readonly value: number;
  readonly span: Span;
}

/** Labels as they stand in an answer's key. */
export type LabelList = readonly LabelPair[];
