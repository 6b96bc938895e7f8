import type { Clock, Random } from "#world";

/** The clouds of Azure, as Loki names them. */
export type AzureEnvironment =
  | "AzureGlobal"
  | "AzureChinaCloud"
  | "AzureGermanCloud"
  | "AzureUSGovernment";

/** Who asks. Secrets are here in the clear. */
export type AzureCredentials =
  | { readonly type: "key"; readonly accountKey: string }
  | { readonly type: "connection string"; readonly text: string }
  | { readonly type: "sas"; readonly token: string }
  /** The machine's identity, or one of them by its client id. */
  | { readonly type: "managed identity"; readonly clientId?: string | undefined }
  /** By a token in a file; what is not given comes from AZURE_CLIENT_ID and the like. */
  | {
      readonly type: "workload identity";
      readonly tenantId?: string | undefined;
      readonly clientId?: string | undefined;
      readonly tokenFile?: string | undefined;
    }
  | {
      readonly type: "service principal";
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: string;
    }
  /** What the environment has: see Azure's DefaultAzureCredential. */
  | { readonly type: "default" };

export interface AzureObjectStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly container: string;
  readonly credentials: AzureCredentials;
  /** Not needed with a connection string. */
  readonly accountName?: string | undefined;
  /** Default AzureGlobal. */
  readonly environment?: AzureEnvironment | undefined;
  /** Put behind `<account>.` to give the host. Default: of the environment, `blob.core…`. */
  readonly endpointSuffix?: string | undefined;
  /** The whole URL of the account, for servers that are not Azure's. Wins over the suffix. */
  readonly endpoint?: string | undefined;
  /** Where tokens come from. Default: of the environment. */
  readonly activeDirectoryEndpoint?: string | undefined;
  /** Stands for every `:` of a key in the container. Default: `:` itself. Loki's default is `-`. */
  readonly chunkDelimiter?: string | undefined;
  /** Bodies above this go in blocks. Default 16 MiB. */
  readonly blocksAboveBytes?: number | undefined;
  /** Default 8 MiB. */
  readonly blockBytes?: number | undefined;
  /** A request and its answer must be done within. Default and 0: 2 minutes. */
  readonly timeoutMs?: number | undefined;
  /** Requests at a time; more wait. Default 128. */
  readonly connectionsMax?: number | undefined;
}
