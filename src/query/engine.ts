import type { Limits } from "#config";
import type { LabelPair } from "#model";

/** One LogQL query, as the HTTP routes, the tail and (later) the ruler ask it. */
export interface QueryRequest {
  /**
   * One, or several for `a|b` (each result then carries `__tenant_id__`); an empty name (`|a`)
   * counts but holds nothing.
   */
  readonly tenants: readonly string[];
  readonly text: string;
  /**
   * Instant: at `toNs` (= fromNs). Range: log queries fromNs <= t < toNs; metrics at fromNs, fromNs
   * + step, … <= toNs.
   */
  readonly kind: "range" | "instant";
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** Undefined: Loki's default, max(1 s, floor((to - from) / 250 s)). */
  readonly stepNs: bigint | undefined;
  /**
   * Log queries: keep an entry only when its time is at least this far from the last one kept. 0:
   * all.
   */
  readonly intervalNs: bigint;
  readonly limit: number;
  readonly direction: "forward" | "backward";
  /**
   * Log queries in pages: "" asks for the first page, the `nextCursor` of an answer for the one
   * behind it. Undefined: one answer, as Loki gives it.
   */
  readonly cursor?: string | undefined;
  /**
   * Keep entries apart whose labels agree but come from different categories (`categorize-labels`).
   */
  readonly categorizeLabels?: boolean | undefined;
  /**
   * More series than the limit: Loki's error, or as many as allowed and a warning. Undefined: as
   * the limit `max_query_series_action` says.
   */
  readonly seriesLimit?: "error" | "truncate" | undefined;
  /** Limits of the tenants at hand, already merged and tightened by `X-Loki-Query-Limits`. */
  readonly limits: Limits;
  readonly signal: AbortSignal;
  /** Compute everything anew, and keep nothing of it (`Cache-Control: no-cache`). */
  readonly bypassCache?: boolean | undefined;
  /** `X-Query-Tags` as they came: who asks, for the log of slow queries. */
  readonly tags?: string | undefined;
  /** Memory that queries share; asked besides the query's own budget. */
  readonly memory?: SharedMemory | undefined;
}

/** An account of what a query keeps. Its holder gives all of it back when the query ends. */
export interface SharedMemory {
  /** Throws RequestError 503 when the queries that run hold all there is. */
  hold(bytes: number): void;
  release(bytes: number): void;
}

export interface QueryResult {
  readonly data: QueryData;
  readonly stats: QueryStats;
  readonly warnings: readonly string[];
  /** With `cursor`: where the next page begins; undefined on the last one. */
  readonly nextCursor?: string | undefined;
}

export type QueryData =
  | { readonly kind: "streams"; readonly streams: readonly StreamResult[] }
  | { readonly kind: "matrix"; readonly series: readonly MatrixSeries[] }
  | { readonly kind: "vector"; readonly samples: readonly VectorSample[] }
  | { readonly kind: "scalar"; readonly timeMs: number; readonly value: number };

/** Entries of one set of effective labels, in the direction asked for. */
export interface StreamResult {
  /** Effective labels: stream, structured metadata and parsed ones together. */
  readonly labels: readonly LabelPair[];
  /** Only stream labels (for `categorize-labels`, where entries are regrouped by these). */
  readonly streamLabels: readonly LabelPair[];
  readonly structuredMetadata: readonly LabelPair[];
  readonly parsed: readonly LabelPair[];
  readonly entries: readonly StreamEntry[];
}

export interface StreamEntry {
  readonly timeNs: bigint;
  readonly line: string;
  /** Position in the whole answer, over all streams: for joining streams again in order. */
  readonly position: number;
}

export interface MatrixSeries {
  readonly labels: readonly LabelPair[];
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
}

export interface VectorSample {
  readonly labels: readonly LabelPair[];
  readonly timeMs: number;
  readonly value: number;
}

/** True numbers for the `stats` block of an answer. */
export interface QueryStats {
  readonly execTimeMs: number;
  readonly queueTimeMs: number;
  readonly linesProcessed: number;
  /** Uncompressed bytes of the lines looked at. */
  readonly bytesProcessed: number;
  readonly entriesReturned: number;
  readonly entriesAfterFilter: number;
  readonly blocksPlanned: number;
  readonly blocksRead: number;
  readonly blocksSkipped: number;
  readonly segmentsConsidered: number;
  readonly headBlocksRead: number;
  readonly headLines: number;
  readonly headBytes: number;
  readonly getRequests: number;
  readonly fetchedBytes: number;
  readonly decompressedBytes: number;
  readonly cacheHits: number;
  readonly duplicatesDropped: number;
  readonly splits: number;
  readonly metadataBytesProcessed: number;
}

export interface QueryEngine {
  /**
   * Throws RequestError (400 parse and validation errors, 422, 429, 499, 500, 504) in Loki's words.
   */
  run(request: QueryRequest): Promise<QueryResult>;
}
