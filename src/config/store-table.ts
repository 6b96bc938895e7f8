/**
 * The settings of object stores: see settings.ts for the notation. Each table is of one section that
 * Loki has in several places; the path and the flag of the place are put before its own.
 */

/** `common.storage.s3`, `storage_config.aws`, `ruler.storage.s3`. */
export const s3Table = `
s3 url '' url
  s3://region/bucket, s3://key:secret@region/bucket or s3://key:secret@host:port/bucket.
bucketnames string '' buckets
  The bucket; wins over the one of the URL. Several with commas.
endpoint string '' endpoint
  Where the server is; not needed for AWS.
region string '' region
  The region; wins over the one of the URL.
access_key_id string '' access-key-id
  Without one, credentials are looked for as the SDK of AWS does.
secret_access_key secret '' secret-access-key
  The other half of it.
session_token secret '' session-token
  For temporary credentials.
insecure bool false insecure
  http instead of https.
s3forcepathstyle bool false force-path-style
  Buckets in the path, not in the host's name.
chunk_delimiter string '' chunk-delimiter
  Stands for the colons in the keys of chunks.
http_config.timeout duration 0s http.timeout
  One request ends with an error after; 0: never.
http_config.idle_conn_timeout duration 1m30s http.idle-conn-timeout
  An idle connection is kept for.
http_config.response_header_timeout duration 0s http.response-header-timeout
  The answer must begin within; 0: any time.
http_config.insecure_skip_verify bool false http.insecure-skip-verify
  Take any certificate.
http_config.ca_file string '' http.ca-file
  The authorities whose certificates are taken.
signature_version string v4 signature-version
  Only v4.
storage_class string STANDARD storage-class
  The class objects are written with.
sse.type string '' sse.type
  Encryption at rest: SSE-S3, SSE-KMS or none.
sse.kms_key_id string '' sse.kms-key-id
  The key of SSE-KMS.
sse.kms_encryption_context string '' sse.kms-encryption-context
  Its context, as JSON.
backoff_config.min_period duration 100ms min-backoff
  The first pause before a request is tried again.
backoff_config.max_period duration 3s max-backoff
  The longest pause.
backoff_config.max_retries int 5 max-retries
  How often a request is tried.
disable_dualstack bool false disable-dualstack
  Only IPv4.
`;

/** `common.storage.gcs`, `storage_config.gcs`, `ruler.storage.gcs`. */
export const gcsTable = `
bucket_name string '' bucketname
  The bucket.
endpoint string '' endpoint
  Where the server is; not needed for Google's.
service_account secret '' service-account
  Credentials as JSON; without it they are looked for as Google's libraries do.
chunk_buffer_size bytes 0 chunk-buffer-size
  Bodies are sent in parts of this size; 0: whole.
request_timeout duration 0s request-timeout
  One request ends with an error after; 0: never.
enable_http2 bool true enable-http2
  HTTP/2 where the server has it.
enable_retries bool true enable-retries
  Try failed requests again.
`;

/** `common.storage.azure`, `storage_config.azure`, `ruler.storage.azure`. */
export const azureTable = `
environment string AzureGlobal environment
  AzureGlobal, AzureChinaCloud, AzureGermanCloud or AzureUSGovernment.
account_name string '' account-name
  The storage account.
account_key secret '' account-key
  Its key.
connection_string secret '' connection-string
  Account, key and address in one.
container_name string loki container-name
  The container.
active_directory_endpoint string '' active-directory-endpoint
  Where tokens come from.
endpoint_suffix string '' endpoint-suffix
  The end of the account's host name.
use_managed_identity bool false use-managed-identity
  Credentials of the machine.
use_federated_token bool false use-federated-token
  Credentials of the workload, by a token in a file.
user_assigned_id string '' user-assigned-id
  Which of the machine's identities.
use_service_principal bool false use-service-principal
  Credentials of an application.
client_id string '' client-id
  Its id.
client_secret secret '' client-secret
  Its secret.
tenant_id string '' tenant-id
  Its directory.
chunk_delimiter string - chunk-delimiter
  Stands for the colons in the keys of chunks.
request_timeout duration 30s request-timeout
  One request ends with an error after.
max_retries int 5 max-retries
  How often a request is tried again.
min_retry_delay duration 10ms min-retry-delay
  The first pause.
max_retry_delay duration 500ms max-retry-delay
  The longest pause.
`;

