/**
 * Object stores as the configuration names them, one shape for all the forms Loki has. Texts that
 * were not given are undefined; secrets are here in the clear and never printed.
 */
export type ObjectStoreConfig =
  | FilesystemStoreConfig
  | MemoryStoreConfig
  | S3StoreConfig
  | GcsStoreConfig
  | AzureStoreConfig;

interface StoreConfig {
  /** Put before all keys; empty, or ends in `/`. */
  readonly keyPrefix: string;
}

export interface FilesystemStoreConfig extends StoreConfig {
  readonly kind: "filesystem";
  readonly folder: string;
}

/** Gone when the process stops: for tests. */
export interface MemoryStoreConfig extends StoreConfig {
  readonly kind: "inmemory";
}

export interface S3StoreConfig extends StoreConfig {
  readonly kind: "s3";
  /** At least one; objects are spread over several by a hash of their keys. */
  readonly buckets: readonly string[];
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly sessionToken: string | undefined;
  readonly insecure: boolean;
  /** Undefined: as the server's address suggests. */
  readonly forcePathStyle: boolean | undefined;
  readonly chunkDelimiter: string | undefined;
  readonly storageClass: string | undefined;
  readonly sse: S3Encryption | undefined;
  /** 0: no limit. */
  readonly requestTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
  readonly idleConnectionTimeoutMs: number;
  readonly insecureSkipVerify: boolean;
  readonly caFile: string | undefined;
  /** 0: as large as need be. */
  readonly partBytes: number;
  readonly dualstack: boolean;
  readonly retries: RetryConfig;
}

export interface S3Encryption {
  readonly type: "SSE-S3" | "SSE-KMS";
  readonly kmsKeyId: string | undefined;
  /** JSON. */
  readonly kmsEncryptionContext: string | undefined;
}

export interface GcsStoreConfig extends StoreConfig {
  readonly kind: "gcs";
  readonly bucket: string;
  readonly endpoint: string | undefined;
  /** JSON. */
  readonly serviceAccount: string | undefined;
  /** 0: bodies are sent whole. */
  readonly partBytes: number;
  readonly requestTimeoutMs: number;
  readonly retries: RetryConfig;
}

export interface AzureStoreConfig extends StoreConfig {
  readonly kind: "azure";
  readonly environment: string;
  readonly accountName: string | undefined;
  readonly accountKey: string | undefined;
  readonly connectionString: string | undefined;
  readonly container: string;
  readonly endpointSuffix: string | undefined;
  readonly activeDirectoryEndpoint: string | undefined;
  readonly useManagedIdentity: boolean;
  readonly useFederatedToken: boolean;
  readonly userAssignedId: string | undefined;
  readonly useServicePrincipal: boolean;
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  readonly tenantId: string | undefined;
  readonly chunkDelimiter: string | undefined;
  readonly requestTimeoutMs: number;
  readonly retries: RetryConfig;
}

export interface RetryConfig {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** How often a request is tried, the first time included; at least 1. */
  readonly attemptsMax: number;
}

/** A read that takes longer than `atMs` is asked for again. */
export interface HedgingConfig {
  readonly atMs: number;
  readonly upTo: number;
  readonly perSecondMax: number;
}

export interface ObjectStoresConfig {
  /**
   * Every store that is complete, by the names a schema period may use: `filesystem`, `s3` and
   * `aws`, `gcs`, `azure`, `inmemory`, and those of named_stores.
   */
  readonly byName: ReadonlyMap<string, ObjectStoreConfig>;
  /** Undefined: no read is asked for twice. */
  readonly hedging: HedgingConfig | undefined;
}

/** Where rules are: an object store, or a folder that only a person changes. */
export type RuleStoreConfig =
  | ObjectStoreConfig
  | { readonly kind: "local"; readonly folder: string };
