/**
 * One way to Azure for every request: a bounded number at a time, within its time, tried once,
 * failing with a StoreError. Addresses and clouds:
 * https://learn.microsoft.com/azure/storage/common/storage-account-overview.
 */
import type { TokenCredential } from "@azure/identity";
import type {
  AnonymousCredential,
  ContainerClient,
  StoragePipelineOptions,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import type * as Sdk from "@azure/storage-blob";
import { messageOf, minute, StoreError } from "#base";
import type { Clock } from "#world";
import { azureFailure } from "./azure-errors.ts";
import type {
  AzureCredentials,
  AzureEnvironment,
  AzureObjectStoreOptions,
} from "./azure-options.ts";
import { withoutSecrets } from "./s3-secrets.ts";
import { Slots } from "./slots.ts";
import { withTimeLimit } from "./time-limit.ts";

const connectionsMax = 128;
const timeoutMs: number = 2 * minute;

/** Where accounts are, and where their tokens come from. */
const clouds: Readonly<Record<AzureEnvironment, { suffix: string; authority: string }>> = {
  AzureGlobal: {
    suffix: "blob.core.windows.net",
    authority: "https://login.microsoftonline.com",
  },
  AzureChinaCloud: {
    suffix: "blob.core.chinacloudapi.cn",
    authority: "https://login.chinacloudapi.cn",
  },
  AzureGermanCloud: {
    suffix: "blob.core.cloudapi.de",
    authority: "https://login.microsoftonline.de",
  },
  AzureUSGovernment: {
    suffix: "blob.core.usgovcloudapi.net",
    authority: "https://login.microsoftonline.us",
  },
};

/** To be spread into the options of a request. */
export interface Abortable {
  readonly abortSignal?: AbortSignal;
}

export class AzureCalls {
  readonly container: ContainerClient;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #slots: Slots;
  readonly #secrets: readonly string[];

  constructor(
    options: AzureObjectStoreOptions,
    how: { container: ContainerClient; secrets: readonly string[] },
  ) {
    this.container = how.container;
    this.#secrets = how.secrets;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs || timeoutMs;
    this.#slots = new Slots(options.connectionsMax ?? connectionsMax, "object_store_requests");
  }

  /** `run` must have read the whole answer when it resolves. */
  async send<T>(
    target: { operation: string; key?: string | undefined; signal: AbortSignal | undefined },
    run: (options: Abortable) => Promise<T>,
  ): Promise<T> {
    const { operation, key, signal } = target;
    const container = this.container.containerName;
    const what = `azure ${operation} ${container}${key === undefined ? "" : `/${key}`}`;
    const limit = { clock: this.#clock, limitMs: this.#timeoutMs, signal, what };
    try {
      return await this.#slots.run(signal, () =>
        withTimeLimit(limit, (limited) =>
          run(limited === undefined ? {} : { abortSignal: limited }),
        ),
      );
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const endpoint = new URL(this.container.url).host;
      throw azureFailure(error, { operation, container, key, endpoint, secrets: this.#secrets });
    }
  }
}

/** Retries are layers of their own, so that they are alike for all stores. */
const pipelineOptions: StoragePipelineOptions = {
  retryOptions: { maxTries: 1 },
  keepAliveOptions: { enable: true },
  userAgentOptions: { userAgentPrefix: "skald" },
};

/** Loads the SDK; asks Azure for nothing. Rejects with `denied` for options that cannot be. */
export async function openAzureCalls(options: AzureObjectStoreOptions): Promise<AzureCalls> {
  const secrets = secretsOf(options.credentials);
  const sdk = await import("@azure/storage-blob");
  const { credentials, container } = options;
  try {
    if (credentials.type === "connection string") {
      const service = sdk.BlobServiceClient.fromConnectionString(credentials.text, pipelineOptions);
      return new AzureCalls(options, { container: service.getContainerClient(container), secrets });
    }
    const credential = await credentialOf(options, sdk);
    const sas = credentials.type === "sas" ? `?${credentials.token.replace(/^\?/, "")}` : "";
    const service = new sdk.BlobServiceClient(
      accountUrl(options) + sas,
      credential,
      pipelineOptions,
    );
    return new AzureCalls(options, { container: service.getContainerClient(container), secrets });
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const text = withoutSecrets(messageOf(error), secrets);
    throw new StoreError("denied", `azure: the account cannot be used: ${text}`);
  }
}

function secretsOf(credentials: AzureCredentials): string[] {
  switch (credentials.type) {
    case "key":
      return [credentials.accountKey];
    case "connection string":
      return [...credentials.text.matchAll(/(?:AccountKey|SharedAccessSignature)=([^;]+)/gi)]
        .map((match) => match[1]!)
        .concat(credentials.text);
    case "sas":
      return [credentials.token];
    case "service principal":
      return [credentials.clientSecret];
    case "managed identity":
    case "workload identity":
    case "default":
      return [];
    default:
      return credentials satisfies never;
  }
}

const accountName = /^[a-z0-9-]{3,63}$/;

/** `https://account.suffix`, without a slash at the end. */
export function accountUrl(options: AzureObjectStoreOptions): string {
  if (options.endpoint !== undefined) return options.endpoint.replace(/\/+$/, "");
  const account = options.accountName ?? "";
  if (!accountName.test(account)) {
    throw new StoreError("denied", `azure: account_name ${JSON.stringify(account)} cannot be one`);
  }
  const given = options.endpointSuffix?.replace(/^\.+|\/+$/g, "") ?? "";
  // The suffix of the cloud, without the service's name, is meant as often as the host's.
  const suffix = given.startsWith("core.") ? `blob.${given}` : given;
  return `https://${account}.${suffix || clouds[options.environment ?? "AzureGlobal"].suffix}`;
}

async function credentialOf(
  options: AzureObjectStoreOptions,
  sdk: typeof Sdk,
): Promise<StorageSharedKeyCredential | AnonymousCredential | TokenCredential> {
  const { credentials } = options;
  if (credentials.type === "sas") return new sdk.AnonymousCredential();
  if (credentials.type === "key") {
    const account = options.accountName ?? "";
    return new sdk.StorageSharedKeyCredential(account, credentials.accountKey);
  }
  return tokenCredential(options, credentials);
}

async function tokenCredential(
  options: AzureObjectStoreOptions,
  credentials: AzureCredentials,
): Promise<TokenCredential> {
  const identity = await import("@azure/identity");
  const environment = clouds[options.environment ?? "AzureGlobal"];
  const authorityHost = options.activeDirectoryEndpoint || environment.authority;
  switch (credentials.type) {
    case "managed identity": {
      const { clientId } = credentials;
      return clientId
        ? new identity.ManagedIdentityCredential({ clientId })
        : new identity.ManagedIdentityCredential();
    }
    case "workload identity": {
      const { tenantId, clientId, tokenFile } = credentials;
      return new identity.WorkloadIdentityCredential({
        authorityHost,
        ...(tenantId ? { tenantId } : {}),
        ...(clientId ? { clientId } : {}),
        ...(tokenFile ? { tokenFilePath: tokenFile } : {}),
      });
    }
    case "service principal": {
      const { tenantId, clientId, clientSecret } = credentials;
      return new identity.ClientSecretCredential(tenantId, clientId, clientSecret, {
        authorityHost,
      });
    }
    case "default":
    case "key":
    case "connection string":
    case "sas":
      return new identity.DefaultAzureCredential({ authorityHost });
    default:
      return credentials satisfies never;
  }
}