/** `storage_config.object_store`, `common.storage.object_store`, `ruler_storage`: keys of Thanos. */
export const thanosTable = `
storage_prefix string '' storage-prefix
  Put before all keys; letters and digits.
s3.bucket_name string '' s3.bucket-name
  The bucket.
s3.endpoint string '' s3.endpoint
  Where the server is, without a scheme.
s3.region string '' s3.region
  The region.
s3.access_key_id string '' s3.access-key-id
  Without one, credentials are looked for as the SDK of AWS does.
s3.secret_access_key secret '' s3.secret-access-key
  The other half of it.
s3.session_token secret '' s3.session-token
  For temporary credentials.
s3.insecure bool false s3.insecure
  http instead of https.
s3.bucket_lookup_type choice(,auto,path,virtual-hosted) '' s3.bucket-lookup-type
  Buckets in the path or in the host's name.
s3.dualstack_enabled bool true s3.dualstack-enabled
  IPv6, too.
s3.storage_class string '' s3.storage-class
  The class objects are written with.
s3.max_retries int 20 s3.max-retries
  How often a request is tried.
s3.part_size bytes 0 s3.part-size
  Large bodies are sent in parts of this size; 0: the server's smallest that fits.
s3.sse.type string '' s3.sse.type
  Encryption at rest: SSE-S3, SSE-KMS or none.
s3.sse.kms_key_id string '' s3.sse.kms-key-id
  The key of SSE-KMS.
s3.sse.kms_encryption_context string '' s3.sse.kms-encryption-context
  Its context, as JSON.
s3.http.idle_conn_timeout duration 1m30s s3.http.idle-conn-timeout
  An idle connection is kept for.
s3.http.response_header_timeout duration 2m s3.http.response-header-timeout
  The answer must begin within.
s3.http.insecure_skip_verify bool false s3.http.insecure-skip-verify
  Take any certificate.
s3.http.tls_ca_path string '' s3.http.tls-ca-path
  The authorities whose certificates are taken.
gcs.bucket_name string '' gcs.bucket-name
  The bucket.
gcs.service_account secret '' gcs.service-account
  Credentials as JSON; without it they are looked for as Google's libraries do.
gcs.chunk_buffer_size bytes 0 gcs.chunk-buffer-size
  Bodies are sent in parts of this size; 0: whole.
gcs.max_retries int 10 gcs.max-retries
  How often a request is tried.
azure.account_name string '' azure.account-name
  The storage account.
azure.account_key secret '' azure.account-key
  Its key.
azure.connection_string secret '' azure.connection-string
  Account, key and address in one.
azure.container_name string '' azure.container-name
  The container.
azure.endpoint_suffix string '' azure.endpoint-suffix
  The end of the account's host name.
azure.max_retries int 20 azure.max-retries
  How often a request is tried.
azure.user_assigned_id string '' azure.user-assigned-id
  Which of the machine's identities.
azure.chunk_delimiter string - azure.chunk-delimiter
  Stands for the colons in the keys of chunks.
`;

/** `common.storage.hedging`, `storage_config.hedging`. */
export const hedgingTable = `
at duration 0s at
  A read that takes longer is asked for a second time; 0: never.
up_to int 2 up-to
  How often at most.
max_per_second int 5 max-per-second
  How many of these in a second.
`;

/** Where the stores are in the file; records by the name a schema period uses. */
export const namedStoreTable = `
storage_config.object_prefix string '' object-prefix
  Put before all keys of all object stores, so that several deployments share a bucket.
storage_config.named_stores.filesystem records {} none
  More folders, by the name a schema period uses.
storage_config.named_stores.aws records {} none
  More S3 stores, by the name a schema period uses.
storage_config.named_stores.gcs records {} none
  More stores at Google, by the name a schema period uses.
storage_config.named_stores.azure records {} none
  More stores at Azure, by the name a schema period uses.
storage_config.object_store.named_stores.filesystem records {} none
  The same with use_thanos_objstore.
storage_config.object_store.named_stores.s3 records {} none
  The same with use_thanos_objstore.
storage_config.object_store.named_stores.gcs records {} none
  The same with use_thanos_objstore.
storage_config.object_store.named_stores.azure records {} none
  The same with use_thanos_objstore.
storage_config.tsdb_shipper.cache_location path ? tsdb.shipper.cache-location
  The folder with copies of Loki's index files; <path_prefix>/tsdb-cache if not set.
storage_config.tsdb_shipper.resync_interval duration 5m tsdb.shipper.resync-interval
  Index files that other processes wrote are seen within; at most a minute.
ruler.storage.type string '' ruler.storage.type
  The kind of store that holds rules, as Loki had it before ruler_storage.
ruler.storage.local.directory path ? ruler.storage.local.directory
  A folder with rules that only a person changes.
`;
