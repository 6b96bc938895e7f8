/** The settings of the ruler, and the limits of rules: see settings.ts for the notation. */
export const rulerTable = `
ruler_storage.backend string ? ruler-storage.backend
  The kind of store that holds rules.
ruler_storage.filesystem.dir path ? ruler-storage.filesystem.dir
  Where it holds them; the rules folder of common if not set.
ruler_storage.local.directory path ? ruler-storage.local.directory
  A folder with rules that only a person changes.
ruler.enable_api bool true ruler.enable-api
  Serve the rules API.
ruler.rule_path path ? ruler.rule-path
  Where the ruler keeps files of its own; <path_prefix>/rules-temp if not set.
ruler.alertmanager_url string '' ruler.alertmanager-url
  Where alerts go; several with commas.
ruler.enable_alertmanager_v2 bool true ruler.alertmanager-use-v2
  Speak version 2 of Alertmanager's API, which is the only one there is.
ruler.enable_alertmanager_discovery bool false ruler.alertmanager-discovery
  The addresses of Alertmanagers are names of DNS SRV records.
ruler.alertmanager_refresh_interval duration 1m ruler.alertmanager-refresh-interval
  How often these names are resolved.
ruler.notification_queue_capacity int 10000 ruler.notification-queue-capacity
  Alerts of a tenant that may wait for one Alertmanager.
ruler.notification_timeout duration 10s ruler.notification-timeout
  An Alertmanager must answer within.
ruler.alertmanager_client.basic_auth_username string '' ruler.alertmanager-client.basic-auth-username
  User name for the Alertmanagers.
ruler.alertmanager_client.basic_auth_password secret '' ruler.alertmanager-client.basic-auth-password
  Password for the Alertmanagers.
ruler.alertmanager_client.type string Bearer ruler.alertmanager-client.type
  What the credentials are called in the header Authorization.
ruler.alertmanager_client.credentials secret '' ruler.alertmanager-client.credentials
  Credentials for the header Authorization.
ruler.alertmanager_client.credentials_file path '' ruler.alertmanager-client.credentials-file
  A file that holds them.
ruler.alertmanager_client.tls_ca_path path '' ruler.alertmanager-client.tls-ca-path
  The authorities whose certificates are taken.
ruler.alertmanager_client.tls_cert_path path '' ruler.alertmanager-client.tls-cert-path
  The certificate shown to Alertmanagers.
ruler.alertmanager_client.tls_key_path path '' ruler.alertmanager-client.tls-key-path
  Its key.
ruler.alertmanager_client.tls_server_name string '' ruler.alertmanager-client.tls-server-name
  The name expected in their certificates.
ruler.alertmanager_client.tls_insecure_skip_verify bool false \
  ruler.alertmanager-client.tls-insecure-skip-verify
  Take any certificate.
ruler.alert_relabel_configs records [] none
  Relabelling of alerts before they are sent.
ruler.external_url url '' ruler.external.url
  The address in links of alerts; where this process listens if not set.
ruler.external_labels map '' none
  Labels added to alerts that do not have them.
ruler.datasource_uid string '' ruler.datasource-uid
  Taken, but links lead to Skald's own page.
ruler.evaluation_interval duration 1m ruler.evaluation-interval
  How often rules run.
ruler.evaluation.mode choice(local,remote) local ruler.evaluation.mode
  Taken; rules are evaluated in the process, through its query frontend.
ruler.evaluation.max_jitter duration 0s ruler.evaluation.max-jitter
  Groups begin up to so much later than their moment.
ruler.poll_interval duration 1m ruler.poll-interval
  How often rules are read again.
ruler.for_outage_tolerance duration 1h ruler.for-outage-tolerance
  After a longer outage pending alerts begin anew.
ruler.for_grace_period duration 10m ruler.for-grace-period
  After an outage a pending alert does not fire sooner than this.
ruler.resend_delay duration 1m ruler.resend-delay
  Alerts that fire are sent again so often.
ruler.enabled_tenants csv '' ruler.enabled-tenants
  Only rules of these tenants run; empty: all.
ruler.disabled_tenants csv '' ruler.disabled-tenants
  Rules of these tenants do not run.
ruler.wal.dir path ? ruler.wal.dir
  Where samples are kept until they are written remotely; <path_prefix>/ruler-wal if not set.
ruler.wal.max_age duration 4h ruler.wal.max-age
  Samples that could not be written for so long are dropped.
ruler.remote_write.enabled bool false ruler.remote-write.enabled
  Write the results of recording rules to Prometheus or its like.
ruler.remote_write.add_org_id_header bool true ruler.remote-write.add-org-id-header
  Say the tenant in X-Scope-OrgID.
ruler.remote_write.client.url url '' none
  Where to: the remote write receiver.
ruler.remote_write.client.name string '' none
  Its name in metrics.
ruler.remote_write.client.remote_timeout duration 30s none
  It must answer within.
ruler.remote_write.client.headers map '' none
  Headers of the requests.
ruler.remote_write.client.write_relabel_configs records [] none
  Relabelling of samples before they are written.
ruler.remote_write.client.basic_auth.username string '' none
  User name.
ruler.remote_write.client.basic_auth.password secret '' none
  Password.
ruler.remote_write.client.basic_auth.password_file path '' none
  A file that holds the password.
ruler.remote_write.client.authorization.type string Bearer none
  What the credentials are called in the header Authorization.
ruler.remote_write.client.authorization.credentials secret '' none
  Credentials for the header Authorization.
ruler.remote_write.client.bearer_token secret '' none
  An older way to give credentials.
ruler.remote_write.client.authorization.credentials_file path '' none
  A file that holds them.
ruler.remote_write.client.tls_config.ca_file path '' none
  The authorities whose certificates are taken.
ruler.remote_write.client.tls_config.cert_file path '' none
  The certificate shown to the receiver.
ruler.remote_write.client.tls_config.key_file path '' none
  Its key.
ruler.remote_write.client.tls_config.server_name string '' none
  The name expected in its certificate.
ruler.remote_write.client.tls_config.insecure_skip_verify bool false none
  Take any certificate.
ruler.remote_write.client.queue_config.max_samples_per_send int 2000 none
  Samples in one request.
ruler.remote_write.client.queue_config.min_backoff duration 30ms none
  The first pause before a request is sent again.
ruler.remote_write.client.queue_config.max_backoff duration 5s none
  The longest pause.
ruler.remote_write.client.queue_config.retry_on_http_429 bool true none
  Send again what was answered 429.
ruler.remote_write.clients records {} none
  The same, several, by name.
`;

