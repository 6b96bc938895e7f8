/** Keys of Loki's limits_config: see loki-keys.ts. */
export const lokiLimitKeys = `
@attribute_rule{ action:s attributes:l regex:s }
limits_config{
-ingestion_rate_strategy:s simulated_push_latency:d enable_multi_variant_queries:b
discover_generic_fields{ fields:* } -use_owned_stream_count:b -unordered_writes:b
-max_chunks_per_query:i -tsdb_max_query_parallelism:i -tsdb_max_bytes_per_shard:i
-tsdb_sharding_strategy:s -tsdb_precompute_chunks:b max_metadata_cache_freshness:d
max_stats_cache_freshness:d -max_queriers_per_tenant:i -max_query_capacity:f
-query_ready_index_num_days:i split_metadata_queries_by_interval:d
split_recent_metadata_queries_by_interval:d recent_metadata_query_window:d
split_instant_metric_queries_by_interval:d -engine_results_cache_time_bucket_interval:d
-split_ingester_queries_by_interval:d ruler_max_rules_per_rule_group:i
ruler_max_rule_groups_per_tenant:i -ruler_tenant_shard_size:i -ruler_enable_wal_replay:b
ruler_remote_write_disabled:b ruler_remote_write_url:u ruler_remote_write_timeout:d
ruler_remote_write_headers:m ruler_remote_write_relabel_configs[]{ @relabel }
ruler_alertmanager_config{
alertmanager_url:s alert_relabel_configs[]{ @relabel }
alertmanager_client{ basic_auth_username:s basic_auth_password:x type:s credentials:x }
}
-ruler_remote_write_queue_capacity:i -ruler_remote_write_queue_min_shards:i
-ruler_remote_write_queue_max_shards:i ruler_remote_write_queue_max_samples_per_send:i
-ruler_remote_write_queue_batch_send_deadline:d ruler_remote_write_queue_min_backoff:d
ruler_remote_write_queue_max_backoff:d ruler_remote_write_queue_retry_on_ratelimit:b
ruler_remote_write_sigv4_config:* ruler_remote_write_config<>{ @remote_write_client }
ruler_remote_evaluation_timeout:d
ruler_remote_evaluation_max_response_size:i
retention_stream[]{ period:d priority:i selector:s }
!allow_deletes
-shard_streams{
enabled:b time_sharding_enabled:b time_sharding_ignore_recent:d logging_enabled:b
desired_rate:i
}
blocked_queries[]{ pattern:s regex:b types:l hash:i }
-index_gateway_shard_size:i -index_gateway_max_capacity:f -bloom_gateway_enable_filtering:b
-bloom_build_max_builders:i -bloom_build_task_max_retries:i
-bloom_build_builder_response_timeout:d -bloom_creation_enabled:b -bloom_planning_strategy:s
-bloom_split_series_keyspace_by:i -bloom_task_target_series_chunk_size:i
-bloom_block_encoding:s -bloom_prefetch_blocks:b -bloom_max_block_size:i -bloom_max_bloom_size:i
otlp_config{
resource_attributes{ attributes_config[]{ @attribute_rule } }
scope_attributes[]{ @attribute_rule }
log_attributes[]{ @attribute_rule }
}
block_ingestion_policy_until:* policy_enforced_labels:* policy_stream_mapping:*
-ingestion_partitions_tenant_shard_size:i -shard_aggregations:l
pattern_ingester_tokenizable_json_fields_default:s
pattern_ingester_tokenizable_json_fields_append:s
pattern_ingester_tokenizable_json_fields_delete:s metric_aggregation_enabled:b
pattern_persistence_enabled:b pattern_persistence_granularity:d pattern_rate_threshold:f
s3_sse_type:s s3_sse_kms_key_id:s s3_sse_kms_encryption_context:s
-max_scan_task_parallelism:i -debug_engine_tasks:b -debug_engine_streams:b
!enforce_metric_name !ruler_evaluation_delay_duration !max_samples_per_query
!bloom_gateway_shard_size !bloom_compactor_enable_compaction !bloom_compactor_shard_size
!bloom_ngram_length !bloom_ngram_skip !bloom_false_positive_rate !unordered_write
}
`;
