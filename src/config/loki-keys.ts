import { lokiLimitKeys } from "./loki-limit-keys.ts";
import { lokiStorageKeys } from "./loki-storage-keys.ts";

/**
 * All keys of Loki's configuration file (3.x), in the notation of key-shapes.ts. Those that Skald
 * reads are in the setting tables too, which win. Facts: the configuration reference of Loki.
 */
const blocks = `
@tls{
tls_cert_path:s tls_key_path:s tls_ca_path:s tls_server_name:s tls_insecure_skip_verify:b
tls_cipher_suites:s tls_min_version:s
}
@backoff{ min_period:d max_period:d max_retries:i }
@grpc_client{
max_recv_msg_size:i max_send_msg_size:i grpc_compression:s rate_limit:f rate_limit_burst:i
backoff_on_ratelimits:b backoff_config@backoff initial_stream_window_size:i
initial_connection_window_size:i tls_enabled:b @tls connect_timeout:d
connect_backoff_base_delay:d connect_backoff_max_delay:d cluster_validation{ label:s }
}
@kvstore{
store:s prefix:s
consul{
host:s acl_token:x http_client_timeout:d consistent_reads:b watch_rate_limit:f
watch_burst_size:i cas_retry_delay:d
}
etcd{
endpoints:l dial_timeout:d max_retries:i tls_enabled:b @tls username:s password:x
}
multi{ primary:s secondary:s mirror_enabled:b mirror_timeout:d }
}
@ring{
kvstore@kvstore heartbeat_period:d heartbeat_timeout:d tokens_file_path:s
zone_awareness_enabled:b num_tokens:i replication_factor:i instance_id:s
instance_interface_names:l instance_port:i instance_addr:s instance_availability_zone:s
instance_enable_ipv6:b excluded_zones:s
}
@lifecycler{
ring@ring num_tokens:i heartbeat_period:d heartbeat_timeout:d observe_period:d join_after:d
min_ready_duration:d interface_names:l enable_inet6:b final_sleep:d tokens_file_path:s
availability_zone:s unregister_on_shutdown:b readiness_check_ring_health:b address:s port:i id:s
}
@partition_ring{
kvstore@kvstore min_partition_owners_count:i min_partition_owners_duration:d
delete_inactive_partition_after:d shuffle_shard_cache_size:i
}
@pool{
client_cleanup_period:d health_check_ingesters:b health_check_ingest_limits:b
remote_timeout:d check_interval:d
}
@cache{
default_validity:d
background{ writeback_goroutines:i writeback_buffer:i writeback_size_limit:i }
memcached{ expiration:d batch_size:i parallelism:i }
memcached_client{
host:s service:s addresses:s timeout:d max_idle_conns:i max_item_size:i update_interval:d
consistent_hash:b circuit_breaker_consecutive_failures:i circuit_breaker_timeout:d
circuit_breaker_interval:d tls_enabled:b @tls
}
redis{
endpoint:s master_name:s timeout:d expiration:d db:i pool_size:i username:s password:x
tls_enabled:b tls_insecure_skip_verify:b idle_timeout:d max_connection_age:d route_randomly:b
}
embedded_cache{ enabled:b max_size_mb:i max_size_items:i ttl:d !ttl_check_interval !purge_interval }
!enable_fifocache !fifocache !async_cache_write_back_concurrency !async_cache_write_back_buffer_size
}
@results_cache{ cache@cache compression:s }
@http_client{
basic_auth{
username:s username_file:s username_ref:s password:x password_file:s password_ref:s
}
authorization{ type:s credentials:x credentials_file:s credentials_ref:s }
oauth2:* bearer_token:x bearer_token_file:s tls_config:* follow_redirects:b enable_http2:b
proxy_url:* no_proxy:s proxy_from_environment:b proxy_connect_header:* http_headers:*
}
@write_back{
loki_address:s timeout:d push_period:d http_client_config@http_client use_tls:b
basic_auth{ username:s password:x } backoff_config@backoff sample_period:d batch_size:i
}
@server_tls{
cert:s key:x client_ca:s cert_file:s key_file:s client_auth_type:s client_ca_file:s
}
@dataobj_builder{
target_page_size:i max_page_rows:i target_object_size:i target_section_size:i buffer_size:i
section_stripe_merge_limit:i estimated_compression_ratio:i
}
`;

