import type { LogExpr, Unwrap } from "#logql";
import type { LabelPair, Labels } from "#model";
import type { Block, ColumnNeeds, SkipTerms } from "#storage";

/**
 * A compiled chain of LogQL stages. Immutable and reusable; `run` keeps its working state to itself, so one pipeline must
 * not be run re-entrantly from its own sink.
 */
export interface Pipeline {
  /** Columns a block must come with. */
  readonly needs: ColumnNeeds;
  /** What line filters (and literals required by regular expressions) allow a store to skip. */
  readonly skip: SkipTerms;
  /** No stage and no unwrap: every row passes with its labels as stored. */
  readonly isIdentity: boolean;
  /**
   * Hands each row of `rows` (row numbers, in the order wanted) that passes all stages to `sink`, which returns false to stop.
   * `undefined`: all rows, in block order. Filters that come before any stage that changes the line are tried on the whole
   * block first.
   */
  run(block: Block, rows: Uint32Array | undefined, sink: (row: Row) => boolean): void;
}

export interface PipelineOptions {
  /**
   * Labels the caller will ask rows for; parsers extract no others. "all" for log queries and for metric queries whose series
   * keep every label.
   */
  readonly labelsWanted: "all" | readonly string[];
  /** Metric queries: the conversion whose result rows carry as `value`. */
  readonly unwrap: Unwrap | undefined;
  /** For `now` in templates. */
  readonly nowNs: () => bigint;
}

/** The entry at hand after all stages. One object, reused for every row: take what you need before returning. */
export interface Row {
  readonly block: Block;
  readonly index: number;
  /** The stream's labels as stored. */
  readonly stored: Labels;
  /** Effective value (parsed, then structured metadata, then stream), undefined when there is none. */
  label(name: string): string | undefined;
  /** Effective labels, sorted; the same object for rows that share it wherever that is cheap. */
  labels(): Labels;
  /** What is left of each category after the stages (`categorize-labels`). */
  streamLabels(): Labels;
  structuredMetadata(): readonly LabelPair[];
  parsedLabels(): readonly LabelPair[];
  /** The line after the stages. */
  line(): string;
  lineBytes(): Buffer;
  /** Its length in bytes, without making it. */
  lineByteLength(): number;
  /** `__error__`, or "". */
  readonly error: string;
  readonly errorDetails: string;
  /** The unwrapped value; NaN when there is no unwrap. */
  readonly value: number;
}

/** Throws RequestError 400 in Loki's words for what a stage refuses at compile time (a bad template, pattern, regexp). */
export declare function compilePipeline(log: LogExpr, options: PipelineOptions): Pipeline;
