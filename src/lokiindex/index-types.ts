import type { Labels, Matcher } from "#model";
import type { ChunkMeta } from "./chunk-meta.ts";
import type { FingerprintRange } from "./shards.ts";

/** Which series of a file are asked for. */
export interface SeriesSelect {
  /** All must hold; an absent label is "". Matchers on `__name__` always hold. */
  readonly matchers: readonly Matcher[];
  /**
   * Of a file in the table folder: the tenant whose series are seen. `undefined` for a file in a
   * tenant's folder. Never leave it out for a file of many tenants.
   */
  readonly tenant: string | undefined;
  readonly shard?: FingerprintRange;
}

/** Milliseconds a query touches: chunks with `maxMs >= fromMs && minMs < toMs` are meant. */
export interface MsRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Sums over chunks; a chunk that the range cuts counts by its share, truncated, as in Loki. Callers
 * cut the range to the day of the table, so that a chunk of two tables counts its part in each.
 */
export interface IndexSums {
  chunkCount: number;
  /** From sizes in KiB. */
  bytes: number;
  entryCount: number;
}

/** `IndexSums` of everything selected; `streamCount` counts series with a chunk in the range. */
export interface IndexStats extends IndexSums {
  streamCount: number;
}

/** What one series has in the range. `labels` without the tenant label. */
export interface SeriesVolume extends IndexSums {
  readonly fingerprint: bigint;
  readonly labels: Labels;
}

/** One series with the chunks of it that a range touches, ordered by (minMs, maxMs, checksum). */
export interface SeriesChunks {
  readonly fingerprint: bigint;
  readonly labels: Labels;
  readonly chunks: readonly ChunkMeta[];
}
