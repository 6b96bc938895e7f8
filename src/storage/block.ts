import type { ByteStrings } from "#columns";
import type { Labels } from "#model";

/**
 * What is known of a block without reading its columns. Rows of a block are sorted by (stream, time, arrival).
 * A block spans less than 2^53 ns, so offsets from `baseNs` are exact in a double.
 */
export interface BlockFacts {
  /**
   * Set by stores that know their blocks from an index only: counts and sizes are a guess, no
   * question may be answered from them, and the times are bounds that need not be met. `isAscii`
   * and `hasInnerNewline` are right once the block was read. Absent: every fact is exact.
   */
  readonly isEstimate?: boolean;
  readonly entryCount: number;
  /** Sum of line lengths, without metadata. */
  readonly lineBytes: number;
  readonly minNs: bigint;
  readonly maxNs: bigint;
  /** Every line is bytes < 0x80: a latin1 view of the line column is then the text. */
  readonly isAscii: boolean;
  /** Some line has a newline inside it. */
  readonly hasInnerNewline: boolean;
  /** Streams with entries in this block, in row order; one for most blocks. */
  readonly streams: readonly BlockStream[];
  /** Entries by value of the structured metadata `detected_level`; entries without it are not counted. */
  readonly levelCounts: ReadonlyMap<string, number>;
  /** Object key, or `head`: for stats, explain and error texts. */
  readonly source: string;
  /** Sources are ordered: among equal times, entries of a source with a smaller number arrived first. */
  readonly sourceOrder: number;
  /**
   * Some of its rows may be left out when it is read (deletes, retention): counts are upper bounds,
   * only reading tells. Absent: no.
   */
  readonly hasHiddenRows?: boolean;
}

export interface BlockStream {
  readonly labels: Labels;
  readonly entryCount: number;
  readonly lineBytes: number;
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** A block that was planned; the store that planned it can read it. */
export interface BlockRef {
  readonly facts: BlockFacts;
}

/**
 * Line filters a store may try itself while it reads, on other threads say. A store that does not
 * leaves `Block.passing` undefined.
 */
export interface LineSearch {
  /** As LogQL: `|= "error" != "debug"`. */
  readonly filters: string;
  /** Whether somebody reads the lines of rows that pass. */
  readonly keepsLines: boolean;
}

/** Stages whose fields a store may keep as columns: `| json`, `| logfmt` without parameters. */
export type FieldParser = "json" | "logfmt";

/** Fields that a parser is to give; a store may have them, so that lines need no parsing. */
export interface FieldNeeds {
  readonly parser: FieldParser;
  /** Label names as the parser makes them. */
  readonly names: readonly string[];
  /** Nobody else reads lines behind `ColumnNeeds.search`: they need not come with the fields. */
  readonly insteadOfLines: boolean;
}

/** Which columns a reader wants; timestamps and streams always come. */
export interface ColumnNeeds {
  /** Lines with their bytes. */
  readonly lines: boolean;
  /** Line lengths; implied by `lines`, but for blocks that the store has searched (`Block.passing`). */
  readonly lengths: boolean;
  /** Names of structured metadata, or all of it. */
  readonly metadata: "all" | readonly string[];
  /** What is done with the lines first; only with `lines`. */
  readonly search?: LineSearch | undefined;
  readonly fields?: FieldNeeds | undefined;
}

/**
 * A decoded block. The reader may keep it, unless it calls `release`; nobody writes to it. Columns that were not asked for are undefined.
 */
export interface Block {
  readonly ref: BlockRef;
  readonly rowCount: number;
  readonly baseNs: bigint;
  /** Time of row i: baseNs + offsets[i]. */
  readonly offsets: Float64Array;
  /** Index into facts.streams per row, or undefined when there is one stream. */
  readonly streamOfRow: Uint32Array | undefined;
  /**
   * Where the store did the search asked for: a byte per row, 1 for rows that pass. Lines are then
   * undefined when nobody reads them; when no row passes, no column has come, not even times.
   */
  readonly passing?: Uint8Array | undefined;
  /** Lines with gap 1: a newline follows each line. */
  readonly lines: ByteStrings | undefined;
  readonly lengths: Uint32Array | undefined;
  readonly metadata: readonly MetadataColumn[];
  /**
   * Where the store has all fields asked for: those of `FieldNeeds.names` that occur. Every line was
   * parsed without an error.
   */
  readonly fields?: readonly MetadataColumn[] | undefined;
  /**
   * Gives the memory of the lines back at once: they are gone then, for everybody. Where it is, who
   * goes through many blocks calls it behind each.
   */
  readonly release?: (() => void) | undefined;
}

/** One name of structured metadata: value of row i is values[ids[i] - 1], or absent when ids[i] is 0. */
export interface MetadataColumn {
  readonly name: string;
  readonly ids: Uint32Array;
  /** Gap 0. Distinct. */
  readonly values: ByteStrings;
}

/** Takes the fields of lines, as `FieldReader` finds them. */
export interface FieldSink {
  /** Bytes [from, to) of `buffer`, all ASCII, are the value of field `name` in row `row`. */
  add(row: number, name: string, buffer: Buffer, from: number, to: number): void;
  /** The field has a value that is not its bytes as they are: it cannot become a column. */
  addOther(name: string): void;
}

/**
 * Reads all fields of the lines of a block. The parser that gives them, or undefined when none gives
 * them without errors; what the sink got is then worth nothing.
 */
export type FieldReader = (
  lines: ByteStrings,
  facts: { readonly isAscii: boolean },
  sink: FieldSink,
) => FieldParser | undefined;
