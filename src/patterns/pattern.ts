import type { Labels, Matcher } from "#model";

/** How often the lines of one template came in one stream, at one level. */
export interface PatternCounts {
  readonly labels: Labels;
  /** With `<_>` for what varies; a LogQL pattern. */
  readonly text: string;
  /** Value of `detected_level`; `unknown` without it. */
  readonly level: string;
  /** Bucket (seconds since 1970 / 10) and lines in it, in order of time. */
  readonly buckets: readonly (readonly [bucket: number, count: number])[];
}

/** What `/loki/api/v1/patterns` asks. */
export interface PatternRequest {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly fromNs: bigint;
  /** Exclusive. */
  readonly toNs: bigint;
  /** At least ten seconds are answered. */
  readonly stepNs: bigint;
}

/** One template over all streams asked for. */
export interface Pattern {
  readonly pattern: string;
  readonly level: string;
  /** Start of the step in seconds since 1970, and the lines in it; in order of time. */
  readonly samples: readonly (readonly [seconds: number, count: number])[];
}
