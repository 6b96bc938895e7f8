import { messageOf, MiB } from "#base";
import { compileRegex } from "#regex";
import { defaultLimits } from "./default-limits.ts";
import type { BlockedQuery, Limits, OtlpMapping, OtlpRule, StreamRetention } from "./limits.ts";
import { rulerLimits } from "./build-ruler.ts";
import type { RulerLimits } from "./ruler-config.ts";
import { type SettingValues, settingValue } from "./settings.ts";
import { asText, type Value } from "./value-types.ts";

type ValueRecord = { readonly [key: string]: Value };

/** What a rule about OTLP attributes can do. */
const otlpActions = ["index_label", "structured_metadata", "drop"] as const;

/** Limits from settings: explicit values over defaults. */
export function limitsOf(values: SettingValues): Limits {
  return {
    ...ingestionLimits(values),
    ...queryLimits(values),
    ...lifeOfData(values),
    ...rulerLimits(values),
  };
}

type IngestionKey =
  | "ingestionRateBytesPerSecond"
  | "ingestionBurstBytes"
  | "maxLabelNameLength"
  | "maxLabelValueLength"
  | "maxLabelNamesPerSeries"
  | "rejectOldSamples"
  | "rejectOldSamplesMaxAgeMs"
  | "creationGracePeriodMs"
  | "maxLineBytes"
  | "truncateLongLines"
  | "truncateIdentifier"
  | "maxStreamsPerUser"
  | "maxGlobalStreamsPerUser"
  | "perStreamRateBytesPerSecond"
  | "perStreamBurstBytes"
  | "allowStructuredMetadata"
  | "maxStructuredMetadataBytes"
  | "maxStructuredMetadataEntriesCount"
  | "discoverLogLevels"
  | "logLevelFields"
  | "logLevelFromJsonMaxDepth"
  | "discoverServiceName"
  | "incrementDuplicateTimestamp"
  | "blockIngestionUntilNs"
  | "blockIngestionStatusCode"
  | "enforcedLabels"
  | "otlp";

type LifeKey = "retentionPeriodMs" | "retentionStream" | "retentionSizeBytes" | "deletionMode";

function ingestionLimits(values: SettingValues): Pick<Limits, IngestionKey> {
  const get = (key: string): Value => settingValue(values, `limits_config.${key}`);
  const number = (key: string): number => Number(get(key));
  const blockedUntil = BigInt(get("block_ingestion_until") as bigint);
  return {
    ingestionRateBytesPerSecond: number("ingestion_rate_mb") * MiB,
    ingestionBurstBytes: number("ingestion_burst_size_mb") * MiB,
    maxLabelNameLength: number("max_label_name_length"),
    maxLabelValueLength: number("max_label_value_length"),
    maxLabelNamesPerSeries: number("max_label_names_per_series"),
    rejectOldSamples: get("reject_old_samples") === true,
    rejectOldSamplesMaxAgeMs: number("reject_old_samples_max_age"),
    creationGracePeriodMs: number("creation_grace_period"),
    maxLineBytes: number("max_line_size"),
    truncateLongLines: get("max_line_size_truncate") === true,
    truncateIdentifier: asText(get("max_line_size_truncate_identifier")),
    maxStreamsPerUser: number("max_streams_per_user"),
    maxGlobalStreamsPerUser: number("max_global_streams_per_user"),
    perStreamRateBytesPerSecond: number("per_stream_rate_limit"),
    perStreamBurstBytes: number("per_stream_rate_limit_burst"),
    allowStructuredMetadata: get("allow_structured_metadata") === true,
    maxStructuredMetadataBytes: number("max_structured_metadata_size"),
    maxStructuredMetadataEntriesCount: number("max_structured_metadata_entries_count"),
    discoverLogLevels: get("discover_log_levels") === true,
    logLevelFields: textsOf(get("log_level_fields")) ?? defaultLimits.logLevelFields,
    logLevelFromJsonMaxDepth: number("log_level_from_json_max_depth"),
    discoverServiceName: textsOf(get("discover_service_name")) ?? defaultLimits.discoverServiceName,
    incrementDuplicateTimestamp: get("increment_duplicate_timestamp") === true,
    blockIngestionUntilNs: blockedUntil === 0n ? undefined : blockedUntil,
    blockIngestionStatusCode: number("block_ingestion_status_code"),
    enforcedLabels: textsOf(get("enforced_labels")) ?? [],
    otlp: otlpMapping(values),
  };
}

function queryLimits(
  values: SettingValues,
): Omit<Limits, IngestionKey | LifeKey | keyof RulerLimits> {
  const get = (key: string): Value => settingValue(values, `limits_config.${key}`);
  const number = (key: string): number => Number(get(key));
  return {
    maxQueryLengthMs: number("max_query_length"),
    maxQueryLookbackMs: number("max_query_lookback"),
    maxQueryRangeMs: number("max_query_range"),
    maxQuerySeries: number("max_query_series"),
    maxQuerySeriesAction: seriesAction(
      get("max_query_series_action") as SeriesAction,
      number("max_query_series"),
    ),
    allowPartialResults: get("allow_partial_results") === true,
    maxQueryParallelism: number("max_query_parallelism"),
    maxEntriesLimitPerQuery: number("max_entries_limit_per_query"),
    maxQueryBytesRead: number("max_query_bytes_read"),
    maxQuerierBytesRead: number("max_querier_bytes_read"),
    queryTimeoutMs: number("query_timeout"),
    splitQueriesByIntervalMs: number("split_queries_by_interval"),
    maxStreamsMatchersPerQuery: number("max_streams_matchers_per_query"),
    cardinalityLimit: number("cardinality_limit"),
    requiredLabels: textsOf(get("required_labels")) ?? [],
    requiredNumberLabels: number("minimum_labels_number"),
    minShardingLookbackMs: number("min_sharding_lookback"),
    maxConcurrentTailRequests: number("max_concurrent_tail_requests"),
    maxReadsPerSecond: number("max_reads_per_second"),
    maxConcurrentReads: number("max_concurrent_reads"),
    volumeEnabled: get("volume_enabled") === true,
    volumeMaxSeries: number("volume_max_series"),
    patternIngesterEnabled: settingValue(values, "pattern_ingester.enabled") === true,
    maxCacheFreshnessMs: number("max_cache_freshness_per_query"),
    blockedQueries: recordsOf(get("blocked_queries")).map(blockedQueryOf),
  };
}

