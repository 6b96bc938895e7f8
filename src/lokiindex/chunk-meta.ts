import { day } from "#base";
import type { Labels } from "#model";

/**
 * One chunk as an index file knows it. With tenant and fingerprint it names the chunk's object:
 * key = tenant, fingerprint, minMs, maxMs, checksum.
 */
export interface ChunkMeta {
  /** First millisecond, floor of the first entry. */
  readonly minMs: number;
  /** Last millisecond, inclusive: ceiling of the last entry. */
  readonly maxMs: number;
  /** Accounting size in KiB, rounded half up. Not authoritative. */
  readonly kib: number;
  readonly entries: number;
  /** CRC-32C of the chunk object. */
  readonly checksum: number;
  /**
   * Version 4 only: the day after ingestion minus the day of `maxMs`; `undefined` when not known,
   * which older versions never do.
   */
  readonly ingestedDays?: number;
}

/** A stream as an index file lists it. */
export interface IndexSeries {
  /** As the file says. It is the hash of the labels but for collisions; never recompute it. */
  readonly fingerprint: bigint;
  /** Without `__name__`; without the tenant label unless the caller put it there to be written. */
  readonly labels: Labels;
  readonly chunks: readonly ChunkMeta[];
}

/** The order of chunks in a series. Chunks that compare as 0 are the same chunk. */
export function compareChunks(a: ChunkMeta, b: ChunkMeta): number {
  if (a.minMs !== b.minMs) return a.minMs - b.minMs;
  if (a.maxMs !== b.maxMs) return a.maxMs - b.maxMs;
  return a.checksum - b.checksum;
}

/** The end of the UTC day in which the chunk was ingested, ms; `undefined` when not known. */
export function ingestedBeforeMs(chunk: ChunkMeta): number | undefined {
  if (chunk.ingestedDays === undefined) return undefined;
  return (chunk.ingestedDays + Math.floor(chunk.maxMs / day)) * day;
}

/** What a writer puts into `ingestedDays` for a chunk that was ingested at this time. */
export function ingestedDaysOf(times: { ingestedAtMs: number; maxMs: number }): number {
  return Math.ceil(times.ingestedAtMs / day) - Math.floor(times.maxMs / day);
}
