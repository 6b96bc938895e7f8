import type { RulerLimits } from "./ruler-config.ts";

/**
 * What Loki calls `limits_config`, per tenant: defaults, then the configuration file, then runtime
 * overrides. Names are Loki's in camel case with the unit added; the YAML key of each is in its
 * comment where it is not the same word. Zero means "no limit" where Loki's does.
 */
export interface Limits extends RulerLimits {
  // Ingestion
  /** ingestion_rate_mb; Loki's megabyte is 2^20 bytes. */
  readonly ingestionRateBytesPerSecond: number;
  /** ingestion_burst_size_mb. */
  readonly ingestionBurstBytes: number;
  readonly maxLabelNameLength: number;
  readonly maxLabelValueLength: number;
  readonly maxLabelNamesPerSeries: number;
  readonly rejectOldSamples: boolean;
  readonly rejectOldSamplesMaxAgeMs: number;
  readonly creationGracePeriodMs: number;
  /** max_line_size. */
  readonly maxLineBytes: number;
  /** max_line_size_truncate. */
  readonly truncateLongLines: boolean;
  /** max_line_size_truncate_identifier. */
  readonly truncateIdentifier: string;
  readonly maxStreamsPerUser: number;
  readonly maxGlobalStreamsPerUser: number;
  /** per_stream_rate_limit, bytes per second. */
  readonly perStreamRateBytesPerSecond: number;
  /** per_stream_rate_limit_burst. */
  readonly perStreamBurstBytes: number;
  readonly allowStructuredMetadata: boolean;
  /** max_structured_metadata_size. */
  readonly maxStructuredMetadataBytes: number;
  readonly maxStructuredMetadataEntriesCount: number;
  readonly discoverLogLevels: boolean;
  readonly logLevelFields: readonly string[];
  readonly logLevelFromJsonMaxDepth: number;
  readonly discoverServiceName: readonly string[];
  readonly incrementDuplicateTimestamp: boolean;
  readonly blockIngestionUntilNs: bigint | undefined;
  readonly blockIngestionStatusCode: number;
  readonly enforcedLabels: readonly string[];
  readonly otlp: OtlpMapping;

  // Queries
  readonly maxQueryLengthMs: number;
  readonly maxQueryLookbackMs: number;
  readonly maxQueryRangeMs: number;
  readonly maxQuerySeries: number;
  /** max_query_series_action (ours): what happens to an answer with more series. */
  readonly maxQuerySeriesAction: "error" | "truncate";
  /** allow_partial_results (ours): answers go without what an object store that is down holds. */
  readonly allowPartialResults: boolean;
  readonly maxQueryParallelism: number;
  readonly maxEntriesLimitPerQuery: number;
  readonly maxQueryBytesRead: number;
  readonly maxQuerierBytesRead: number;
  readonly queryTimeoutMs: number;
  readonly splitQueriesByIntervalMs: number;
  readonly maxStreamsMatchersPerQuery: number;
  readonly cardinalityLimit: number;
  readonly requiredLabels: readonly string[];
  readonly requiredNumberLabels: number;
  readonly minShardingLookbackMs: number;
  readonly maxConcurrentTailRequests: number;
  /** Not in Loki; 0: any number. */
  readonly maxReadsPerSecond: number;
  /** Not in Loki; 0: any number. */
  readonly maxConcurrentReads: number;
  readonly volumeEnabled: boolean;
  readonly volumeMaxSeries: number;
  readonly patternIngesterEnabled: boolean;
  readonly maxCacheFreshnessMs: number;
  /** blocked_queries. */
  readonly blockedQueries: readonly BlockedQuery[];

  // Life of data
  readonly retentionPeriodMs: number;
  readonly retentionStream: readonly StreamRetention[];
  /** retention_size (ours): stored bytes of the tenant above which the oldest go. */
  readonly retentionSizeBytes: number;
  readonly deletionMode: "disabled" | "filter-only" | "filter-and-delete";
}

export interface BlockedQuery {
  readonly pattern: string;
  readonly regex: boolean;
  readonly types: readonly string[];
  readonly hash: number;
}

export interface StreamRetention {
  readonly selector: string;
  readonly priority: number;
  readonly periodMs: number;
}

/** otlp_config: what becomes of OpenTelemetry attributes. */
export interface OtlpMapping {
  readonly resourceAttributes: {
    readonly ignoreDefaults: boolean;
    readonly rules: readonly OtlpRule[];
  };
  readonly scopeAttributes: readonly OtlpRule[];
  readonly logAttributes: readonly OtlpRule[];
  readonly severityTextAsLabel: boolean;
  /** distributor.otlp_config.default_resource_attributes_as_index_labels, in order. */
  readonly defaultIndexLabels: readonly string[];
}

export interface OtlpRule {
  readonly action: "index_label" | "structured_metadata" | "drop";
  /** Exact names, or a regular expression anchored at both ends. */
  readonly attributes: readonly string[];
  readonly regex: string | undefined;
}

/** Limits of a tenant as of now; changes when the runtime overrides are read again. */
export interface LimitsByTenant {
  for(tenant: string): Limits;
}
