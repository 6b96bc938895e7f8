import { messageOf } from "#base";
import { compileRegex } from "#regex";
import type {
  AlertmanagerConfig,
  CredentialsConfig,
  RelabelConfig,
  RemoteWriteClientConfig,
  RulerConfig,
  RulerLimits,
  TlsFilesConfig,
} from "./ruler-config.ts";
import { type SettingValues, settingValue } from "./settings.ts";
import type { RuleStoreConfig } from "./store-config.ts";
import { asText, type Value } from "./value-types.ts";

/** The value of a key of one section; undefined when it was not given. */
type Section = (key: string) => Value;
type ValueRecord = { readonly [key: string]: Value };

export function rulerOf(values: SettingValues, store: RuleStoreConfig): RulerConfig {
  const get = sectionAt(values, "ruler");
  return {
    apiEnabled: get("enable_api") === true,
    rulePath: asText(get("rule_path")),
    alertmanager: alertmanagerOf(get),
    externalUrl: asText(get("external_url")),
    externalLabels: textsOf(get("external_labels")),
    evaluationIntervalMs: Number(get("evaluation_interval")),
    jitterMaxMs: Number(get("evaluation.max_jitter")),
    pollIntervalMs: Number(get("poll_interval")),
    outageToleranceMs: Number(get("for_outage_tolerance")),
    gracePeriodMs: Number(get("for_grace_period")),
    resendDelayMs: Number(get("resend_delay")),
    enabledTenants: get("enabled_tenants") as readonly string[],
    disabledTenants: get("disabled_tenants") as readonly string[],
    store,
    remoteWrite: {
      enabled: get("remote_write.enabled") === true,
      addTenantHeader: get("remote_write.add_org_id_header") === true,
      folder: asText(get("wal.dir")),
      ageMaxMs: Number(get("wal.max_age")),
      clients: remoteWriteClients(values),
    },
  };
}

function sectionAt(values: SettingValues, path: string): Section {
  return (key) => settingValue(values, `${path}.${key}`);
}

function recordSection(record: ValueRecord): Section {
  return (key) => {
    let value: Value = record;
    for (const name of key.split(".")) value = (value as ValueRecord | undefined)?.[name];
    return value;
  };
}

function textsOf(value: Value): Readonly<Record<string, string>> {
  return (value ?? {}) as Readonly<Record<string, string>>;
}

function recordsOf(value: Value): readonly RelabelConfig[] {
  return (value ?? []) as readonly RelabelConfig[];
}

function urlsOf(value: Value): readonly string[] {
  return asText(value)
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "");
}

function alertmanagerOf(get: Section): AlertmanagerConfig {
  const client: Section = (key) => get(`alertmanager_client.${key}`);
  return {
    urls: urlsOf(get("alertmanager_url")),
    discovers: get("enable_alertmanager_discovery") === true,
    refreshIntervalMs: Number(get("alertmanager_refresh_interval")),
    queueCapacity: Number(get("notification_queue_capacity")),
    timeoutMs: Number(get("notification_timeout")),
    credentials: alertmanagerCredentials(client),
    tls: {
      caFile: asText(client("tls_ca_path")),
      certFile: asText(client("tls_cert_path")),
      keyFile: asText(client("tls_key_path")),
      serverName: asText(client("tls_server_name")),
      insecureSkipVerify: client("tls_insecure_skip_verify") === true,
    },
    relabelConfigs: recordsOf(get("alert_relabel_configs")),
  };
}

function alertmanagerCredentials(client: Section): CredentialsConfig {
  return {
    username: asText(client("basic_auth_username")),
    password: asText(client("basic_auth_password")),
    passwordFile: "",
    type: asText(client("type"), "Bearer"),
    credentials: asText(client("credentials")),
    credentialsFile: asText(client("credentials_file")),
  };
}

function remoteWriteClients(values: SettingValues): Map<string, RemoteWriteClientConfig> {
  const own = sectionAt(values, "ruler.remote_write.client");
  const defaults = clientOf(own) as RemoteWriteClientConfig;
  const clients = new Map<string, RemoteWriteClientConfig>();
  if (defaults.url !== "") clients.set(asText(own("name")) || "default", defaults);
  const named = (settingValue(values, "ruler.remote_write.clients") ?? {}) as ValueRecord;
  // What a named client leaves out is as for any client, not as for `client`.
  const plain = clientOf(sectionAt(new Map(), "ruler.remote_write.client"));
  for (const [name, record] of Object.entries(named)) {
    const given = clientOf(recordSection((record ?? {}) as ValueRecord));
    clients.set(name, { ...plain, ...given } as RemoteWriteClientConfig);
  }
  return clients;
}

/** Only what was given. */
function clientOf(of: Section): Partial<RemoteWriteClientConfig> {
  const client: Partial<Record<keyof RemoteWriteClientConfig, unknown>> = {
    url: of("url"),
    timeoutMs: of("remote_timeout"),
    headers: of("headers"),
    relabelConfigs: of("write_relabel_configs"),
    samplesPerSendMax: of("queue_config.max_samples_per_send"),
    minBackoffMs: of("queue_config.min_backoff"),
    maxBackoffMs: of("queue_config.max_backoff"),
    retriesRateLimit: of("queue_config.retry_on_http_429"),
    credentials: given(clientCredentials(of)),
    tls: given(clientTls(of)),
  };
  return onlyGiven(client) as Partial<RemoteWriteClientConfig>;
}

