/**
 * One way to Google Cloud Storage for every request: a bounded number at a time, within its time,
 * signed with a fresh token, failing with a StoreError. Google's own libraries have the requests,
 * the credentials, the tokens and the transport; they try once.
 */
import type { Bucket, Storage, StorageOptions } from "@google-cloud/storage";
import { minute, StoreError } from "#base";
import type { Clock } from "#world";
import { type GcsCall, gcsFailure, gcsSdkFailure, gcsWayFailure } from "./gcs-errors.ts";
import type { GcsObjectStoreOptions } from "./gcs-options.ts";
import { Slots } from "./slots.ts";
import { withTimeLimit } from "./time-limit.ts";

const connectionsMax = 128;
const timeoutMs: number = 2 * minute;
const googleEndpoint = "https://storage.googleapis.com";
const scopes: readonly string[] = ["https://www.googleapis.com/auth/devstorage.read_write"];

export interface GcsTask {
  readonly operation: string;
  /** For texts; undefined for requests about the bucket. */
  readonly key: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A request besides those that the SDK has. */
export interface GcsRequest extends GcsTask {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query below the endpoint. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Statuses besides 2xx that the caller wants to see; others reject. */
  readonly takes?: readonly number[];
}

export interface GcsAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** What is used of the SDK's transport. */
interface Transport {
  request(options: object): Promise<{ status: number; headers: Headers; data: unknown }>;
}

export class GcsCalls {
  readonly bucket: string;
  /** Google's SDK for it; to be used within `run`. */
  readonly sdk: Bucket;
  readonly #transport: Transport;
  readonly #endpoint: string;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #slots: Slots;
  readonly #secrets: readonly string[];

  constructor(
    options: GcsObjectStoreOptions,
    how: { sdk: Bucket; transport: Transport; endpoint: string; secrets: readonly string[] },
  ) {
    this.sdk = how.sdk;
    this.bucket = options.bucket;
    this.#transport = how.transport;
    this.#endpoint = how.endpoint;
    this.#secrets = how.secrets;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs || timeoutMs;
    this.#slots = new Slots(options.connectionsMax ?? connectionsMax, "object_store_requests");
  }

  /**
   * Runs requests of the SDK, which must end with the signal where they can. Rejects with a
   * StoreError or the task's signal's reason.
   */
  async run<T>(task: GcsTask, ask: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    try {
      return await this.#limited(task, ask);
    } catch (error) {
      if (task.signal?.aborted) throw task.signal.reason;
      throw gcsSdkFailure(error, this.#callOf(task));
    }
  }

  /** The whole answer. Rejects with a StoreError or the signal's reason. */
  async send(request: GcsRequest): Promise<GcsAnswer> {
    const call = this.#callOf(request);
    let answer: GcsAnswer;
    try {
      answer = await this.#limited(request, (signal) => this.#once(request, signal));
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason;
      throw gcsWayFailure(error, call);
    }
    const { status, headers, body } = answer;
    if ((status >= 200 && status < 300) || request.takes?.includes(status)) return answer;
    throw gcsFailure(status, headers, body, call);
  }

  #callOf({ operation, key }: GcsTask): GcsCall {
    const [endpoint, secrets] = [this.#endpoint, this.#secrets];
    return { operation, bucket: this.bucket, key, endpoint, secrets };
  }

  #limited<T>(task: GcsTask, ask: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    const { operation, key, signal } = task;
    const what = `gcs ${operation} ${this.bucket}${key === undefined ? "" : `/${key}`}`;
    const limit = { clock: this.#clock, limitMs: this.#timeoutMs, signal, what };
    return this.#slots.run(signal, () => withTimeLimit(limit, ask));
  }

  async #once(request: GcsRequest, signal: AbortSignal | undefined): Promise<GcsAnswer> {
    const { status, headers, data } = await this.#transport.request({
      url: `${this.#endpoint}${request.path}`,
      method: request.method,
      headers: request.headers ?? {},
      ...(request.body === undefined ? {} : { data: request.body }),
      ...(signal === undefined ? {} : { signal }),
      responseType: "arraybuffer",
      redirect: "manual",
      validateStatus: () => true,
      retry: false,
      retryConfig: { retry: 0, noResponseRetries: 0 },
    });
    return { status, headers, body: bodyOf(data) };
  }
}

function bodyOf(data: unknown): Buffer {
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  if (data === undefined || data === null || data === "") return Buffer.alloc(0);
  throw new StoreError("unavailable", "gcs: the answer has a body of an unknown kind");
}

interface Place {
  readonly endpoint: string;
  readonly isAnonymous: boolean;
}

