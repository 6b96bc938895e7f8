/** Loki's own format as a store: tables, chunks, writing, merging of index files. */
import type { EntryBatch, Labels } from "#model";
import type {
  Block,
  BlockPlan,
  BlockRef,
  ColumnNeeds,
  LogStore,
  ReadOptions,
  SkipTerms,
  StreamSelect,
  StreamVolume,
} from "#storage";
import type { Clock, Files } from "#world";
import type { LokiPeriod, LokiPeriods } from "./loki-period.ts";

export { type LokiPeriod, LokiPeriods } from "./loki-period.ts";

export interface LokiStoreOptions {
  /** All periods of Loki's format: a chunk may begin in an earlier one. */
  readonly periods: LokiPeriods;
  /** The one this store answers for; entries outside of it are left to others. */
  readonly period: LokiPeriod;
  readonly clock: Clock;
  /** Memory for opened index files; 256 MiB when omitted. */
  readonly indexCacheBytes?: number;
  /** Memory for chunk objects read lately; 32 MiB when omitted. */
  readonly chunkCacheBytes?: number;
  /** Keeps unpacked index files on local disk. */
  readonly indexFolder?: {
    readonly files: Files;
    readonly folder: string;
    readonly bytesMax: number;
  };
}

/** A stored index file, for versions of remembered results: `IntervalVersions.stored`. */
export interface StoredTable {
  readonly key: string;
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** One period of Loki's format as a LogStore: give it ranges as they are, it keeps to its period. */
export declare class LokiStore implements LogStore {
  constructor(options: LokiStoreOptions);
  plan(select: StreamSelect, skip: SkipTerms, options: ReadOptions): Promise<BlockPlan>;
  read(blocks: readonly BlockRef[], needs: ColumnNeeds, options: ReadOptions): AsyncIterable<Block>;
  series(select: StreamSelect, options: ReadOptions): Promise<Labels[]>;
  labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]>;
  labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]>;
  volumes(select: StreamSelect, options: ReadOptions): Promise<StreamVolume[]>;
  /** Every tenant with an index file in this period; opens multi-tenant files. */
  tenants(): Promise<string[]>;
  /** What is stored of a tenant in the days the range touches, this period's part of it. */
  stored(tenant: string, range: { fromNs: bigint; toNs: bigint }): Promise<StoredTable[]>;
  /** An index file this process has put (`add`) or deleted (`remove`). */
  add(key: string): void;
  remove(key: string): void;
  /** Lists again what is known, at once. */
  refresh(): Promise<void>;
}

/** `ingester.chunk_encoding`, `chunk_block_size`, `chunk_target_size`. */
export interface LokiChunkPolicy {
  readonly encoding: string;
  readonly blockBytes: number;
  readonly targetBytes: number;
}

export interface LokiWriteInput {
  readonly tenant: string;
  /** UTC day of all rows. */
  readonly day: number;
  readonly streams: readonly {
    readonly labels: Labels;
    readonly rows: readonly {
      readonly batch: EntryBatch;
      readonly fromRow: number;
      readonly toRow: number;
    }[];
  }[];
  /** Decimal ns for the names of the index files: equal for each try, different otherwise. */
  readonly nameNs: bigint;
}

export interface LokiWritten {
  /** Index files, that of the day first. */
  readonly indexKeys: readonly string[];
  readonly chunkCount: number;
  readonly storedBytes: number;
  readonly entryCount: number;
}

/** Writes entries as chunks and index files; the period of the day decides where. */
export declare class LokiWriter {
  constructor(options: {
    readonly periods: LokiPeriods;
    readonly chunks: LokiChunkPolicy;
    /** The stores that queries read from, to hear of new index files. */
    readonly stores: readonly LokiStore[];
  });
  /** Chunks first, then the index. The same input writes the same objects again. */
  write(input: LokiWriteInput, signal: AbortSignal): Promise<LokiWritten>;
}

export interface LokiCompactorEvents {
  merged(merged: LokiMerged, durationMs: number): void;
  /** Marked chunk objects that were deleted. */
  swept(chunkCount: number): void;
  /** Tried again in the next round. Without `table` it was the round as a whole. */
  failed(error: unknown, table?: string): void;
}

export interface LokiMerged {
  readonly table: string;
  readonly tenant: string;
  readonly inputs: readonly string[];
  readonly output: string | undefined;
}

export interface LokiCompactorOptions {
  readonly periods: LokiPeriods;
  readonly stores: readonly LokiStore[];
  readonly clock: Clock;
  readonly events: LokiCompactorEvents;
  readonly checkIntervalMs: number;
  /** Marks of chunks to delete are kept here (`compactor.working_directory`). */
  readonly files: Files;
  readonly folder: string;
  /** `compactor.retention_delete_delay`. */
  readonly deleteDelayMs: number;
}

export interface LokiCompactorStatus {
  readonly state: "idle" | "looking" | "merging";
  readonly current: { readonly table: string; readonly tenant: string } | undefined;
  readonly lastSuccessMs: number | undefined;
  readonly mergedFiles: number;
  readonly writtenFiles: number;
  readonly markedChunks: number;
  readonly deletedChunks: number;
}

/** A chunk of a table, for who decides what becomes of it. */
export interface LokiChunk {
  readonly labels: Labels;
  /** Inclusive, ms. */
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * What becomes of a chunk: it stays, it goes, or it is written anew with the rows that `keepRow`
 * keeps (all columns of the block are there; streams come from the chunk).
 */
export type LokiVerdict = "keep" | "drop" | { readonly keepRows: (block: Block) => Uint8Array };

export interface LokiRewriteResult {
  readonly droppedChunks: number;
  readonly rewrittenChunks: number;
  readonly removedEntries: number;
  /** Nothing had to change. */
  readonly isUnchanged: boolean;
}

/** Merges index files of each table and tenant into one; deletes and rewrites chunks on request. */
export declare class LokiCompactor {
  constructor(options: LokiCompactorOptions);
  status(): LokiCompactorStatus;
  run(signal: AbortSignal): Promise<void>;
  runOnce(signal: AbortSignal): Promise<void>;
  /** Tenants and tables there are: what retention and deletes go through. */
  tables(): Promise<
    {
      readonly table: string;
      readonly fromMs: number;
      readonly toMs: number;
      readonly tenants: readonly string[];
    }[]
  >;
  /**
   * Retention and deletes: asks `decide` for each chunk of a tenant in a table, publishes a new
   * index without what goes, then marks the objects; they are deleted after the delay.
   */
  rewrite(
    what: { readonly tenant: string; readonly table: string },
    decide: (chunk: LokiChunk) => LokiVerdict,
    signal: AbortSignal,
  ): Promise<LokiRewriteResult>;
}