function lifeOfData(values: SettingValues): Pick<Limits, LifeKey> {
  const get = (key: string): Value => settingValue(values, `limits_config.${key}`);
  return {
    retentionPeriodMs: Number(get("retention_period")),
    retentionStream: recordsOf(get("retention_stream")).map(streamRetentionOf),
    retentionSizeBytes: Number(get("retention_size")),
    deletionMode: get("deletion_mode") as Limits["deletionMode"],
  };
}

function otlpMapping(values: SettingValues): OtlpMapping {
  const get = (key: string): Value => settingValue(values, `limits_config.otlp_config.${key}`);
  const indexLabels = settingValue(
    values,
    "distributor.otlp_config.default_resource_attributes_as_index_labels",
  );
  return {
    resourceAttributes: {
      ignoreDefaults: get("resource_attributes.ignore_defaults") === true,
      rules: recordsOf(get("resource_attributes.attributes_config")).map(otlpRuleOf),
    },
    scopeAttributes: recordsOf(get("scope_attributes")).map(otlpRuleOf),
    logAttributes: recordsOf(get("log_attributes")).map(otlpRuleOf),
    severityTextAsLabel: get("severity_text_as_label") === true,
    defaultIndexLabels: textsOf(indexLabels) ?? defaultLimits.otlp.defaultIndexLabels,
  };
}

function otlpRuleOf(record: ValueRecord): OtlpRule {
  const action = otlpActions.find((name) => name === record["action"]);
  const regex = record["regex"];
  return {
    action: action ?? "structured_metadata",
    attributes: textsOf(record["attributes"]) ?? [],
    regex: regex === undefined || regex === "" ? undefined : asText(regex),
  };
}

function blockedQueryOf(record: ValueRecord): BlockedQuery {
  return {
    pattern: asText(record["pattern"]),
    regex: record["regex"] === true,
    types: textsOf(record["types"]) ?? [],
    hash: Number(record["hash"] ?? 0),
  };
}

function streamRetentionOf(record: ValueRecord): StreamRetention {
  return {
    selector: asText(record["selector"]),
    priority: Number(record["priority"] ?? 0),
    periodMs: Number(record["period"] ?? 0),
  };
}

function textsOf(value: Value): readonly string[] | undefined {
  return value === undefined ? undefined : (value as readonly string[]);
}

function recordsOf(value: Value): readonly ValueRecord[] {
  return (value ?? []) as readonly ValueRecord[];
}

/** What the types alone do not say about limits. */
export function checkLimits(
  values: SettingValues,
  problem: (key: string, message: string) => void,
): void {
  const rulesKeys = [
    "limits_config.otlp_config.resource_attributes.attributes_config",
    "limits_config.otlp_config.scope_attributes",
    "limits_config.otlp_config.log_attributes",
  ];
  for (const key of rulesKeys) {
    for (const [at, record] of recordsOf(settingValue(values, key)).entries()) {
      checkOtlpRule(record, (message) => problem(`${key}[${at}]`, message));
    }
  }
  const blockedKey = "limits_config.blocked_queries";
  for (const [at, record] of recordsOf(settingValue(values, blockedKey)).entries()) {
    if (record["regex"] !== true) continue;
    checkRegex(record["pattern"], (message) => problem(`${blockedKey}[${at}].pattern`, message));
  }
  const retentionKey = "limits_config.retention_stream";
  for (const [at, record] of recordsOf(settingValue(values, retentionKey)).entries()) {
    if (record["selector"] === undefined) problem(`${retentionKey}[${at}]`, "has no selector");
    if (record["period"] === undefined) problem(`${retentionKey}[${at}]`, "has no period");
  }
  const status = Number(settingValue(values, "limits_config.block_ingestion_status_code"));
  if (status < 100 || status > 599) {
    problem("limits_config.block_ingestion_status_code", `${status} is no HTTP status`);
  }
}

function checkOtlpRule(record: ValueRecord, problem: (message: string) => void): void {
  const action = record["action"];
  if (!otlpActions.some((name) => name === action)) {
    problem(`expected an action of ${otlpActions.join(", ")}, found ${JSON.stringify(action)}`);
  }
  const hasNames = (textsOf(record["attributes"]) ?? []).length > 0;
  const hasRegex = (record["regex"] ?? "") !== "";
  if (hasNames === hasRegex) problem("needs either attributes or regex");
  checkRegex(record["regex"], problem);
}

function checkRegex(pattern: Value, problem: (message: string) => void): void {
  try {
    compileRegex(asText(pattern), { anchored: true });
  } catch (error) {
    problem(`expected a regular expression: ${messageOf(error)}`);
  }
}

type SeriesAction = "auto" | "error" | "truncate";

/**
 * `auto`: the default number of series only cuts the answer, with a warning; a number that somebody chose is enforced as Loki
 * enforces it.
 */
function seriesAction(
  action: SeriesAction,
  maxQuerySeries: number,
): Limits["maxQuerySeriesAction"] {
  if (action === "error" || action === "truncate") return action;
  return maxQuerySeries === defaultLimits.maxQuerySeries ? "truncate" : "error";
}
