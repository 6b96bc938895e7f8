/** The configuration of a store as the store's own options: what each kind needs, no more. */
import type { AzureStoreConfig, GcsStoreConfig, S3StoreConfig } from "#config";
import type {
  AzureCredentials,
  AzureEnvironment,
  AzureObjectStoreOptions,
  GcsObjectStoreOptions,
  S3ObjectStoreOptions,
} from "#objectstore";
import type { World } from "./world.ts";

export function s3OptionsOf(config: S3StoreConfig, { files, clock }: World): S3ObjectStoreOptions {
  const { accessKeyId, secretAccessKey, sessionToken, partBytes } = config;
  const keys =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : { accessKeyId, secretAccessKey, sessionToken };
  return {
    files,
    clock,
    buckets: config.buckets,
    region: config.region,
    endpoint: config.endpoint,
    insecure: config.insecure,
    forcePathStyle: config.forcePathStyle,
    // Loki's switch only says that IPv6 is not wanted; the SDK's own default is without it.
    dualStack: config.dualstack ? undefined : false,
    keys,
    storageClass: config.storageClass === "STANDARD" ? undefined : config.storageClass,
    encryption: s3EncryptionOf(config),
    chunkDelimiter: config.chunkDelimiter,
    partBytes: partBytes === 0 ? undefined : partBytes,
    http: {
      timeoutMs: config.requestTimeoutMs,
      // Loki's default of no limit is the store's own default, which has one.
      responseHeaderTimeoutMs:
        config.responseHeaderTimeoutMs === 0 ? undefined : config.responseHeaderTimeoutMs,
      idleConnectionTimeoutMs: config.idleConnectionTimeoutMs,
      insecureSkipVerify: config.insecureSkipVerify,
      caFile: config.caFile,
    },
  };
}

function s3EncryptionOf({ sse }: S3StoreConfig): S3ObjectStoreOptions["encryption"] {
  if (sse === undefined) return undefined;
  if (sse.type === "SSE-S3") return { type: "SSE-S3" };
  const { kmsKeyId, kmsEncryptionContext } = sse;
  return { type: "SSE-KMS", kmsKeyId, encryptionContext: kmsEncryptionContext };
}

export function gcsOptionsOf(
  config: GcsStoreConfig,
  { clock, files }: World,
): GcsObjectStoreOptions {
  return {
    clock,
    files,
    bucket: config.bucket,
    endpoint: config.endpoint,
    serviceAccount: config.serviceAccount,
    partBytes: config.partBytes === 0 ? undefined : config.partBytes,
    timeoutMs: config.requestTimeoutMs,
  };
}

export function azureOptionsOf(
  config: AzureStoreConfig,
  { clock, random }: World,
): AzureObjectStoreOptions {
  return {
    clock,
    random,
    container: config.container,
    credentials: azureCredentialsOf(config),
    accountName: config.accountName,
    environment: environments.find((name) => name === config.environment),
    endpointSuffix: config.endpointSuffix,
    activeDirectoryEndpoint: config.activeDirectoryEndpoint,
    chunkDelimiter: config.chunkDelimiter,
    timeoutMs: config.requestTimeoutMs,
  };
}

const environments: readonly AzureEnvironment[] = [
  "AzureGlobal",
  "AzureChinaCloud",
  "AzureGermanCloud",
  "AzureUSGovernment",
];

/** In Loki's order: what is written down wins over what the machine has. */
function azureCredentialsOf(config: AzureStoreConfig): AzureCredentials {
  const { connectionString, accountKey, tenantId, clientId, clientSecret } = config;
  if (connectionString !== undefined) return { type: "connection string", text: connectionString };
  if (config.useManagedIdentity) {
    return { type: "managed identity", clientId: config.userAssignedId };
  }
  if (config.useFederatedToken) return { type: "workload identity" };
  const hasPrincipal =
    tenantId !== undefined && clientId !== undefined && clientSecret !== undefined;
  if (config.useServicePrincipal && hasPrincipal) {
    return { type: "service principal", tenantId, clientId, clientSecret };
  }
  return accountKey === undefined ? { type: "default" } : { type: "key", accountKey };
}