const serverKeys = `
-ballast_bytes:i
metrics_namespace:s tenant_limits_allow_publish:l
server{
-http_listen_network:s http_listen_conn_limit:i -grpc_listen_network:s grpc_listen_conn_limit:i
-grpc_collect_max_streams_by_conn:b proxy_protocol_enabled:b tls_cipher_suites:s
tls_min_version:s http_tls_config@server_tls grpc_tls_config@server_tls
-register_instrumentation:b -report_grpc_codes_in_instrumentation_label_enabled:b
http_server_read_header_timeout:d -http_log_closed_connections_without_response_enabled:b
-grpc_server_max_concurrent_streams:i -grpc_server_max_connection_idle:d
-grpc_server_max_connection_age:d -grpc_server_max_connection_age_grace:d
-grpc_server_keepalive_time:d -grpc_server_keepalive_timeout:d
-grpc_server_min_time_between_pings:d -grpc_server_ping_without_stream_allowed:b
-grpc_server_num_workers:i -grpc_server_stats_tracking_enabled:b
-grpc_server_recv_buffer_pools_enabled:b -grpc_server_read_buffer_size:i
-grpc_server_write_buffer_size:i log_source_ips_enabled:b log_source_ips_full:b
log_source_ips_header:s log_source_ips_regex:s log_request_headers:b
log_request_at_info_level_enabled:b log_request_exclude_headers_list:s trace_request_headers:b
trace_request_exclude_headers_list:s create_new_traces:b
cluster_validation{
label:s additional_labels:s grpc{ enabled:b soft_validation:b }
http{ enabled:b soft_validation:b excluded_paths:s excluded_user_agents:s }
}
}
-analytics{ reporting_enabled:b usage_stats_url:s proxy_url:s tls_config@tls }
-profiling{ block_profile_rate:i cpu_profile_rate:i mutex_profile_fraction:i }
tracing{ enabled:b }
operational_config{
log_stream_creation:b log_push_request:b log_hash_of_labels:b log_push_request_streams:b
filter_push_request_streams_ips:l log_service_name_discovery:b log_duplicate_metrics:b
log_duplicate_stream_info:b limited_log_push_errors:b
}
-ui:* -memberlist:*
-compactor_grpc_client@grpc_client
common{
-persist_tokens:b -replication_factor:i -ring@ring -instance_interface_names:l
-compactor_address:s -compactor_grpc_address:s -scratch_path:s
}
!internal_server !table_manager !bloom_compactor !frontend_tripperware !configdb !tracing_config
`;

