/**
 * The configuration the cases were recorded with, in Loki's words; only the store is ours, and the ports are free ones. `CONF`
 * is the folder of overrides.yaml.
 */
export const conformanceConfig = `
auth_enabled: true

server:
  http_listen_address: 127.0.0.1
  http_listen_port: \${PORT}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: 0
  log_level: warn
  grpc_server_max_recv_msg_size: 104857600
  grpc_server_max_send_msg_size: 104857600

common:
  instance_addr: 127.0.0.1
  path_prefix: \${DATA}
  replication_factor: 1
  storage:
    filesystem:
      chunks_directory: \${DATA}/chunks
      rules_directory: \${DATA}/rules
  ring:
    kvstore:
      store: inmemory

analytics:
  reporting_enabled: false

ui:
  enabled: false

schema_config:
  configs:
    - from: 1970-01-01
      store: skald
      object_store: filesystem
      schema: v13
      index:
        prefix: index_
        period: 24h

storage_config:
  use_thanos_objstore: true
  object_store:
    filesystem:
      dir: \${DATA}/chunks
  tsdb_shipper:
    active_index_directory: \${DATA}/tsdb-index
    cache_location: \${DATA}/tsdb-cache

ingester:
  query_store_max_look_back_period: -1ns
  lifecycler:
    min_ready_duration: 0s
  chunk_idle_period: 12h
  chunk_retain_period: 2h
  max_chunk_age: 24h
  wal:
    enabled: true
    dir: \${DATA}/wal

querier:
  query_ingesters_within: 0
  multi_tenant_queries_enabled: true

frontend:
  encoding: json

query_range:
  max_retries: 1
  align_queries_with_step: false
  cache_results: false
  cache_index_stats_results: false
  cache_volume_results: false
  cache_series_results: false
  cache_label_results: false
  cache_instant_metric_results: false

pattern_ingester:
  enabled: true
  retain_for: 100000h
  flush_check_period: 2h
  lifecycler:
    min_ready_duration: 0s

compactor:
  working_directory: \${DATA}/compactor
  compaction_interval: 10m
  retention_enabled: true
  delete_request_store: filesystem

ruler:
  enable_api: true
  enable_alertmanager_v2: true
  rule_path: \${DATA}/rules-tmp
  ring:
    kvstore:
      store: inmemory

ruler_storage:
  backend: filesystem
  filesystem:
    dir: \${DATA}/rules

runtime_config:
  file: \${CONF}/overrides.yaml
  period: 5s

limits_config:
  reject_old_samples: false
  allow_structured_metadata: true
  volume_enabled: true
  discover_log_levels: false
  max_query_length: 0
  max_query_series: 2000
  max_entries_limit_per_query: 20000
  max_global_streams_per_user: 0
  max_streams_per_user: 0
  ingestion_rate_mb: 1000
  ingestion_burst_size_mb: 1000
  per_stream_rate_limit: 1GB
  per_stream_rate_limit_burst: 1GB
  deletion_mode: filter-and-delete
  retention_period: 0s
`;
