/** Keys of Loki about object stores, schema and caches: see loki-keys.ts. */
export const lokiStorageKeys = `
@aws_store{
s3:u s3forcepathstyle:b bucketnames:s endpoint:s region:s access_key_id:s secret_access_key:x
session_token:x insecure:b chunk_delimiter:s
http_config{
timeout:d idle_conn_timeout:d response_header_timeout:d insecure_skip_verify:b ca_file:s
}
signature_version:s storage_class:s sse{ type:s kms_key_id:s kms_encryption_context:s }
backoff_config@backoff disable_dualstack:b !dynamodb !sse_encryption
}
@azure_store{
environment:s account_name:s account_key:x connection_string:x container_name:s
active_directory_endpoint:s endpoint_suffix:s use_managed_identity:b use_federated_token:b
user_assigned_id:s use_service_principal:b client_id:s client_secret:x tenant_id:s
chunk_delimiter:s download_buffer_size:i upload_buffer_size:i upload_buffer_count:i
request_timeout:d max_retries:i min_retry_delay:d max_retry_delay:d
}
@gcs_store{
bucket_name:s endpoint:s service_account:x chunk_buffer_size:i request_timeout:d
enable_opencensus:b enable_http2:b enable_retries:b
}
@alibaba_store{
bucket:s endpoint:s access_key_id:s secret_access_key:x conn_timeout_sec:i
read_write_timeout_sec:i
}
@bos_store{ bucket_name:s endpoint:s access_key_id:s secret_access_key:x }
@cos_store{
forcepathstyle:b bucketnames:s endpoint:s region:s access_key_id:s secret_access_key:x
http_config{ idle_conn_timeout:d response_header_timeout:d } backoff_config@backoff api_key:x
service_instance_id:s auth_endpoint:s cr_token_file_path:s trusted_profile_name:s
trusted_profile_id:s
}
@swift_names{
auth_version:i auth_url:s username:s user_domain_name:s user_domain_id:s user_id:s password:x
domain_id:s domain_name:s project_id:s project_name:s project_domain_id:s
project_domain_name:s region_name:s container_name:s max_retries:i connect_timeout:d
request_timeout:d
}
@swift_store{ @swift_names internal:b http{ tls_ca_path:s } }
@hedging{ at:d up_to:i max_per_second:i }
@congestion{
enabled:b controller{ strategy:s aimd{ start:i upper_bound:i backoff_factor:f } }
retry{ strategy:s limit:i } hedging{ config@hedging strategy:s }
}
@object_http{
idle_conn_timeout:d response_header_timeout:d insecure_skip_verify:b tls_handshake_timeout:d
expect_continue_timeout:d max_idle_connections:i max_idle_connections_per_host:i
max_connections_per_host:i tls_ca_path:s tls_cert_path:s tls_key_path:s tls_server_name:s
}
@thanos_s3{
endpoint:s region:s bucket_name:s secret_access_key:x access_key_id:s session_token:x
insecure:b list_objects_version:s bucket_lookup_type:s dualstack_enabled:b storage_class:s
native_aws_auth_enabled:b part_size:i send_content_md5:b sts_endpoint:s max_retries:i
sse{ type:s kms_key_id:s kms_encryption_context:s } http@object_http trace{ enabled:b }
}
@thanos_gcs{ bucket_name:s service_account:x chunk_buffer_size:i max_retries:i }
@thanos_azure{
account_name:s account_key:x connection_string:x container_name:s endpoint_suffix:s
max_retries:i user_assigned_id:s chunk_delimiter:s
}
@thanos_swift{
application_credential_id:s application_credential_name:s application_credential_secret:x
@swift_names http@object_http
}
@thanos{
s3@thanos_s3 gcs@thanos_gcs azure@thanos_azure swift@thanos_swift filesystem{ dir:s }
alibaba{ endpoint:s bucket:s access_key_id:s access_key_secret:x }
bos{ bucket:s endpoint:s access_key:s secret_key:x } storage_prefix:s
}
@index_gateway_client{
grpc_client_config@grpc_client server_address:s log_gateway_requests:b
time_based_sharding_buckets:l !disabled
}
common{
storage{
s3@aws_store gcs@gcs_store azure@azure_store alibabacloud@alibaba_store bos@bos_store
swift@swift_store cos@cos_store hedging@hedging congestion_control@congestion
object_store@thanos
}
}
ruler_storage{ @thanos local{ directory:s } }
storage_config{
alibabacloud@alibaba_store aws@aws_store azure@azure_store bos@bos_store gcs@gcs_store
swift@swift_store hedging@hedging
named_stores{
aws<>{ @aws_store } azure<>{ @azure_store } bos<>{ @bos_store } filesystem<>{ directory:s }
gcs<>{ @gcs_store } alibabacloud<>{ @alibaba_store } swift<>{ @swift_store }
cos<>{ @cos_store }
}
cos@cos_store -index_cache_validity:d congestion_control@congestion object_prefix:s
index_queries_cache_config@cache -disable_broad_index_queries:b -max_parallel_get_chunk:i
object_store{
@thanos
named_stores{
azure<>{ @thanos_azure } filesystem<>{ dir:s } gcs<>{ @thanos_gcs } s3<>{ @thanos_s3 }
swift<>{ @thanos_swift }
}
}
-max_chunk_batch_size:i
!boltdb_shipper
-tsdb_shipper{
active_index_directory:s cache_location:s cache_ttl:d resync_interval:d query_ready_num_days:i
index_gateway_client@index_gateway_client ingestername:s mode:s ingesterdbretainperiod:d
!shared_store !shared_store_key_prefix !enable_postings_cache !use_boltdb_shipper_as_backup
}
-bloom_shipper:*
!boltdb !cassandra !bigtable !grpc_store !engine
}
chunk_store_config{
chunk_cache_config@cache chunk_cache_config_l2@cache -write_dedupe_cache_config@cache
-skip_query_writeback_cache_older_than:d l2_chunk_cache_handoff:d -cache_lookups_older_than:d
!max_look_back_period
}
schema_config{
configs[]{
from:s store:s object_store:s schema:s -row_shards:i
index{ prefix:s period:d path_prefix:s tags:m }
-chunks{ prefix:s period:d tags:m }
}
}
`;
