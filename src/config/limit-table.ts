/**
 * Settings of limits_config (their paths are below it), which overrides change per tenant. For the
 * notation see settings.ts.
 */
export const limitTable = `
ingestion_rate_mb float 4 distributor.ingestion-rate-limit-mb
  Megabytes a second that a tenant may push.
ingestion_burst_size_mb float 6 distributor.ingestion-burst-size-mb
  Megabytes that may come at once.
max_label_name_length int 1024 validation.max-length-label-name
  Bytes of a label's name.
max_label_value_length int 2048 validation.max-length-label-value
  Bytes of a label's value.
max_label_names_per_series int 15 validation.max-label-names-per-series
  Labels of a stream.
reject_old_samples bool false validation.reject-old-samples
  Refuse entries older than reject_old_samples_max_age.
reject_old_samples_max_age days 1w validation.reject-old-samples.max-age
  The oldest entry accepted.
creation_grace_period days 10m validation.create-grace-period
  How far in the future an entry may be.
max_line_size bytes 256KB distributor.max-line-size
  The longest line; 0: no limit.
max_line_size_truncate bool false distributor.max-line-size-truncate
  Cut longer lines instead of refusing them.
max_line_size_truncate_identifier string '' distributor.max-line-size-truncate-identifier
  Put at the end of a line that was cut.
max_streams_per_user int 0 ingester.max-streams-per-user
  Active streams of a tenant in one process; 0: no limit.
max_global_streams_per_user int 5000 ingester.max-global-streams-per-user
  Active streams of a tenant; 0: no limit.
per_stream_rate_limit bytes 3MB ingester.per-stream-rate-limit
  Bytes a second of one stream.
per_stream_rate_limit_burst bytes 15MB ingester.per-stream-rate-limit-burst
  Bytes of one stream that may come at once.
allow_structured_metadata bool true validation.allow-structured-metadata
  Accept entries with structured metadata.
max_structured_metadata_size bytes 64KB limits.max-structured-metadata-size
  Bytes of an entry's structured metadata.
max_structured_metadata_entries_count int 128 limits.max-structured-metadata-entries-count
  Pairs of an entry's structured metadata.
discover_log_levels bool true validation.discover-log-levels
  Add detected_level to entries that have none.
log_level_fields list ? validation.log-level-fields
  The fields looked at for the level, in order.
log_level_from_json_max_depth int 2 validation.log-level-from-json-max-depth
  How deep in JSON lines the level is looked for; 0: anywhere.
discover_service_name list ? validation.discover-service-name
  The labels that service_name is taken from, in order; empty: not added.
increment_duplicate_timestamp bool false validation.increment-duplicate-timestamps
  Give an entry with the timestamp of the one before it a later one.
block_ingestion_until time 0 limits.block-ingestion-until
  Refuse all pushes until then.
block_ingestion_status_code int 260 limits.block-ingestion-status-code
  The status that refused pushes get.
enforced_labels list '' validation.enforced-labels
  Streams without one of these labels are refused.
otlp_config.resource_attributes.ignore_defaults bool false none
  Forget the built-in list of resource attributes that become labels.
otlp_config.resource_attributes.attributes_config records [] none
  What becomes of resource attributes: action, attributes or regex.
otlp_config.scope_attributes records [] none
  What becomes of scope attributes.
otlp_config.log_attributes records [] none
  What becomes of log attributes.
otlp_config.severity_text_as_label bool false none
  Make the severity text a label.
`;

export const queryLimitTable = `
max_query_length days 721h store.max-query-length
  The longest time a query may cover; 0: no limit.
max_query_lookback days 0s querier.max-query-lookback
  Queries see nothing older than this; 0: everything.
max_query_range days 0s querier.max-query-range
  The longest range, [1h], in a query; 0: no limit.
max_query_series int 500 querier.max-query-series
  Series in the result of a metric query.
max_query_series_action choice(auto,error,truncate) auto none
  What becomes of a result with more series: an error, as in Loki, or its first ones and a warning.
allow_partial_results bool false none
  Answer without what an object store that is down holds, with a warning; false: an error.
max_query_parallelism int 32 querier.max-query-parallelism
  Parts of a query that run at the same time.
max_entries_limit_per_query int 5000 validation.max-entries-limit
  The largest limit of a log query; 0: no limit.
max_query_bytes_read bytes 0B frontend.max-query-bytes-read
  Bytes that a query may read; 0: no limit.
max_querier_bytes_read bytes 150GB frontend.max-querier-bytes-read
  Bytes that one part of a query may read.
query_timeout days 1m querier.query-timeout
  A query ends with an error after.
split_queries_by_interval days 1h querier.split-queries-by-interval
  Queries are split into parts of this length.
max_streams_matchers_per_query int 1000 querier.max-streams-matcher-per-query
  Matchers in a selector.
cardinality_limit int 100000 store.cardinality-limit
  Streams that a query may touch.
required_labels list '' none
  Every selector must name these labels.
minimum_labels_number int 0 none
  Every selector must name so many labels.
min_sharding_lookback days 0s frontend.min-sharding-lookback
  Queries of younger data are not split into shards.
max_concurrent_tail_requests int 10 querier.max-concurrent-tail-requests
  Live tails of a tenant.
max_reads_per_second float 0 none
  Requests of a tenant that read, a second; 0: any number.
max_concurrent_reads int 0 none
  Requests of a tenant that read at the same time, those that wait included; 0: any number.
volume_enabled bool true limits.volume-enabled
  Answer the volume API.
volume_max_series int 1000 limits.volume-max-series
  Series in the answer of the volume API.
max_cache_freshness_per_query days 10m frontend.max-cache-freshness
  Results younger than this are not kept.
blocked_queries records [] none
  Queries that are refused: pattern, regex, types or hash.
`;

export const lifeOfDataTable = `
retention_period days 0s store.retention
  Entries older than this go; 0: they stay.
retention_stream records [] none
  Other periods for streams that a selector names: selector, priority, period.
retention_size bytes 0 none
  Stored bytes of a tenant above which the oldest go; 0: no limit. With compactor.retention_enabled.
per_tenant_override_config csv '' limits.per-user-override-config
  Old name of runtime_config.file.
per_tenant_override_period duration 10s limits.per-user-override-period
  Old name of runtime_config.period.
deletion_mode choice(disabled,filter-only,filter-and-delete) filter-and-delete \
  compactor.deletion-mode
  What delete requests do.
`;
