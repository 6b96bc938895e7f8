import type { Labels } from "#model";
import type { SegmentKey } from "./segment-key.ts";

/**
 * Sections of the footer. Readers must know kinds below 128 and ignore unknown ones from 128 on.
 */
export const SectionKind = { info: 1, symbols: 2, streams: 3, postings: 4, blocks: 5 } as const;
export const optionalSectionsFrom = 128;

export const BlockFlag = { ascii: 1, innerNewline: 2 } as const;

/**
 * Records [fromSequence, toSequence) of a journal whose entries of this tenant and day are all in
 * the segment.
 */
export interface JournalRange {
  /** Which journal: processes that share an object store number their records each for itself. */
  readonly journalId: string;
  readonly fromSequence: number;
  readonly toSequence: number;
}

/** The info section. */
export interface SegmentInfo {
  readonly writer: string;
  readonly tenant: string;
  readonly day: number;
  readonly id: string;
  readonly streamCount: number;
  readonly blockCount: number;
  readonly entryCount: number;
  /** Sum of line lengths. */
  readonly lineBytes: number;
  readonly journal: readonly JournalRange[];
  /** Ids of segments this one stands for; readers ignore those. */
  readonly replaces: readonly string[];
}

export interface SectionFacts {
  readonly kind: number;
  readonly encoding: number;
  readonly crc: number;
  readonly offset: number;
  readonly storedBytes: number;
  readonly rawBytes: number;
}

/** Text by number; numbers are in order of the text's UTF-8 bytes. */
export interface SymbolTable {
  readonly count: number;
  text(symbol: number): string;
  /** The same, not kept: for those who go through all of them. */
  textOnce(symbol: number): string;
  /** The number of a text, or -1. */
  find(text: string): number;
  /** Memory of the stored texts. */
  readonly tableBytes: number;
}

/** Pair i of stream s is pairs starts[s] + i of `names` and `values`. */
export interface StreamTable {
  readonly count: number;
  readonly starts: Uint32Array;
  readonly names: Uint32Array;
  readonly values: Uint32Array;
  readonly fingerprints: BigUint64Array;
}

/**
 * Name n has values valueStarts[n] to valueStarts[n + 1]; value v has runs runStarts[v] to
 * runStarts[v + 1]; run r is streams runFrom[r] to runTo[r].
 */
export interface Postings {
  readonly names: Uint32Array;
  readonly valueStarts: Uint32Array;
  readonly values: Uint32Array;
  readonly runStarts: Uint32Array;
  readonly runFrom: Uint32Array;
  readonly runTo: Uint32Array;
}

/**
 * Block b has runs runStarts[b] to runStarts[b + 1] and columns columnStarts[b] to columnStarts[b +
 * 1].
 */
export interface BlockTable {
  readonly count: number;
  readonly flags: Uint32Array;
  readonly runStarts: Uint32Array;
  readonly columnStarts: Uint32Array;
  readonly runs: RunTable;
  readonly columns: ColumnTable;
}

/**
 * One stream in one block. Times are nanoseconds since the day began. Run r has levels
 * levelStarts[r] to [r + 1].
 */
export interface RunTable {
  readonly streams: Uint32Array;
  readonly entryCounts: Uint32Array;
  readonly lineBytes: Uint32Array;
  readonly minOffsets: Float64Array;
  readonly maxOffsets: Float64Array;
  readonly levelStarts: Uint32Array;
  readonly levels: Uint32Array;
  readonly levelCounts: Uint32Array;
  /** Over all runs; Infinity and -Infinity when there are none. */
  readonly minOffset: number;
  readonly maxOffset: number;
}

export interface ColumnTable {
  readonly kinds: Uint32Array;
  /** Symbol of the metadata name; 0 for other kinds. */
  readonly names: Uint32Array;
  readonly offsets: Float64Array;
  readonly storedBytes: Uint32Array;
  readonly rawBytes: Uint32Array;
  readonly encodings: Uint32Array;
  readonly crcs: Uint32Array;
}

/** A decoded footer. Immutable, but for the labels it builds when first asked for. */
export interface SegmentFooter {
  /** The object's key, or the file's name: for errors and stats. */
  readonly name: string;
  readonly bodyBytes: number;
  readonly info: SegmentInfo;
  readonly sections: readonly SectionFacts[];
  readonly symbols: SymbolTable;
  readonly streams: StreamTable;
  readonly postings: Postings;
  readonly blocks: BlockTable;
  labelsOf(stream: number): Labels;
  /** About how much memory it takes. */
  readonly weightBytes: number;
}

/** What the writer knows of the object it wrote. */
export interface SegmentFacts extends SegmentKey {
  readonly entryCount: number;
  readonly lineBytes: number;
  readonly streamCount: number;
  readonly blockCount: number;
}
