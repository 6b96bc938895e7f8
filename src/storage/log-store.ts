import type { Labels, Matcher, TimeRange } from "#model";
import type { Block, BlockRef, ColumnNeeds } from "./block.ts";

/** Streams of one tenant that pass all matchers, entries in the range. */
export interface StreamSelect {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
}

/**
 * What a block's line filters must be able to contain. A block can be left out when one of the terms cannot occur in it:
 * each term is a list of alternatives of which at least one must occur. Stores without skip filters ignore it.
 */
export interface SkipTerms {
  readonly lineTerms: readonly (readonly Buffer[])[];
  /** All of them must hold, too; left out when there are none. */
  readonly labelTerms?: readonly LabelTerm[];
}

/**
 * A row passes only when its label `name` is `value` (not empty), be it of the stream, of structured metadata, or, when
 * `lines` are given, a field parsed from a line that holds one of them. Without `lines` no field is parsed.
 */
export interface LabelTerm {
  readonly name: string;
  readonly value: string;
  readonly lines: readonly Buffer[] | undefined;
}

export interface BlockPlan {
  readonly blocks: readonly BlockRef[];
  /** Blocks that exist in the range and were ruled out by filters. */
  readonly skippedBlocks: number;
  /** The same by what ruled them out, in words of the store (`trigrams`, `grams`); may be empty. */
  readonly skippedBy?: ReadonlyMap<string, number>;
  readonly segmentsConsidered: number;
  /** What could not be planned (a corrupt footer, say), in words for the answer's `warnings`. */
  readonly warnings: readonly string[];
}

/** Counted while planning and reading; shared by all stores that one query touches. */
export interface ReadCounters {
  getRequests: number;
  fetchedBytes: number;
  decompressedBytes: number;
  cacheHits: number;
}

export function newReadCounters(): ReadCounters {
  return { getRequests: 0, fetchedBytes: 0, decompressedBytes: 0, cacheHits: 0 };
}

export interface ReadOptions {
  readonly signal: AbortSignal;
  readonly counters: ReadCounters;
  /** A block that cannot be read (corrupt, gone) is left out and named here; the rest goes on. */
  readonly warn: (message: string) => void;
}

/**
 * The waist: what queries read from. Implemented by the head, by the native segments, by Loki's format, and by the
 * composition of them. A store gives what it has; the same entry may come from two stores (a retry, a replay): the
 * query drops the second.
 */
export interface LogStore {
  /** Which blocks may hold matching entries, by facts and filters alone. Blocks are in no particular order. */
  plan(select: StreamSelect, skip: SkipTerms, options: ReadOptions): Promise<BlockPlan>;
  /** Reads blocks this store planned, in the order given, with bounded read-ahead. */
  read(blocks: readonly BlockRef[], needs: ColumnNeeds, options: ReadOptions): AsyncIterable<Block>;
  /** Distinct label sets of streams with entries in the range. */
  series(select: StreamSelect, options: ReadOptions): Promise<Labels[]>;
  /** Distinct label names, sorted. */
  labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]>;
  /** Distinct values of one label, sorted. */
  labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]>;
  /** Entries and bytes by stream in the range; a block that the range cuts counts by the share of time inside. */
  volumes(select: StreamSelect, options: ReadOptions): Promise<StreamVolume[]>;
}

export interface StreamVolume {
  readonly labels: Labels;
  readonly entryCount: number;
  readonly lineBytes: number;
  /** Blocks of this stream in the range. */
  readonly blockCount: number;
  /** `lineBytes` comes from an index that keeps whole KiB: 0 may stand for some. */
  readonly isRounded?: boolean;
}
