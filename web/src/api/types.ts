// What the server answers, as far as the page reads it. Times are decimal nanoseconds in strings: they
// do not fit a number.

/** Half-open: [fromMs, toMs). */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export type Labels = Readonly<Record<string, string>>;

/** One stream of an answer with `categorize-labels`. */
export interface StreamAnswer {
  readonly stream: Labels;
  readonly values: readonly (readonly [timeNs: string, line: string, categories?: Categories])[];
}

export interface Categories {
  readonly structuredMetadata?: Labels;
  readonly parsed?: Labels;
}

export interface SeriesAnswer {
  readonly metric: Labels;
  /** Of a range query: seconds and the value as text. */
  readonly values?: readonly (readonly [number, string])[];
  /** Of an instant query. */
  readonly value?: readonly [number, string];
}

export interface QueryStats {
  readonly summary: {
    readonly bytesProcessedPerSecond: number;
    readonly linesProcessedPerSecond: number;
    readonly totalBytesProcessed: number;
    readonly totalLinesProcessed: number;
    /** Seconds. */
    readonly execTime: number;
    readonly queueTime: number;
    readonly totalEntriesReturned: number;
    readonly totalPostFilterLines: number;
    readonly splits: number;
  };
  readonly skald?: {
    readonly segmentsConsidered: number;
    readonly blocksPlanned: number;
    readonly blocksRead: number;
    readonly blocksSkipped: number;
    readonly getRequests: number;
    readonly fetchedBytes: number;
    readonly decompressedBytes: number;
  };
}

export type QueryData =
  | {
      readonly resultType: "streams";
      readonly result: readonly StreamAnswer[];
      readonly stats?: QueryStats;
      /** Asks for the next page; missing on the last. */
      readonly nextCursor?: string;
    }
  | {
      readonly resultType: "matrix" | "vector";
      readonly result: readonly SeriesAnswer[];
      readonly stats?: QueryStats;
    }
  | { readonly resultType: "scalar"; readonly result: readonly [number, string] };

export interface QueryAnswer {
  readonly status: "success";
  readonly data: QueryData;
  readonly warnings?: readonly string[];
}

export interface DetectedField {
  readonly label: string;
  readonly type: string;
  readonly cardinality: number;
  readonly parsers: readonly string[] | null;
}

export interface ExplainedRead {
  readonly selector: string;
  readonly segmentsConsidered: number;
  readonly blocks: {
    readonly read: number;
    readonly skipped: number;
    readonly answeredByFacts: number;
    readonly overlapping: number;
  };
  readonly sources: readonly string[];
  readonly streams: number;
  readonly entries: number;
  readonly bytesByColumn: {
    readonly timestamps: number;
    readonly lineLengths: number;
    readonly lines: number;
  };
  readonly skipTerms: readonly unknown[];
  readonly stages: readonly { readonly stage: string; readonly runs: string }[];
  readonly estimatedBytes: number;
}

export interface Explanation {
  readonly query: string;
  readonly kind: "log" | "metric";
  readonly plan?: { readonly kind: string } & Readonly<Record<string, unknown>>;
  readonly reads: readonly ExplainedRead[];
  readonly answerStages: readonly string[];
  readonly warnings: readonly string[];
}