const writeKeys = `
distributor{
-ring@ring -push_worker_count:i
-rate_store{
max_request_parallelism:i stream_rate_update_interval:d ingester_request_timeout:d debug:b
}
write_failures_logging{ rate:i add_insights_label:b }
default_policy_stream_mappings:* kafka_writes_enabled:b -ingester_writes_enabled:b
ingest_limits_enabled:b ingest_limits_dry_run_enabled:b
dataobj_tee{
enabled:b topic:s max_buffered_bytes:i per_partition_rate_bytes:i debug_metrics_enabled:b
rate_batch_window:d
}
inmemory_dataobj_push_timeout:d
}
-ingester_client{ pool_config@pool remote_timeout:d grpc_client_config@grpc_client }
ingester{
-lifecycler@lifecycler -concurrent_flushes:i -flush_check_period:d -flush_op_backoff@backoff
-flush_op_timeout:d -chunk_retain_period:d -autoforget_unhealthy:b -sync_period:d
-sync_min_utilization:f -max_returned_stream_errors:i -query_store_max_look_back_period:d
wal{ -checkpoint_duration:d -replay_memory_ceiling:i disk_full_threshold:f !recover }
-index_shards:i -max_dropped_streams:i -shutdown_marker_path:s -owned_streams_check_interval:d
delegate_stream_limits_enabled:b
kafka_ingestion{ enabled:b partition_ring@partition_ring }
!max_transfer_retries !unordered_writes !query_store_only
}
pattern_ingester{
-lifecycler@lifecycler
-client_config{ pool_config@pool remote_timeout:d grpc_client_config@grpc_client }
-concurrent_flushes:i flush_check_period:d max_clusters:i max_eviction_ratio:f
metric_aggregation@write_back pattern_persistence@write_back
-tee_config{
batch_size:i batch_flush_interval:d flush_queue_size:i flush_worker_count:i
stop_flush_timeout:d
}
-connection_timeout:d max_allowed_line_length:i retain_for:d max_chunk_age:d
pattern_sample_interval:d volume_threshold:f
}
kafka_config{
topic:s dial_timeout:d write_timeout:d reader_config{ address:s client_id:s }
writer_config{ address:s client_id:s } sasl_username:s sasl_password:x consumer_group:s
consumer_group_offset_commit_interval:d last_produced_offset_retry_timeout:d
auto_create_topic_enabled:b auto_create_topic_default_partitions:i
producer_max_record_size_bytes:i producer_max_buffered_bytes:i max_consumer_lag_at_startup:d
max_consumer_workers:i enable_kafka_histograms:b tracing_enabled:b
}
dataobj{
consumer{
builderconfig@dataobj_builder lifecycler@lifecycler partition_ring@partition_ring
uploader{ shaprefixsize:i } idle_flush_timeout:d max_builder_age:d ingest_mode:s
channel_size:i topic:s
}
index{
@dataobj_builder events_per_index:i flush_interval:d max_idle_time:d max_age:d
}
metastore{ index_storage_prefix:s partition_ratio:i }
compaction{
enabled:b max_running_compaction_tasks:i scheduler{ advertise_addr:s endpoint:s }
}
storage_bucket_prefix:s enabled:b
}
rate_service{ enabled:b window:i bucket_size:i }
rate_service_client{ address:s grpc_client_config@grpc_client }
ingest_limits{
enabled:b active_window:d rate_window:d bucket_size:d eviction_interval:d num_partitions:i
lifecycler@lifecycler consumer_group:s topic:s
}
ingest_limits_frontend{
client_config{ grpc_client_config@grpc_client pool_config@pool } lifecycler@lifecycler
num_partitions:i assigned_partitions_cache_enabled:b assigned_partitions_cache_ttl:d
accepted_streams_cache_enabled:b accepted_streams_cache_ttl:d
accepted_streams_cache_ttl_jitter:d
}
ingest_limits_frontend_client{
grpc_client_config@grpc_client pool_config@pool shuffle_shard_enabled:b shuffle_shard_size:i
}
`;

const readKeys = `
querier{
-extra_query_delay:d -query_ingesters_within:d
engine{ max_look_back_period:d -max_count_min_sketch_heap_size:i !timeout }
query_store_only:b query_ingester_only:b per_request_limits_enabled:b
-query_partition_ingesters:b !query_timeout !max_concurrent_per_query
}
-query_engine{
enable:b distributed:b instance_interface_names:l batch_size:i prefetch_bytes:i
merge_prefetch_count:i
range_reads{ max_parallelism:i coalesce_size:i max_range_size:i min_range_size:i }
task_results_cache{
@results_cache task_result_max_cacheable_size:i dataobjscan_result_max_cacheable_size:i
prune_empty_cached_tasks:b prune_cached_tasks_max_size:i prune_cached_tasks_fetch_timeout:d
}
worker_threads:i scheduler_lookup_address:s scheduler_lookup_interval:d storage_lag:d
storage_start_date:t storage_retention_days:i enable_engine_router:b downstream_address:s
enable_delete_req_filtering:b enforce_retention_period:b align_queries_with_step:b
enforce_max_query_series_limit:b results_cache@results_cache
}
-query_scheduler{
max_outstanding_requests_per_tenant:i max_queue_hierarchy_levels:i querier_forget_delay:d
grpc_client_config@grpc_client use_scheduler_ring:b scheduler_ring@ring
}
frontend{
log_query_request_headers:s -max_body_size:i query_stats_enabled:b
-querier_forget_delay:d -scheduler_address:s
-scheduler_dns_lookup_period:d -scheduler_worker_concurrency:i -grpc_client_config@grpc_client
-graceful_shutdown_timeout:d -instance_interface_names:l -instance_enable_ipv6:b -encoding:s
compress_responses:b downstream_url:s tail_proxy_url:s tail_tls_config@tls
support_parquet_encoding:b
}
-frontend_worker{
frontend_address:s scheduler_address:s dns_lookup_duration:d id:s
query_frontend_grpc_client@grpc_client grpc_client_config@grpc_client
query_scheduler_grpc_client@grpc_client !parallelism !match_max_concurrent
}
query_range{
results_cache@results_cache -shard_aggregations:s cache_index_stats_results:b
index_stats_results_cache@results_cache cache_volume_results:b
volume_results_cache@results_cache cache_instant_metric_results:b
instant_metric_results_cache@results_cache instant_metric_query_split_align:b
cache_series_results:b series_results_cache@results_cache cache_label_results:b
label_results_cache@results_cache !split_queries_by_interval
}
-index_gateway{ mode:s ring@ring }
-bloom_build:* -bloom_gateway:*
`;

