import type { Stage, Unwrap } from "#logql";
import type { LabelPair, Labels } from "#model";
import type { Block, ColumnNeeds, MetadataColumn, SkipTerms } from "#storage";

/**
 * A compiled chain of LogQL stages. Immutable and reusable; `run` keeps its working state to
 * itself, so one pipeline must not be run re-entrantly from its own sink.
 */
export interface Pipeline {
  /** Columns a block must come with. */
  readonly needs: ColumnNeeds;
  /** What line filters (and literals required by regular expressions) allow a store to skip. */
  readonly skip: SkipTerms;
  /** What became of each stage of the query, in its order. */
  readonly stages: readonly StageUse[];
  /** No stage and no unwrap: every row passes with its labels as stored. */
  readonly isIdentity: boolean;
  /**
   * Set when what becomes of a row, once leading line filters let it through, depends on nothing
   * but its stream, its metadata and its fields, as long as the block came with these instead of
   * lines: rows that agree in them fare the same.
   */
  readonly byFields: FieldUse | undefined;
  /**
   * Hands each row of `rows` (row numbers, in the order wanted) that passes all stages to `sink`,
   * which returns false to stop. `undefined`: all rows, in block order. Filters that come before
   * any stage that changes the line are tried on the whole block first. `order` then puts what they
   * left into the order wanted, so that a block without hits is not sorted; it may change the list
   * it gets in place.
   */
  run(
    block: Block,
    rows: Uint32Array | undefined,
    sink: (row: Row) => boolean,
    order?: (rows: Uint32Array | undefined) => Uint32Array | undefined,
  ): void;
}

/** How fields are used where nothing else is. */
export interface FieldUse {
  /** What only unwrap reads: rows may differ in it and fare the same, but for the value. */
  readonly unwrapped:
    | {
        readonly name: string;
        /** By id - 1; NaN for what the pipeline itself has to convert. */
        numbersOf(column: MetadataColumn): Float64Array;
      }
    | undefined;
}

/** A stage as the pipeline runs it. */
export interface StageUse {
  readonly stage: Stage;
  /** `block`: on the whole block before any other; `no`: left out, nobody would notice it. */
  readonly runs: "block" | "row" | "no";
  /** Labels that are read behind it; of a parser, the only ones it extracts. */
  readonly labelsRead: "all" | readonly string[];
}

export interface PipelineOptions {
  /**
   * Labels the caller will ask rows for; parsers extract no others. "all" for log queries and for
   * metric queries whose series keep every label. With a list, parsers stop at the last label
   * anyone asks for and a parser nobody reads from does not run at all, so errors behind that point
   * stay unseen, as in Loki.
   */
  readonly labelsWanted: "all" | readonly string[];
  /**
   * What the caller asks of the line after the stages: its bytes (log queries; the default), its
   * length (`bytes_rate`), or nothing (counts, unwrap), which spares reading lines and running
   * `line_format`.
   */
  readonly lineWanted?: "no" | "length" | "bytes";
  /** Metric queries: the conversion whose result rows carry as `value`. */
  readonly unwrap: Unwrap | undefined;
  /** For `now` in templates. */
  readonly nowNs: () => bigint;
}

/**
 * The entry at hand after all stages. One object, reused for every row: take what you need before
 * returning.
 */
export interface Row {
  readonly block: Block;
  readonly index: number;
  /** The stream's labels as stored. */
  readonly stored: Labels;
  /**
   * Effective value (parsed, then structured metadata, then stream), undefined when there is none.
   */
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
  /** `__error__` (of a stage, or a parsed field of that name), or "". */
  readonly error: string;
  readonly errorDetails: string;
  /** The `error` is a parsed field of that name: for groupings a label like any other. */
  readonly isErrorParsed: boolean;
  /**
   * A metric query must fail on this row: it has an `error`, and it is not a parser's error in a
   * query that itself compares `__error__`.
   */
  readonly isErrorFatal: boolean;
  /** The unwrapped value; NaN when there is no unwrap. */
  readonly value: number;
}