function placeOf(options: GcsObjectStoreOptions): Place {
  const given = options.endpoint || process.env["STORAGE_EMULATOR_HOST"];
  if (!given) return { endpoint: googleEndpoint, isAnonymous: false };
  const text = /^https?:\/\//i.test(given) ? given : `https://${given}`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new StoreError("denied", "gcs: endpoint is not a host or a URL");
  }
  if (url.username !== "" || url.password !== "") {
    throw new StoreError("denied", "gcs: endpoint must not have a user or a password in it");
  }
  const hasCredentials =
    options.serviceAccount !== undefined ||
    options.keyFile !== undefined ||
    Boolean(process.env["GOOGLE_APPLICATION_CREDENTIALS"] || process.env["GCE_METADATA_HOST"]);
  // Emulators have no accounts, and a token must not go unencrypted where nobody asked for that.
  const isAnonymous = url.protocol === "http:" && !hasCredentials;
  return { endpoint: url.origin, isAnonymous };
}

type Interceptor = Storage["interceptors"][number];
type Account = Readonly<Record<string, unknown>>;

/** The text may hold a key, so it is not repeated in errors. */
function accountOf(text: string, where: string): Account {
  try {
    const account: unknown = JSON.parse(text);
    if (typeof account === "object" && account !== null && !Array.isArray(account)) {
      return account as Account;
    }
  } catch {
    // Told below.
  }
  throw new StoreError("denied", `gcs: ${where} is not the JSON of an account`);
}

async function configuredAccount(options: GcsObjectStoreOptions): Promise<Account | undefined> {
  const { serviceAccount, keyFile, files } = options;
  if (serviceAccount !== undefined) return accountOf(serviceAccount, "service_account");
  if (keyFile === undefined) return undefined;
  return accountOf((await files.read(keyFile)).toString("utf8"), keyFile);
}

const secretFields: readonly string[] = ["private_key", "client_secret", "refresh_token"];

/** Loads Google's libraries; asks nobody for anything. */
export async function openGcsCalls(options: GcsObjectStoreOptions): Promise<GcsCalls> {
  const { endpoint, isAnonymous } = placeOf(options);
  const account = await configuredAccount(options);
  const { Storage } = await import("@google-cloud/storage");
  const client = await clientOf(account, isAnonymous);
  const storage = new Storage({
    apiEndpoint: endpoint,
    useAuthWithCustomEndpoint: true,
    authClient: client,
    timeout: options.timeoutMs || timeoutMs,
    retryOptions: { autoRetry: false, retryableErrorFn: () => false },
  });
  // The SDK takes STORAGE_EMULATOR_HOST for the whole base of paths, whatever it is told.
  storage.baseUrl = `${endpoint}/storage/v1`;
  // Bytes as they are stored, also of objects that say they are compressed.
  storage.interceptors.push({
    request: (asked) => {
      asked.gzip = false;
      return asked as ReturnType<Interceptor["request"]>;
    },
  });
  const secrets = secretFields.flatMap((field) => {
    const value = account?.[field];
    return typeof value === "string" ? [value, value.trim().replaceAll("\n", "\\n")] : [];
  });
  const transport = storage.authClient;
  const how = { sdk: storage.bucket(options.bucket), transport, endpoint, secrets };
  return new GcsCalls(options, how);
}

type Client = NonNullable<StorageOptions["authClient"]>;

async function clientOf(account: Account | undefined, isAnonymous: boolean): Promise<Client> {
  const google = await import("google-auth-library");
  if (isAnonymous) return new google.PassThroughClient();
  if (account === undefined) return new google.GoogleAuth({ scopes: [...scopes] });
  const text = (field: string): string => {
    const value = account[field];
    if (typeof value === "string" && value !== "") return value;
    throw new StoreError("denied", `gcs: the account in the configuration has no ${field}`);
  };
  switch (account["type"]) {
    case "service_account":
      return new google.JWT({
        email: text("client_email"),
        key: text("private_key"),
        scopes: [...scopes],
      });
    case "authorized_user":
      return new google.UserRefreshClient({
        clientId: text("client_id"),
        clientSecret: text("client_secret"),
        refreshToken: text("refresh_token"),
      });
    default: {
      const known = account as unknown as Parameters<
        typeof google.ExternalAccountClient.fromJSON
      >[0];
      const external = google.ExternalAccountClient.fromJSON(known);
      if (external !== null) {
        external.scopes = [...scopes];
        return external;
      }
      const want = "service_account, authorized_user or external_account";
      throw new StoreError("denied", `gcs: the account in the configuration is no ${want}`);
    }
  }
}