function onlyGiven<T extends object>(record: T): Partial<T> {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

/** Undefined when all of it is empty. */
function given<T extends object>(record: T): T | undefined {
  const isEmpty = Object.entries(record).every(
    ([key, value]) => key === "type" || value === "" || value === false,
  );
  return isEmpty ? undefined : record;
}

const noCredentials: CredentialsConfig = {
  username: "",
  password: "",
  passwordFile: "",
  type: "Bearer",
  credentials: "",
  credentialsFile: "",
};

function clientCredentials(of: Section): CredentialsConfig {
  return {
    username: asText(of("basic_auth.username")),
    password: asText(of("basic_auth.password")),
    passwordFile: asText(of("basic_auth.password_file")),
    type: asText(of("authorization.type"), "Bearer"),
    credentials: asText(of("authorization.credentials")) || asText(of("bearer_token")),
    credentialsFile: asText(of("authorization.credentials_file")),
  };
}

function clientTls(of: Section): TlsFilesConfig {
  return {
    caFile: asText(of("tls_config.ca_file")),
    certFile: asText(of("tls_config.cert_file")),
    keyFile: asText(of("tls_config.key_file")),
    serverName: asText(of("tls_config.server_name")),
    insecureSkipVerify: of("tls_config.insecure_skip_verify") === true,
  };
}

export const defaultRulerLimits: RulerLimits = {
  rulerMaxRulesPerRuleGroup: 0,
  rulerMaxRuleGroupsPerTenant: 0,
  rulerAlertmanager: { urls: [], relabelConfigs: [], credentials: noCredentials },
  rulerRemoteWriteDisabled: false,
  rulerRemoteWrite: {},
  rulerRemoteWriteClients: new Map(),
};

export function rulerLimits(values: SettingValues): RulerLimits {
  const get = sectionAt(values, "limits_config");
  const alertmanager: Section = (key) => get(`ruler_alertmanager_config.${key}`);
  const clients = (get("ruler_remote_write_config") ?? {}) as ValueRecord;
  const own = (key: string): Value => get(`ruler_remote_write_${key}`);
  const url = asText(own("url"));
  const relabelConfigs = recordsOf(own("relabel_configs"));
  const headers = textsOf(own("headers"));
  const client: Partial<RemoteWriteClientConfig> = {
    ...(url === "" ? {} : { url }),
    ...(own("timeout") === 0 ? {} : { timeoutMs: Number(own("timeout")) }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(relabelConfigs.length === 0 ? {} : { relabelConfigs }),
    ...(own("queue_max_samples_per_send") === 0
      ? {}
      : { samplesPerSendMax: Number(own("queue_max_samples_per_send")) }),
    ...(own("queue_min_backoff") === 0 ? {} : { minBackoffMs: Number(own("queue_min_backoff")) }),
    ...(own("queue_max_backoff") === 0 ? {} : { maxBackoffMs: Number(own("queue_max_backoff")) }),
    ...(own("queue_retry_on_ratelimit") === true ? { retriesRateLimit: true } : {}),
  };
  return {
    rulerMaxRulesPerRuleGroup: Number(get("ruler_max_rules_per_rule_group")),
    rulerMaxRuleGroupsPerTenant: Number(get("ruler_max_rule_groups_per_tenant")),
    rulerAlertmanager: {
      urls: urlsOf(alertmanager("alertmanager_url")),
      relabelConfigs: recordsOf(alertmanager("alert_relabel_configs")),
      credentials: alertmanagerCredentials((key) => alertmanager(`alertmanager_client.${key}`)),
    },
    rulerRemoteWriteDisabled: own("disabled") === true,
    rulerRemoteWrite: client,
    rulerRemoteWriteClients: new Map(
      Object.entries(clients).map(([name, record]) => {
        return [name, clientOf(recordSection((record ?? {}) as ValueRecord))];
      }),
    ),
  };
}

/** What the types alone do not say of the ruler's settings. */
export function checkRuler(
  values: SettingValues,
  problem: (key: string, message: string) => void,
): void {
  for (const key of ["ruler.evaluation_interval", "ruler.poll_interval", "ruler.resend_delay"]) {
    if (Number(settingValue(values, key)) <= 0) problem(key, "expected more than zero");
  }
  const relabelPaths = [
    "ruler.alert_relabel_configs",
    "ruler.remote_write.client.write_relabel_configs",
    "limits_config.ruler_remote_write_relabel_configs",
    "limits_config.ruler_alertmanager_config.alert_relabel_configs",
  ];
  for (const key of relabelPaths) checkRelabelling(key, settingValue(values, key), problem);
  const clients = (settingValue(values, "ruler.remote_write.clients") ?? {}) as ValueRecord;
  for (const [name, record] of Object.entries(clients)) {
    const key = `ruler.remote_write.clients.${name}`;
    const of = recordSection((record ?? {}) as ValueRecord);
    if (asText(of("url")) === "") problem(`${key}.url`, "is missing");
    const path = "write_relabel_configs";
    checkRelabelling(`${key}.${path}`, of(path), problem);
  }
}

const relabelActions: ReadonlySet<string> = new Set(
  "replace keep drop keepequal dropequal hashmod labelmap labeldrop labelkeep lowercase uppercase".split(
    " ",
  ),
);

function checkRelabelling(
  key: string,
  value: Value,
  problem: (key: string, message: string) => void,
): void {
  for (const [at, record] of recordsOf(value).entries()) {
    const action = record["action"] ?? "replace";
    if (typeof action !== "string" || !relabelActions.has(action.toLowerCase())) {
      problem(`${key}[${at}].action`, "there is no such action");
    }
    try {
      compileRegex(asText(record["regex"] as Value), { anchored: true });
    } catch (error) {
      problem(`${key}[${at}].regex`, `expected a regular expression: ${messageOf(error)}`);
    }
  }
}
