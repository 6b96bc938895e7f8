import type { Clock, Files } from "#world";

/** Keys written into the configuration. Both parts or neither. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A role to take on with the credentials found, by STS AssumeRole. */
export interface S3Role {
  readonly arn: string;
  readonly externalId?: string | undefined;
  /** Default `skald`. */
  readonly sessionName?: string | undefined;
}

export type S3Encryption =
  | { readonly type: "SSE-S3" }
  | {
      readonly type: "SSE-KMS";
      readonly kmsKeyId?: string | undefined;
      /** A JSON object of strings, as text. */
      readonly encryptionContext?: string | undefined;
    };

export interface S3HttpOptions {
  /** A request and its answer, body included, must be done within. Default 0: no such limit. */
  readonly timeoutMs?: number | undefined;
  /** Default 5 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** From the start of the request to the first byte of the answer. Default 0: no such limit. */
  readonly responseHeaderTimeoutMs?: number | undefined;
  /** No byte in either direction for so long breaks the request off. Default 60 s; 0: no limit. */
  readonly stallTimeoutMs?: number | undefined;
  /** A connection that nobody uses is closed after. Default 90 s. */
  readonly idleConnectionTimeoutMs?: number | undefined;
  /** Connections at a time; more requests wait. Default 128. */
  readonly connectionsMax?: number | undefined;
  /** Takes any certificate. */
  readonly insecureSkipVerify?: boolean | undefined;
  /** PEM files. The CA is trusted instead of the system's; certificate and key are the client's. */
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The name that the server's certificate must have, when it is not the host's. */
  readonly serverName?: string | undefined;
}

/**
 * Where and how. Without `keys` credentials come from the usual chain: environment, web identity
 * token file, shared files (`profile`), container and instance roles.
 */
export interface S3ObjectStoreOptions {
  readonly files: Files;
  readonly clock: Clock;
  /** One, or several over which objects are spread by a hash of their key. Never their order. */
  readonly buckets: readonly string[];
  /** Default: of the environment or profile; `us-east-1` with an endpoint that is not AWS's. */
  readonly region?: string | undefined;
  /** `host`, `host:port` or a URL. Default: AWS's for the region. */
  readonly endpoint?: string | undefined;
  /** http, when the endpoint does not say. */
  readonly insecure?: boolean | undefined;
  /** `host/bucket/key` instead of `bucket.host/key`. */
  readonly forcePathStyle?: boolean | undefined;
  /** AWS's endpoints that have IPv6, too. */
  readonly dualStack?: boolean | undefined;
  readonly keys?: S3Keys | undefined;
  readonly profile?: string | undefined;
  readonly role?: S3Role | undefined;
  /** Where roles and web identity tokens are exchanged. Default: AWS's for the region. */
  readonly stsEndpoint?: string | undefined;
  readonly storageClass?: string | undefined;
  readonly encryption?: S3Encryption | undefined;
  /**
   * Stands for every `:` of a key in the bucket. Listings then come in the order of the names in
   * the bucket, and only names of Loki's chunks are turned back.
   */
  readonly chunkDelimiter?: string | undefined;
  /** 1 for servers without ListObjectsV2. Default 2. */
  readonly listVersion?: 1 | 2 | undefined;
  /** Bodies above this go in parts. Default 16 MiB. */
  readonly multipartAboveBytes?: number | undefined;
  /** At least 5 MiB (S3's limit) but for tests. Default 8 MiB. */
  readonly partBytes?: number | undefined;
  readonly http?: S3HttpOptions | undefined;
}