export const rulerLimitTable = `
ruler_max_rules_per_rule_group int 0 ruler.max-rules-per-rule-group
  Rules in a group that is written by the API; 0: no limit.
ruler_max_rule_groups_per_tenant int 0 ruler.max-rule-groups-per-tenant
  Groups of a tenant; 0: no limit.
ruler_alertmanager_config.alertmanager_url string '' none
  Where alerts of a tenant go instead; several with commas.
ruler_alertmanager_config.alert_relabel_configs records [] none
  Relabelling of a tenant's alerts instead.
ruler_alertmanager_config.alertmanager_client.basic_auth_username string '' none
  User name for the tenant's Alertmanagers.
ruler_alertmanager_config.alertmanager_client.basic_auth_password secret '' none
  Password for the tenant's Alertmanagers.
ruler_alertmanager_config.alertmanager_client.type string Bearer none
  What the credentials are called in the header Authorization.
ruler_alertmanager_config.alertmanager_client.credentials secret '' none
  Credentials for the header Authorization.
ruler_alertmanager_config.alertmanager_client.credentials_file path '' none
  A file that holds them.
ruler_remote_write_disabled bool false ruler.remote-write.disabled
  Do not write samples of a tenant.
ruler_remote_write_url url '' none
  Where samples of a tenant go instead.
ruler_remote_write_timeout duration 0s none
  The endpoint must answer within; 0: as ruler.remote_write says.
ruler_remote_write_headers map '' none
  Headers of these requests; X-Scope-OrgID cannot be set.
ruler_remote_write_relabel_configs records [] none
  Relabelling of samples.
ruler_remote_write_config records {} none
  Settings of a tenant's clients by name, over those of ruler.remote_write.clients.
ruler_remote_write_queue_max_samples_per_send int 0 none
  Samples in one request.
ruler_remote_write_queue_min_backoff duration 0s none
  The first pause before a request is sent again.
ruler_remote_write_queue_max_backoff duration 0s none
  The longest pause.
ruler_remote_write_queue_retry_on_ratelimit bool false none
  Send again what was answered 429.
`;
