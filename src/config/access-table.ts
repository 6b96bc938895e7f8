/** Who may come in and how: see settings.ts for the notation. */
const tlsTable = (name: string): string => `
server.${name}_tls_config.cert_file path '' server.${name}-tls-cert-path
  The certificate, with those that signed it, in PEM; without it there is no TLS.
server.${name}_tls_config.key_file path '' server.${name}-tls-key-path
  Its key.
server.${name}_tls_config.client_ca_file path '' server.${name}-tls-ca-path
  The authorities whose clients are let in.
server.${name}_tls_config.client_auth_type string '' server.${name}-tls-client-auth
  Which certificates clients must show; in Go's words, such as RequireAndVerifyClientCert.
server.${name}_tls_config.cert string '' server.${name}-tls-cert
  The certificate itself, instead of its file.
server.${name}_tls_config.key secret '' server.${name}-tls-key
  The key itself, instead of its file.
server.${name}_tls_config.client_ca string '' server.${name}-tls-ca
  The authorities themselves, instead of their file.
`;

export const accessTable: string = `
server.tls_min_version string '' server.tls-min-version
  The oldest TLS that is spoken, in Go's words: VersionTLS10 to VersionTLS13; empty: 1.2.
server.tls_cipher_suites csv '' server.tls-cipher-suites
  The suites for TLS 1.2 and older, in Go's words; empty: Node's.
server.http_listen_conn_limit int 0 server.http-conn-limit
  HTTP connections at the same time; 0: 16384.
server.grpc_listen_conn_limit int 0 server.grpc-conn-limit
  gRPC connections at the same time; 0: 4096.
server.http_server_read_header_timeout duration 0s server.http-read-header-timeout
  The head of a request must have come within; 0: as http_server_read_timeout, at most 30s.
${tlsTable("http")}
${tlsTable("grpc")}
skald.token_file path '' skald.token-file
  Tokens and passwords with their tenants and rights; without it nobody needs one.
skald.token_file_period duration 5s skald.token-file-period
  How often this file and those of certificates are looked at.
skald.open_paths csv /ready,/metrics skald.open-paths
  Which of /ready and /metrics need no token.
skald.session_lifetime duration 12h skald.session-lifetime
  Who logs in on the page is logged out after.
skald.audit_file path '' skald.audit-file
  Logins, deletes, changes of rules and calls for operators are appended to it, besides the log.
skald.cors_origins csv '' skald.cors-origins
  Pages of these origins may read answers: https://grafana.example.org.
skald.tails_per_address int 256 skald.tails-per-address
  Live tails of one network address; 0: any number.
`;