const rulerKeys = `
@relabel{
source_labels:l separator:s target_label:s regex:s modulus:i replacement:s action:s
}
@remote_write_client{
name:s url:u remote_timeout:d headers:m write_relabel_configs[]{ @relabel }
basic_auth{ username:s password:x password_file:s username_file:s }
authorization{ type:s credentials:x credentials_file:s }
bearer_token:x bearer_token_file:s
tls_config{
ca_file:s cert_file:s key_file:s server_name:s insecure_skip_verify:b -min_version:s
}
queue_config{
-capacity:i -max_shards:i -min_shards:i max_samples_per_send:i -batch_send_deadline:d
min_backoff:d max_backoff:d retry_on_http_429:b -sample_age_limit:d
}
-metadata_config:* -follow_redirects:b -enable_http2:b -send_exemplars:b
-send_native_histograms:b -protobuf_message:s -round_robin_dns:b proxy_url:u sigv4:* oauth2:*
azuread:* google_iam:*
}
ruler{
datasource_uid:s external_labels:m -ruler_client@grpc_client
storage{
type:s azure@azure_store alibabacloud@alibaba_store gcs@gcs_store s3@aws_store bos@bos_store
swift@swift_store cos@cos_store local{ directory:s }
}
enable_alertmanager_discovery:b alertmanager_refresh_interval:d
alert_relabel_configs[]{ @relabel }
notification_queue_capacity:i notification_timeout:d
alertmanager_client{
@tls basic_auth_username:s basic_auth_password:x type:s credentials:x credentials_file:s
}
for_outage_tolerance:d for_grace_period:d resend_delay:d -enable_sharding:b
-sharding_strategy:s -sharding_algo:s -search_pending_for:d -ring@ring flush_period:d
enabled_tenants:s disabled_tenants:s query_stats_enabled:b disable_rule_group_label:b
wal{ dir:s truncate_frequency:d min_age:d max_age:d } wal_cleaner{ min_age:d period:d }
remote_write{
client@remote_write_client clients<>{ @remote_write_client } enabled:b
-config_refresh_period:d add_org_id_header:b
}
evaluation{ mode:s max_jitter:d query_frontend{ address:s @grpc_client } }
}
compactor{
retention_table_timeout:d retention_backoff_config@backoff delete_request_store_key_prefix:s
delete_request_store_db_type:s backup_delete_request_store_db_type:s upload_parallelism:i
-compactor_ring@ring tables_to_compact:i skip_latest_n_tables:i -horizontal_scaling_mode:s
-worker_config{ num_sub_workers:i }
-jobs_config{
deletion{
deletion_manifest_store_prefix:s chunk_processing_concurrency:i timeout:d max_retries:i
}
}
deletion_marker_object_store_prefix:s
!shared_store !shared_store_key_prefix !deletion_mode !run_once
}
`;

export const lokiKeys: string = [
  blocks,
  serverKeys,
  writeKeys,
  readKeys,
  rulerKeys,
  lokiStorageKeys,
  lokiLimitKeys,
].join("\n");
