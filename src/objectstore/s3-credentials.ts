/**
 * Credentials of S3 that stay fresh while the process runs. The SDK asks this for every request;
 * what was found is kept until shortly before it expires, and what has no expiry (keys in a shared
 * file) is looked up again now and then, so that rotated files and tokens are picked up. When a
 * renewal fails, the old credentials serve as long as they are valid.
 */
import { isStoreError, messageOf, minute, second, StoreError } from "#base";
import type { Clock } from "#world";
import type { S3ObjectStoreOptions } from "./s3-options.ts";
import { withoutSecrets } from "./s3-secrets.ts";

/** Renewed this long before the end; STS gives an hour, instance roles about six. */
const renewBeforeEndMs: number = 5 * minute;

/** Credentials without an end are looked up again after this long. */
const lookUpAgainMs: number = 5 * minute;

/** After a failed renewal the old ones serve for this long before the next try. */
const renewalPauseMs: number = 10 * second;

/** As the SDK has them. */
export interface FoundCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export class S3Credentials {
  readonly #lookUp: () => Promise<FoundCredentials>;
  readonly #clock: Clock;
  readonly #isForever: boolean;
  #known: FoundCredentials | undefined;
  /** Outlives `#known`: errors may still speak of them. */
  #last: FoundCredentials | undefined;
  #renewAtMs = 0;
  #running: Promise<FoundCredentials> | undefined;

  constructor(options: {
    lookUp: () => Promise<FoundCredentials>;
    clock: Clock;
    isForever: boolean;
  }) {
    this.#lookUp = options.lookUp;
    this.#clock = options.clock;
    this.#isForever = options.isForever;
  }

  async current(): Promise<FoundCredentials> {
    if (this.#known !== undefined && this.#clock.nowMs() < this.#renewAtMs) return this.#known;
    this.#running ??= this.#renew().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** To be called when S3 says they have expired. False when there is nothing newer to be had. */
  forget(): boolean {
    if (this.#isForever) return false;
    this.#known = undefined;
    return true;
  }

  /** What may be shown. */
  accessKeyId(): string | undefined {
    return this.#last?.accessKeyId;
  }

  /** What must not be shown. */
  secrets(): readonly string[] {
    const { secretAccessKey, sessionToken } = this.#last ?? {};
    return [secretAccessKey, sessionToken].filter((text) => text !== undefined);
  }

  async #renew(): Promise<FoundCredentials> {
    const old = this.#known;
    try {
      const found = await this.#lookUp();
      this.#known = found;
      this.#last = found;
      this.#renewAtMs = this.#renewalOf(found);
      return found;
    } catch (error) {
      const endMs = old?.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
      if (old === undefined || endMs <= this.#clock.nowMs()) {
        throw credentialFailure(error, this.secrets());
      }
      this.#renewAtMs = this.#clock.nowMs() + renewalPauseMs;
      return old;
    }
  }

  #renewalOf(found: FoundCredentials): number {
    if (this.#isForever) return Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.nowMs();
    if (found.expiration === undefined) return nowMs + lookUpAgainMs;
    const endMs = found.expiration.getTime();
    // Short-lived ones would otherwise be renewed for every request.
    return Math.max(endMs - renewBeforeEndMs, nowMs + (endMs - nowMs) / 2);
  }
}

function credentialFailure(error: unknown, secrets: readonly string[]): StoreError {
  if (isStoreError(error)) return error;
  const name = error instanceof Error ? error.name : "";
  const text = withoutSecrets(messageOf(error), secrets);
  const advice =
    "set access_key_id and secret_access_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, " +
    "a profile, a web identity token file or an instance role";
  if (name === "CredentialsProviderError" && /could not load credentials/i.test(text)) {
    return new StoreError("denied", `no credentials for S3 were found: ${advice} (${text})`);
  }
  const isTransient = /^(E[A-Z]+|TimeoutError|NetworkingError|Throttling\w*)$/.test(name);
  const hasNoStatus = error instanceof Error && "code" in error && !("$fault" in error);
  const kind = isTransient || hasNoStatus ? "unavailable" : "denied";
  return new StoreError(kind, `credentials for S3 cannot be had (${name}): ${text}`);
}

export interface StsAccess {
  readonly region: string | undefined;
  /** Shared by the SDK's own clients. */
  readonly requestHandler: object;
}

/** Loads the SDK's credential chain only when there are no keys, or a role is to be taken on. */
export async function openS3Credentials(
  options: S3ObjectStoreOptions,
  sts: StsAccess,
): Promise<S3Credentials> {
  const { clock, keys, role, profile } = options;
  const fixed = keys && {
    accessKeyId: keys.accessKeyId,
    secretAccessKey: keys.secretAccessKey,
    ...(keys.sessionToken ? { sessionToken: keys.sessionToken } : {}),
  };
  if (fixed !== undefined && role === undefined) {
    return new S3Credentials({ lookUp: async () => fixed, clock, isForever: true });
  }
  const chains = await import("@aws-sdk/credential-providers");
  const clientConfig = {
    requestHandler: sts.requestHandler as never,
    ...(sts.region === undefined ? {} : { region: sts.region }),
    ...(options.stsEndpoint ? { endpoint: options.stsEndpoint } : {}),
  };
  const base = async (): Promise<FoundCredentials> => {
    // A new chain each time: the SDK's remembers what it read from files.
    const chain = chains.fromNodeProviderChain({
      clientConfig,
      ignoreCache: true,
      ...(profile ? { profile } : {}),
    });
    return fixed ?? chain();
  };
  if (role === undefined) return new S3Credentials({ lookUp: base, clock, isForever: false });
  const lookUp = async (): Promise<FoundCredentials> => {
    const takeOn = chains.fromTemporaryCredentials({
      masterCredentials: await base(),
      clientConfig,
      params: {
        RoleArn: role.arn,
        RoleSessionName: role.sessionName ?? "skald",
        ...(role.externalId ? { ExternalId: role.externalId } : {}),
      },
    });
    return takeOn();
  };
  return new S3Credentials({ lookUp, clock, isForever: false });
}
