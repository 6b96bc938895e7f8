import {
  cipherListOf,
  type ClientAuthType,
  clientAuthTypes,
  type PemSource,
  type ServerTlsConfig,
  type TlsVersion,
  tlsVersions,
} from "#access";
import type { AccessConfig } from "./config.ts";
import { type SettingValues, settingValue } from "./settings.ts";
import { asText, type Value } from "./value-types.ts";

type ReportProblem = (key: string, message: string) => void;

const probes = ["/ready", "/metrics"];

export function accessOf(values: SettingValues, problem: ReportProblem): AccessConfig {
  const get = (path: string): Value => settingValue(values, path);
  const own = (key: string): Value => get(`skald.${key}`);
  const openPaths = own("open_paths") as readonly string[];
  for (const path of openPaths) {
    if (!probes.includes(path)) problem("skald.open_paths", `expected ${probes.join(" or ")}`);
  }
  const origins = own("cors_origins") as readonly string[];
  for (const origin of origins) checkOrigin(origin, problem);
  for (const key of ["token_file_period", "session_lifetime"]) {
    if (Number(own(key)) <= 0) problem(`skald.${key}`, "expected more than zero");
  }
  for (const path of limits) if (Number(get(path)) < 0) problem(path, "expected zero or more");
  const shared = sharedTls(values, problem);
  return {
    tokenFile: textOrNone(own("token_file")),
    reloadPeriodMs: Number(own("token_file_period")),
    openPaths,
    sessionLifetimeMs: Number(own("session_lifetime")),
    auditFile: textOrNone(own("audit_file")),
    corsOrigins: origins,
    tailsPerAddressMax: Number(own("tails_per_address")),
    httpConnectionsMax: Number(get("server.http_listen_conn_limit")),
    grpcConnectionsMax: Number(get("server.grpc_listen_conn_limit")),
    httpHeadersTimeoutMs: Number(get("server.http_server_read_header_timeout")),
    httpTls: tlsOf("http", values, { shared, problem }),
    grpcTls: tlsOf("grpc", values, { shared, problem }),
  };
}

const limits = [
  "server.http_listen_conn_limit",
  "server.grpc_listen_conn_limit",
  "skald.tails_per_address",
];

function textOrNone(value: Value): string | undefined {
  return value === undefined || value === "" ? undefined : asText(value);
}

function checkOrigin(origin: string, problem: ReportProblem): void {
  const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin;
  if (!isOrigin) problem("skald.cors_origins", "expected origins such as https://a.example.org");
}

type SharedTls = Pick<ServerTlsConfig, "minVersion" | "ciphers">;

function sharedTls(values: SettingValues, problem: ReportProblem): SharedTls {
  const version = asText(settingValue(values, "server.tls_min_version"));
  const names = Object.keys(tlsVersions) as TlsVersion[];
  const minVersion = names.find((name) => name === version);
  if (version !== "" && minVersion === undefined) {
    problem("server.tls_min_version", `expected one of ${names.join(", ")}`);
  }
  const suites = settingValue(values, "server.tls_cipher_suites") as readonly string[];
  const list = cipherListOf(suites);
  if ("problem" in list) problem("server.tls_cipher_suites", list.problem);
  const ciphers = "problem" in list ? undefined : list.ciphers;
  return { minVersion: minVersion ?? "VersionTLS12", ciphers };
}

function tlsOf(
  name: "http" | "grpc",
  values: SettingValues,
  { shared, problem }: { readonly shared: SharedTls; readonly problem: ReportProblem },
): ServerTlsConfig | undefined {
  const section = `server.${name}_tls_config`;
  const source = (key: string): PemSource | undefined => {
    const text = textOrNone(settingValue(values, `${section}.${key}`));
    const file = textOrNone(settingValue(values, `${section}.${key}_file`));
    if (text !== undefined && file !== undefined) {
      problem(`${section}.${key}`, `expected ${key} or ${key}_file, found both`);
    }
    if (file !== undefined) return { file };
    return text === undefined ? undefined : { text };
  };
  const [cert, key, clientCa] = [source("cert"), source("key"), source("client_ca")];
  const type = asText(settingValue(values, `${section}.client_auth_type`));
  const clientAuth = clientAuthOf(type, section, problem);
  if (cert === undefined && key === undefined) {
    if (clientCa !== undefined || clientAuth !== "NoClientCert") {
      problem(section, "clients can show certificates only with cert_file and key_file");
    }
    return undefined;
  }
  if (cert === undefined || key === undefined) {
    problem(section, `expected cert_file and key_file, found only ${cert ? "cert" : "key"}_file`);
    return undefined;
  }
  const verifies = clientAuth.includes("Verify");
  if (verifies && clientCa === undefined) {
    problem(section, `${clientAuth} needs client_ca_file: whose clients are let in`);
  }
  if (clientCa !== undefined && clientAuth === "NoClientCert") {
    problem(section, "client_ca_file has no effect without client_auth_type");
  }
  return { cert, key, clientCa, clientAuth, ...shared };
}

function clientAuthOf(type: string, section: string, problem: ReportProblem): ClientAuthType {
  const known = clientAuthTypes.find((name) => name === type);
  if (known === undefined && type !== "") {
    problem(`${section}.client_auth_type`, `expected one of ${clientAuthTypes.join(", ")}`);
  }
  return known ?? "NoClientCert";
}
