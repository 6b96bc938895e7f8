import { isStoreError } from "#base";
import { parseS3Url, type S3Url } from "#objectstore";
import type { SettingValues } from "./settings.ts";
import { settingByPath, settingValue } from "./settings.ts";
import type {
  AzureStoreConfig,
  GcsStoreConfig,
  HedgingConfig,
  ObjectStoreConfig,
  ObjectStoresConfig,
  RetryConfig,
  S3Encryption,
  S3StoreConfig,
} from "./store-config.ts";
import { asText, type Value } from "./value-types.ts";

/** The value of a key of one store's section, wherever the section is. */
export type Section = (key: string) => Value;

/** A store, or why there is none: shown only when something names the store. */
export type Reading = { readonly store: ObjectStoreConfig } | { readonly fault: string };

export interface StoreReadings extends ObjectStoresConfig {
  /** By name: what is missing or wrong, in words that begin with the key. */
  readonly faults: ReadonlyMap<string, string>;
}

/** All stores of both forms; which form holds is said by storage_config.use_thanos_objstore. */
export function readObjectStores(values: SettingValues): StoreReadings {
  const isThanos = settingValue(values, "storage_config.use_thanos_objstore") === true;
  const readings = isThanos ? thanosStores(values) : lokiStores(values);
  const byName = new Map<string, ObjectStoreConfig>();
  const faults = new Map<string, string>();
  for (const [name, reading] of readings) {
    if ("store" in reading) byName.set(name, reading.store);
    else faults.set(name, reading.fault);
  }
  return { byName, faults, hedging: hedgingOf(values) };
}

export function sectionAt(values: SettingValues, path: string): Section {
  return (key) => settingValue(values, `${path}.${key}`);
}

/** A section of named_stores; what it leaves out is as the table of `pattern` says. */
function recordSection(record: Value, pattern: string): Section {
  return (key) => {
    let value: Value = record;
    for (const name of key.split(".")) {
      value = (value as { readonly [key: string]: Value } | undefined)?.[name];
    }
    return value ?? settingByPath.get(`${pattern}.${key}`)?.defaultValue;
  };
}

function lokiStores(values: SettingValues): Map<string, Reading> {
  const at = (path: string): Section => sectionAt(values, `storage_config.${path}`);
  const keyPrefix = prefixOf(asText(settingValue(values, "storage_config.object_prefix")));
  const readings = new Map<string, Reading>();
  const folder = asText(settingValue(values, "storage_config.filesystem.directory"));
  readings.set("filesystem", { store: { kind: "filesystem", folder, keyPrefix } });
  readings.set("inmemory", { store: { kind: "inmemory", keyPrefix } });
  const s3 = s3Of(at("aws"), "storage_config.aws", keyPrefix);
  readings.set("s3", s3).set("aws", s3);
  readings.set("gcs", gcsOf(at("gcs"), "storage_config.gcs", keyPrefix));
  readings.set("azure", azureOf(at("azure"), "storage_config.azure", keyPrefix));
  const readers: Readonly<Record<string, (of: Section, path: string) => Reading>> = {
    filesystem: (of, path) => folderOf(of("directory"), `${path}.directory`, keyPrefix),
    aws: (of, path) => s3Of(of, path, keyPrefix),
    gcs: (of, path) => gcsOf(of, path, keyPrefix),
    azure: (of, path) => azureOf(of, path, keyPrefix),
  };
  const patterns = { aws: "s3", gcs: "gcs", azure: "azure", filesystem: "filesystem" };
  for (const [kind, pattern] of Object.entries(patterns)) {
    const path = `storage_config.named_stores.${kind}`;
    addNamed(readings, values, { path, pattern: `common.storage.${pattern}` }, readers[kind]!);
  }
  return readings;
}

