/**
 * One way to S3 for every request: a bounded number at a time, within its time, repeated once with
 * fresh credentials or the right clock, and failing with a StoreError.
 */
import type { S3Client } from "@aws-sdk/client-s3";
import type { Clock } from "#world";
import { connectToS3, type S3Connection } from "./s3-client.ts";
import { isClockSkew, isWorthFreshCredentials, s3Failure } from "./s3-errors.ts";
import type { S3ObjectStoreOptions } from "./s3-options.ts";
import { Slots } from "./slots.ts";
import { withTimeLimit } from "./time-limit.ts";

/** S3 is fast only in parallel; each connection costs tens of KiB. */
const connectionsMax = 128;

export interface S3Target {
  readonly operation: string;
  readonly bucket: string;
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** To be spread beside the command. */
export interface SendOptions {
  readonly abortSignal?: AbortSignal;
}

export class S3Calls {
  readonly #connection: S3Connection;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #slots: Slots;

  constructor(connection: S3Connection, options: S3ObjectStoreOptions) {
    this.#connection = connection;
    this.#clock = options.clock;
    this.#timeoutMs = options.http?.timeoutMs ?? 0;
    this.#slots = new Slots(
      options.http?.connectionsMax ?? connectionsMax,
      "object_store_requests",
    );
  }

  get sdk(): S3Connection["sdk"] {
    return this.#connection.sdk;
  }

  /** `run` must have read the whole answer when it resolves. It may be called twice. */
  async send<T>(
    target: S3Target,
    run: (client: S3Client, options: SendOptions) => Promise<T>,
  ): Promise<T> {
    const { signal } = target;
    try {
      return await this.#slots.run(signal, () => this.#once(target, run));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!this.#canRepeat(error)) throw await this.#failure(error, target);
    }
    try {
      return await this.#slots.run(signal, () => this.#once(target, run));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw await this.#failure(error, target);
    }
  }

  close(): void {
    this.#connection.client.destroy();
  }

  #once<T>(
    { operation, bucket, key, signal }: S3Target,
    run: (client: S3Client, options: SendOptions) => Promise<T>,
  ): Promise<T> {
    const what = `s3 ${operation} ${bucket}${key === undefined ? "" : `/${key}`}`;
    const limitMs = this.#timeoutMs;
    return withTimeLimit({ clock: this.#clock, limitMs, signal, what }, (limited) =>
      run(this.#connection.client, limited === undefined ? {} : { abortSignal: limited }),
    );
  }

  #canRepeat(error: unknown): boolean {
    if (isClockSkew(error)) return true;
    return isWorthFreshCredentials(error) && this.#connection.credentials.forget();
  }

  async #failure(error: unknown, target: S3Target): Promise<unknown> {
    const { client, credentials, endpoint } = this.#connection;
    const region = await client.config.region().catch(() => undefined);
    return s3Failure(error, {
      ...target,
      region,
      endpoint,
      accessKeyId: credentials.accessKeyId(),
      secrets: credentials.secrets(),
    });
  }
}

export async function openS3Calls(options: S3ObjectStoreOptions): Promise<S3Calls> {
  return new S3Calls(await connectToS3(options), options);
}
