/** How the text of a flag is read. */
export type ValueKind = "text" | "flag" | "count" | "backoff";

interface ConnectionFlag {
  readonly key: string;
  readonly flags: string;
  readonly env: string;
  readonly kind: ValueKind;
  readonly text: string;
}

const flag = (
  key: string,
  flags: string,
  env: string,
  text: string,
  kind: ValueKind = "text",
): ConnectionFlag => ({ key, flags, env, kind, text });

const tenantText = "X-Scope-OrgID";
const skipText = "trust any";

/** One row each: also the text of `skald help connection`. */
export const connectionFlags: readonly ConnectionFlag[] = [
  flag("addr", "--addr <url>", "LOKI_ADDR", "http://localhost:3100"),
  flag("orgId", "--org-id <tenant>", "LOKI_ORG_ID", tenantText),
  flag("username", "--username <name>", "LOKI_USERNAME", "basic auth"),
  flag("password", "--password <text>", "LOKI_PASSWORD", "basic auth"),
  flag("bearerToken", "--bearer-token <token>", "LOKI_BEARER_TOKEN", "a token"),
  flag("bearerTokenFile", "--bearer-token-file <file>", "LOKI_BEARER_TOKEN_FILE", "or its file"),
  flag("authHeader", "--auth-header <name>", "LOKI_AUTH_HEADER", "Authorization"),
  flag("caCert", "--ca-cert <file>", "LOKI_CA_CERT_PATH", "signed the server"),
  flag("tlsSkipVerify", "--tls-skip-verify", "LOKI_TLS_SKIP_VERIFY", skipText, "flag"),
  flag("cert", "--cert <file>", "LOKI_CLIENT_CERT_PATH", "of the client"),
  flag("key", "--key <file>", "LOKI_CLIENT_KEY_PATH", "and its key"),
  flag("proxyUrl", "--proxy-url <url>", "LOKI_HTTP_PROXY_URL", "else HTTPS_PROXY"),
  flag("retries", "--retries <n>", "LOKI_CLIENT_RETRIES", "0 (push: 10)", "count"),
  flag("minBackoff", "--min-backoff <s>", "LOKI_CLIENT_MIN_BACKOFF", "0.5s", "backoff"),
  flag("maxBackoff", "--max-backoff <s>", "LOKI_CLIENT_MAX_BACKOFF", "5m", "backoff"),
  flag("queryTags", "--query-tags <tags>", "LOKI_QUERY_TAGS", "for its query log"),
  flag("nocache", "--nocache", "LOKI_NO_CACHE", "use no cache", "flag"),
];
