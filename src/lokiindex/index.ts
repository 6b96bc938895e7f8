/** Loki's index of chunks (store tsdb): files, tables, merging, the database of delete requests. */
export {
  type ChunkMeta,
  compareChunks,
  type IndexSeries,
  ingestedBeforeMs,
  ingestedDaysOf,
} from "./chunk-meta.ts";
export {
  type CompactedName,
  compactedIndexName,
  type IndexFileName,
  parseIndexPath,
  uploadedIndexName,
  uploaderName,
} from "./index-names.ts";
export type {
  IndexStats,
  IndexSums,
  MsRange,
  SeriesChunks,
  SeriesSelect,
  SeriesVolume,
} from "./index-types.ts";
export { gunzipIndex } from "./gunzip-index.ts";
export { indexVersionOfSchema, tenantLabel } from "./limits.ts";
export { type FingerprintRange, parseShard, shardRange } from "./shards.ts";
export {
  type IndexTable,
  type IndexVersion,
  parseTableName,
  tableDay,
  tableNumberOf,
  tableOf,
  tablesOf,
  type TablePeriod,
} from "./tables.ts";

import type { Labels, LabelPair } from "#model";
import type { ChunkMeta, IndexSeries } from "./chunk-meta.ts";
export { openIndex, type SeriesChoice, TsdbIndex } from "./tsdb-index.ts";
import type { TsdbIndex } from "./tsdb-index.ts";
import type { IndexVersion } from "./tables.ts";

export interface BuiltIndex {
  readonly bytes: Buffer;
  readonly seriesCount: number;
  readonly chunkCount: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** For `compactedIndexName`. */
  readonly checksum: number;
}

/**
 * `series` is gone through twice and must give the same both times, sorted by (fingerprint,
 * labels) without duplicates, chunks sorted by `compareChunks`; a series without chunks is not
 * allowed. Every now and then `nextTurn` is awaited. `undefined` when there is no series.
 */
export declare function writeIndex(
  series: Iterable<IndexSeries>,
  options: { version: IndexVersion; nextTurn: () => Promise<void> },
): Promise<BuiltIndex | undefined>;

/** Order of series in a file; for sorting the input of `writeIndex`. */
export declare function compareSeries(
  a: { readonly fingerprint: bigint; readonly labels: Labels },
  b: { readonly fingerprint: bigint; readonly labels: Labels },
): number;

/** Labels as a multi-tenant file has them: with the tenant label in its place. */
export declare function withTenantLabel(labels: Labels, tenant: string): Labels;

/** One file to merge: `tenant` as in `SeriesSelect`. */
export interface MergeSource {
  readonly index: TsdbIndex;
  readonly tenant: string | undefined;
}

/** `keep` and `replace` are pure: they are asked twice. */
export interface MergeHooks {
  /** False: the chunk leaves the index. Asked before `replace`. */
  readonly keep?: (
    series: Pick<IndexSeries, "fingerprint" | "labels">,
    chunk: ChunkMeta,
  ) => boolean;
  /** What stands in for a kept chunk: itself, rewritten ones, none. */
  readonly replace?: (
    series: Pick<IndexSeries, "fingerprint" | "labels">,
    chunk: ChunkMeta,
  ) => readonly ChunkMeta[];
  /** Called once for each chunk that `keep` refused. */
  readonly dropped?: (
    series: Pick<IndexSeries, "fingerprint" | "labels">,
    chunk: ChunkMeta,
  ) => void;
}

/** Several files of a table → one tenant's file without tenant label; `undefined` when empty. */
export declare function mergeIndexes(
  sources: readonly MergeSource[],
  options: { version: IndexVersion; nextTurn: () => Promise<void> } & MergeHooks,
): Promise<BuiltIndex | undefined>;

/** One request of Loki's delete request database. */
export interface LokiDeleteRequest {
  readonly tenant: string;
  readonly id: string;
  /** Piece of a request that was cut by time; 0 for the first or only one. */
  readonly sequence: number;
  readonly status: "received" | "processed";
  readonly createdMs: number;
  /** Both ends inclusive. */
  readonly startMs: number;
  readonly endMs: number;
  readonly query: string;
}

/** Unpacked bbolt database → requests of one tenant, or of all. StoreError corrupt. */
export declare function readDeleteRequests(
  key: string,
  database: Buffer,
  tenant?: string,
): LokiDeleteRequest[];

/** Chunk keys in a marker file, in order; duplicates are possible. StoreError corrupt. */
export declare function readDeletionMarks(path: string, database: Buffer): string[];

/** Labels of a pair list; kept for callers that build series. */
export type { LabelPair };
