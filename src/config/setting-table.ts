/** The settings Skald reads, but for limits: see settings.ts for the notation. */
export const commonTable = `
target csv all target
  The roles this process takes: all, or some of Loki's targets.
auth_enabled bool true auth.enabled
  Tenants come from X-Scope-OrgID; when false all is of the tenant "fake".
shutdown_delay duration 0s shutdown-delay
  Answers /ready with 503 for so long before it stops, so that balancers turn away.
server.http_listen_address string '' server.http-listen-address
  Address of the HTTP API; empty: all.
server.http_listen_port int 3100 server.http-listen-port
  Port of the HTTP API; 0: any free one.
server.http_path_prefix string '' server.path-prefix
  Put before every path of the HTTP API.
server.http_server_read_timeout duration 30s server.http-read-timeout
  A request must have come within.
server.http_server_write_timeout duration 30s server.http-write-timeout
  Within it a client must take its answer, or 64 KiB a second of it; 0: never cut.
server.http_server_idle_timeout duration 2m server.http-idle-timeout
  An idle connection is kept for.
server.grpc_listen_address string '' server.grpc-listen-address
  Address of the gRPC API; empty: all.
server.grpc_listen_port int 9095 server.grpc-listen-port
  Port of the gRPC API; 0: any free one.
server.grpc_server_max_recv_msg_size bytes 4MB server.grpc-max-recv-msg-size-bytes
  The largest gRPC message taken.
server.grpc_server_max_send_msg_size bytes 4MB server.grpc-max-send-msg-size-bytes
  The largest gRPC message sent.
server.graceful_shutdown_timeout duration 30s server.graceful-shutdown-timeout
  Requests under way get so long when the process stops.
server.log_level choice(debug,info,warn,error) info log.level
  The least important events to log.
server.log_format choice(logfmt,json) logfmt log.format
  How Skald's own log is written.
common.path_prefix path ./data common.path-prefix
  The folder below which everything goes that has no folder of its own.
common.instance_addr string '' common.instance-addr
  The address other processes reach this one at.
common.storage.filesystem.chunks_directory path ? common.storage.filesystem.chunk-directory
  Where segments and chunks are; <path_prefix>/chunks if not set.
common.storage.filesystem.rules_directory path ? common.storage.filesystem.rules-directory
  Where rules are; <path_prefix>/rules if not set.
distributor.max_recv_msg_size bytes 100MB distributor.max-recv-msg-size
  The largest push body, as it comes.
distributor.max_decompressed_size bytes 5000MB distributor.max-decompressed-size
  The largest push body, decompressed.
distributor.otlp_config.default_resource_attributes_as_index_labels list ? \
  distributor.otlp.default_resource_attributes_as_index_labels
  The resource attributes of OTLP that become labels.
ingester.chunk_idle_period duration 30m ingester.chunks-idle-period
  A stream without new entries for so long is written to the object store.
ingester.max_chunk_age duration 2h ingester.max-chunk-age
  Entries are written to the object store at this age at the latest.
ingester.chunk_encoding string gzip ingester.chunk-encoding
  How chunks are compressed in periods of the store tsdb.
ingester.chunk_block_size bytes 256KB ingester.chunks-block-size
  Lines of a block of a chunk before they are compressed.
ingester.chunk_target_size bytes 1536KB ingester.chunk-target-size
  A chunk is cut at this size, compressed.
ingester.wal.enabled bool true ingester.wal-enabled
  Must be true: Skald acknowledges what its journal has.
ingester.wal.dir path ? ingester.wal-dir
  The folder of the journal; <path_prefix>/wal if not set.
ingester.wal.flush_on_shutdown bool false ingester.flush-on-shutdown
  Write everything to the object store before the process stops.
schema_config.configs records ? none
  Which store holds the data, from which day on.
storage_config.filesystem.directory path ? local.chunk-directory
  The folder of the object store "filesystem".
storage_config.use_thanos_objstore bool false use-thanos-objstore
  Object stores are configured in storage_config.object_store.
common.storage.object_store.filesystem.dir path ? common.storage.object-store.filesystem.dir
  The same in the keys of use_thanos_objstore.
storage_config.object_store.filesystem.dir path ? object-store.filesystem.dir
  The folder of the object store "filesystem" with use_thanos_objstore.
querier.tail_max_duration duration 1h querier.tail-max-duration
  A live tail ends after.
querier.max_concurrent int 4 querier.max-concurrent
  Queries that run at the same time.
frontend.max_outstanding_per_tenant int 2048 querier.max-outstanding-requests-per-tenant
  Queries of one tenant that may wait for their turn; more are answered 429.
frontend.log_queries_longer_than duration 0s frontend.log-queries-longer-than
  Queries that take longer are logged; 0: none.
query_range.cache_results bool true querier.cache-results
  Keep results of closed intervals; they are never stale, late data or not.
querier.multi_tenant_queries_enabled bool false querier.multi-tenant-queries-enabled
  Allow queries over several tenants: X-Scope-OrgID: a|b.
pattern_ingester.enabled bool true pattern-ingester.enabled
  Answer /loki/api/v1/patterns.
runtime_config.file csv '' runtime-config.file
  The files with overrides per tenant, read again as they change.
runtime_config.period duration 10s runtime-config.reload-period
  How often these files are read.
compactor.compaction_interval duration 10m compactor.compaction-interval
  How often retention is applied, unless apply_retention_interval says otherwise.
compactor.apply_retention_interval duration 0s compactor.apply-retention-interval
  How often it applies retention; 0: as often as it compacts.
compactor.retention_enabled bool false compactor.retention-enabled
  Remove what is older than retention_period.
compactor.retention_delete_delay duration 2h compactor.retention-delete-delay
  What is expired leaves the store so long after it left the answers.
compactor.delete_request_store string '' compactor.delete-request-store
  The object store that keeps delete requests.
compactor.delete_request_cancel_period duration 24h compactor.delete-request-cancel-period
  A delete request may be cancelled for so long.
compactor.working_directory path ? compactor.working-directory
  Where marks of chunks to delete are; <path_prefix>/compactor if not set.
compactor.delete_max_interval duration 24h compactor.delete-max-interval
  Longer delete requests are split.
compactor.retention_total_size bytes 0 none
  Stored bytes of all tenants above which the oldest go; 0: no limit. Needs retention_enabled.
`;

/** Read and kept for what is to come; a warning says that nothing acts on it yet. */
export const laterTable = `
~query_range.align_queries_with_step bool false querier.align-querier-with-step
  Move start and end of a query to a multiple of its step.
~query_range.max_retries int 5 querier.max-retries-per-request
  How often a part of a query is tried.
~query_range.parallelise_shardable_queries bool true querier.parallelise-shardable-queries
  Split queries into shards.
~compactor.retention_delete_worker_count int 150 compactor.retention-delete-worker-count
  Removals at the same time.
~compactor.delete_batch_size int 70 compactor.delete-batch-size
  Delete requests handled at once.
~compactor.max_compaction_parallelism int 1 compactor.max-compaction-parallelism
  Tables compacted at the same time.
`;

/** What Loki has no word for. */
export const ownTable = `
skald.allow_changed_periods bool false skald.allow-changed-periods
  Start although a schema period with data was changed; that data is not read any more.
skald.merge_index_files bool true skald.merge-index-files
  Merge the index files of Loki's format; false while a compactor of Loki works on the bucket.
skald.journal_file_size bytes 64MB skald.journal-file-size
  A journal file of this size is closed and the next one begun.
`;