function thanosStores(values: SettingValues): Map<string, Reading> {
  const root = "storage_config.object_store";
  const of = sectionAt(values, root);
  const keyPrefix = prefixOf(asText(of("storage_prefix")));
  const readings = new Map<string, Reading>();
  const folder = asText(of("filesystem.dir"));
  readings.set("filesystem", { store: { kind: "filesystem", folder, keyPrefix } });
  readings.set("inmemory", { store: { kind: "inmemory", keyPrefix } });
  const s3 = thanosS3Of((key) => of(`s3.${key}`), `${root}.s3`, keyPrefix);
  readings.set("s3", s3).set("aws", s3);
  readings.set(
    "gcs",
    thanosGcsOf((key) => of(`gcs.${key}`), `${root}.gcs`, keyPrefix),
  );
  const azure = thanosAzureOf((key) => of(`azure.${key}`), `${root}.azure`, keyPrefix);
  readings.set("azure", azure);
  const readers: Readonly<Record<string, (of: Section, path: string) => Reading>> = {
    filesystem: (named, path) => folderOf(named("dir"), `${path}.dir`, keyPrefix),
    s3: (named, path) => thanosS3Of(named, path, keyPrefix),
    gcs: (named, path) => thanosGcsOf(named, path, keyPrefix),
    azure: (named, path) => thanosAzureOf(named, path, keyPrefix),
  };
  for (const [kind, reader] of Object.entries(readers)) {
    const pattern = `common.storage.object_store.${kind}`;
    addNamed(readings, values, { path: `${root}.named_stores.${kind}`, pattern }, reader);
  }
  return readings;
}

function addNamed(
  readings: Map<string, Reading>,
  values: SettingValues,
  { path, pattern }: { path: string; pattern: string },
  reader: (of: Section, path: string) => Reading,
): void {
  const records = (settingValue(values, path) ?? {}) as Record<string, Value>;
  for (const [name, record] of Object.entries(records)) {
    const own = `${path}.${name}`;
    const reading = readings.has(name)
      ? { fault: `${own} is the name of an object store already` }
      : reader(recordSection(record, pattern), own);
    readings.set(name, reading);
  }
}

/** Keys go below a folder of this name. */
export function prefixOf(text: string): string {
  const trimmed = text.replace(/^\/+|\/+$/g, "");
  return trimmed === "" ? "" : `${trimmed}/`;
}

function folderOf(folder: Value, path: string, keyPrefix: string): Reading {
  if (asText(folder) === "") return { fault: `${path} has no folder` };
  return { store: { kind: "filesystem", folder: asText(folder), keyPrefix } };
}

/** Undefined for what is empty. */
function textOf(value: Value): string | undefined {
  const text = asText(value);
  return text === "" ? undefined : text;
}

function namesOf(value: Value): string[] {
  return asText(value)
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

export function s3Of(of: Section, path: string, keyPrefix: string): Reading {
  const url = urlOf(of("s3"));
  if ("fault" in url) return { fault: `${path}.s3: ${url.fault}` };
  if (url.isInMemory) return { store: { kind: "inmemory", keyPrefix } };
  const named = namesOf(of("bucketnames"));
  const buckets = named.length > 0 || url.bucket === "" ? named : [url.bucket];
  if (buckets.length === 0) return { fault: `${path}.bucketnames has no bucket` };
  const fault = s3Fault(of, path);
  if (fault !== undefined) return { fault };
  if (of("signature_version") !== "v4" && of("signature_version") !== "") {
    return { fault: `${path}.signature_version must be v4` };
  }
  const store: S3StoreConfig = {
    kind: "s3",
    keyPrefix,
    buckets,
    ...s3Access(of, url),
    forcePathStyle: of("s3forcepathstyle") === true ? true : undefined,
    chunkDelimiter: textOf(of("chunk_delimiter")),
    requestTimeoutMs: Number(of("http_config.timeout")),
    responseHeaderTimeoutMs: Number(of("http_config.response_header_timeout")),
    idleConnectionTimeoutMs: Number(of("http_config.idle_conn_timeout")),
    insecureSkipVerify: of("http_config.insecure_skip_verify") === true,
    caFile: textOf(of("http_config.ca_file")),
    partBytes: 0,
    dualstack: of("disable_dualstack") !== true,
    retries: retriesOf(
      Number(of("backoff_config.min_period")),
      Number(of("backoff_config.max_period")),
      Number(of("backoff_config.max_retries")),
    ),
  };
  return { store };
}

const noUrl: S3Url = { bucket: "", isInMemory: false };

/** What a URL says that does not begin with s3:// or inmemory://, or cannot be read, is a fault. */
function urlOf(value: Value): S3Url | { readonly fault: string } {
  const text = asText(value);
  if (text === "") return noUrl;
  try {
    return parseS3Url(text);
  } catch (error) {
    if (isStoreError(error, "denied")) return { fault: error.message };
    throw error;
  }
}

/** What both forms call the same. What is given by itself wins over the URL. */
function s3Access(
  of: Section,
  url: S3Url,
): Pick<
  S3StoreConfig,
  | "endpoint"
  | "region"
  | "accessKeyId"
  | "secretAccessKey"
  | "sessionToken"
  | "insecure"
  | "storageClass"
  | "sse"
> {
  return {
    endpoint: textOf(of("endpoint")) ?? url.endpoint,
    region: textOf(of("region")) ?? url.region,
    accessKeyId: textOf(of("access_key_id")) ?? url.keys?.accessKeyId,
    secretAccessKey: textOf(of("secret_access_key")) ?? url.keys?.secretAccessKey,
    sessionToken: textOf(of("session_token")),
    insecure: of("insecure") === true,
    storageClass: textOf(of("storage_class")),
    sse: encryptionOf(of),
  };
}

function encryptionOf(of: Section): S3Encryption | undefined {
  const type = of("sse.type");
  if (type !== "SSE-S3" && type !== "SSE-KMS") return undefined;
  return {
    type,
    kmsKeyId: textOf(of("sse.kms_key_id")),
    kmsEncryptionContext: textOf(of("sse.kms_encryption_context")),
  };
}

function s3Fault(of: Section, path: string): string | undefined {
  const hasId = asText(of("access_key_id")) !== "";
  if (hasId !== (asText(of("secret_access_key")) !== "")) {
    return `${path} has one of access_key_id and secret_access_key, expected both or neither`;
  }
  const sse = asText(of("sse.type"));
  if (!["", "SSE-S3", "SSE-KMS"].includes(sse)) {
    return `${path}.sse.type expected SSE-S3 or SSE-KMS, found ${JSON.stringify(sse)}`;
  }
  if (sse === "SSE-KMS" && asText(of("sse.kms_key_id")) === "") {
    return `${path}.sse.kms_key_id is needed for SSE-KMS`;
  }
  const context = asText(of("sse.kms_encryption_context"));
  if (context !== "" && !isJsonObject(context)) {
    return `${path}.sse.kms_encryption_context expected a JSON object of strings`;
  }
  return undefined;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** A pause of zero would hammer a server that is in trouble. */
const delayMinMs = 1;

function retriesOf(minDelayMs: number, maxDelayMs: number, attempts: number): RetryConfig {
  const least = Math.max(delayMinMs, minDelayMs);
  return {
    minDelayMs: least,
    maxDelayMs: Math.max(least, maxDelayMs),
    attemptsMax: Math.max(1, attempts),
  };
}

/** Pauses of stores whose form of configuration has no keys for them. */
const usualDelays = { min: 100, max: 10_000 };

function usualRetries(attempts: number): RetryConfig {
  return retriesOf(usualDelays.min, usualDelays.max, attempts);
}

export function thanosS3Of(of: Section, path: string, keyPrefix: string): Reading {
  const buckets = namesOf(of("bucket_name"));
  if (buckets.length === 0) return { fault: `${path}.bucket_name has no bucket` };
  const fault = s3Fault(of, path);
  if (fault !== undefined) return { fault };
  const lookup = of("bucket_lookup_type");
  const store: S3StoreConfig = {
    kind: "s3",
    keyPrefix,
    buckets,
    ...s3Access(of, noUrl),
    forcePathStyle: lookup === "path" ? true : lookup === "virtual-hosted" ? false : undefined,
    chunkDelimiter: undefined,
    requestTimeoutMs: 0,
    responseHeaderTimeoutMs: Number(of("http.response_header_timeout")),
    idleConnectionTimeoutMs: Number(of("http.idle_conn_timeout")),
    insecureSkipVerify: of("http.insecure_skip_verify") === true,
    caFile: textOf(of("http.tls_ca_path")),
    partBytes: Number(of("part_size")),
    dualstack: of("dualstack_enabled") === true,
    retries: usualRetries(Number(of("max_retries"))),
  };
  return { store };
}

export function gcsOf(of: Section, path: string, keyPrefix: string): Reading {
  const bucket = asText(of("bucket_name"));
  const fault = gcsFault(of, path);
  if (fault !== undefined) return { fault };
  const store: GcsStoreConfig = {
    kind: "gcs",
    keyPrefix,
    bucket,
    endpoint: textOf(of("endpoint")),
    serviceAccount: textOf(of("service_account")),
    partBytes: Number(of("chunk_buffer_size")),
    requestTimeoutMs: Number(of("request_timeout")),
    retries: usualRetries(of("enable_retries") === false ? 1 : gcsAttempts),
  };
  return { store };
}

const gcsAttempts = 10;

function gcsFault(of: Section, path: string): string | undefined {
  if (asText(of("bucket_name")) === "") return `${path}.bucket_name has no bucket`;
  const account = asText(of("service_account"));
  if (account === "" || isJsonObject(account)) return undefined;
  return `${path}.service_account expected the JSON of a service account`;
}

export function thanosGcsOf(of: Section, path: string, keyPrefix: string): Reading {
  const fault = gcsFault(of, path);
  if (fault !== undefined) return { fault };
  const store: GcsStoreConfig = {
    kind: "gcs",
    keyPrefix,
    bucket: asText(of("bucket_name")),
    endpoint: undefined,
    serviceAccount: textOf(of("service_account")),
    partBytes: Number(of("chunk_buffer_size")),
    requestTimeoutMs: 0,
    retries: usualRetries(Number(of("max_retries"))),
  };
  return { store };
}

function azureFault(of: Section, path: string): string | undefined {
  const hasAccount = textOf(of("account_name")) ?? textOf(of("connection_string"));
  if (hasAccount === undefined) return `${path}.account_name has no storage account`;
  if (asText(of("container_name")) === "") return `${path}.container_name has no container`;
  return undefined;
}

export function azureOf(of: Section, path: string, keyPrefix: string): Reading {
  const fault = azureFault(of, path);
  if (fault !== undefined) return { fault };
  const isPrincipal = of("use_service_principal") === true;
  if (isPrincipal && [of("client_id"), of("client_secret"), of("tenant_id")].includes("")) {
    return { fault: `${path}.use_service_principal needs client_id, client_secret and tenant_id` };
  }
  const store: AzureStoreConfig = {
    kind: "azure",
    keyPrefix,
    environment: asText(of("environment"), "AzureGlobal"),
    accountName: textOf(of("account_name")),
    accountKey: textOf(of("account_key")),
    connectionString: textOf(of("connection_string")),
    container: asText(of("container_name")),
    endpointSuffix: textOf(of("endpoint_suffix")),
    activeDirectoryEndpoint: textOf(of("active_directory_endpoint")),
    useManagedIdentity: of("use_managed_identity") === true,
    useFederatedToken: of("use_federated_token") === true,
    userAssignedId: textOf(of("user_assigned_id")),
    useServicePrincipal: isPrincipal,
    clientId: textOf(of("client_id")),
    clientSecret: textOf(of("client_secret")),
    tenantId: textOf(of("tenant_id")),
    chunkDelimiter: textOf(of("chunk_delimiter")),
    requestTimeoutMs: Number(of("request_timeout")),
    retries: retriesOf(
      Number(of("min_retry_delay")),
      Number(of("max_retry_delay")),
      Number(of("max_retries")) + 1,
    ),
  };
  return { store };
}

export function thanosAzureOf(of: Section, path: string, keyPrefix: string): Reading {
  const fault = azureFault(of, path);
  if (fault !== undefined) return { fault };
  const hasKey = (textOf(of("account_key")) ?? textOf(of("connection_string"))) !== undefined;
  const store: AzureStoreConfig = {
    kind: "azure",
    keyPrefix,
    environment: "AzureGlobal",
    accountName: textOf(of("account_name")),
    accountKey: textOf(of("account_key")),
    connectionString: textOf(of("connection_string")),
    container: asText(of("container_name")),
    endpointSuffix: textOf(of("endpoint_suffix")),
    activeDirectoryEndpoint: undefined,
    // Without a key, the credentials are the machine's or the workload's, whichever there are.
    useManagedIdentity: !hasKey && textOf(of("user_assigned_id")) !== undefined,
    useFederatedToken: false,
    userAssignedId: textOf(of("user_assigned_id")),
    useServicePrincipal: false,
    clientId: undefined,
    clientSecret: undefined,
    tenantId: undefined,
    chunkDelimiter: textOf(of("chunk_delimiter")),
    requestTimeoutMs: 0,
    retries: usualRetries(Number(of("max_retries"))),
  };
  return { store };
}

function hedgingOf(values: SettingValues): HedgingConfig | undefined {
  const of = sectionAt(values, "storage_config.hedging");
  const atMs = Number(of("at"));
  if (atMs <= 0) return undefined;
  const upTo = Math.max(1, Number(of("up_to")));
  return { atMs, upTo, perSecondMax: Math.max(1, Number(of("max_per_second"))) };
}
