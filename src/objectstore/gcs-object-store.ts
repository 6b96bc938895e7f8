/**
 * Objects in a bucket of Google Cloud Storage, by its SDK:
 * https://cloud.google.com/nodejs/docs/reference/storage/latest. Nothing is repeated here: see
 * RetryingObjectStore.
 */
import { finished } from "node:stream/promises";
import { MiB, StoreError } from "#base";
import { type GcsCalls, openGcsCalls } from "./gcs-calls.ts";
import type { GcsObjectStoreOptions } from "./gcs-options.ts";
import { putResumable } from "./gcs-upload.ts";
import { type ObjectBody, sizeOfBody, wholeOf } from "./object-body.ts";
import { checkKey, checkPrefix, isKey } from "./object-key.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
} from "./object-store.ts";

const resumableAboveBytes: number = 16 * MiB;
const partBytes: number = 8 * MiB;
/** Google's limit. */
const pageKeysMax = 1000;
const pastTheEnd = 416;
/** Of one stream of the SDK. */
const listenersMax = 32;

/** Rejects with `denied` for options that cannot be; asks Google for nothing. */
export async function openGcsObjectStore(options: GcsObjectStoreOptions): Promise<ObjectStore> {
  if (options.bucket.trim() === "")
    throw new StoreError("denied", "gcs needs the name of a bucket");
  return new GcsObjectStore(options, await openGcsCalls(options));
}

interface GcsObject {
  readonly name?: string;
  /** A decimal number. */
  readonly size?: string;
  readonly updated?: string;
}

interface GcsPage {
  readonly items?: readonly GcsObject[];
  readonly prefixes?: readonly string[];
  readonly nextPageToken?: string;
}

interface Download {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** What is used of the answer that the SDK's downloads tell of. */
interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Download["headers"];
  readonly body?: { setMaxListeners?(count: number): unknown };
}

class GcsObjectStore implements ObjectStore {
  readonly name: string;
  readonly #calls: GcsCalls;
  readonly #resumableAboveBytes: number;
  readonly #partBytes: number;

  constructor(options: GcsObjectStoreOptions, calls: GcsCalls) {
    this.name = `gcs ${options.bucket}`;
    this.#calls = calls;
    this.#resumableAboveBytes = options.resumableAboveBytes ?? resumableAboveBytes;
    this.#partBytes = options.partBytes ?? partBytes;
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    const signal = this.#check(key, options);
    const range = options?.range;
    if (range !== undefined && range.to <= range.from) {
      if ((await this.head(key, options)) !== undefined) return Buffer.alloc(0);
      throw new StoreError("missing", `gcs get ${this.#calls.bucket}/${key}: no such object`);
    }
    const { status, headers, body } = await this.#download(key, range, signal);
    if (status === pastTheEnd) return Buffer.alloc(0);
    const sizeBytes = headers["content-length"];
    if (sizeBytes !== undefined && Number(sizeBytes) !== body.length) {
      throw this.#odd(key, `the connection was cut after ${body.length} of ${sizeBytes} bytes`);
    }
    if (range === undefined) return body;
    if (status !== 206) return body.subarray(range.from, range.to);
    const first = /^bytes (\d+)-/.exec(headers["content-range"] ?? "")?.[1];
    if (Number(first ?? range.from) === range.from && body.length <= range.to - range.from) {
      return body;
    }
    throw this.#odd(key, `asked for bytes from ${range.from}, got ${body.length} from ${first}`);
  }

  #download(
    key: string,
    range: GetOptions["range"],
    signal: AbortSignal | undefined,
  ): Promise<Download> {
    const bounds = range === undefined ? {} : { start: range.from, end: range.to - 1 };
    const how = { validation: false, decompress: false, ...bounds };
    return this.#calls.run({ operation: "get", key, signal }, async (limited) => {
      const stream = this.#calls.sdk.file(key).createReadStream(how);
      const stop = (): void => void stream.destroy(new Error("stopped"));
      limited?.addEventListener("abort", stop, { once: true });
      let answer: Omit<Download, "body"> = { status: 0, headers: {} };
      stream.once("response", (response: SdkResponse) => {
        // The SDK itself puts more listeners on it than Node deems sane, and Node would warn.
        response.body?.setMaxListeners?.(listenersMax);
        answer = { status: response.statusCode, headers: response.headers };
      });
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of stream) chunks.push(chunk as Buffer);
      } catch (error) {
        if (range === undefined || answer.status !== pastTheEnd) throw error;
      } finally {
        limited?.removeEventListener("abort", stop);
      }
      return { ...answer, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) };
    });
  }

  async put(key: string, body: ObjectBody, options?: CallOptions): Promise<void> {
    const signal = this.#check(key, options);
    const sizeBytes = sizeOfBody(body);
    if (sizeBytes > this.#resumableAboveBytes) {
      const upload = { key, body, sizeBytes, partBytes: this.#partBytes, signal };
      return putResumable(this.#calls, upload);
    }
    const parts = Array.isArray(body) ? body : [await wholeOf(body)];
    await this.#calls.run({ operation: "put", key, signal }, async (limited) => {
      // A missing token would be told by the SDK's stream as a write after its end.
      await this.#calls.sdk.storage.authClient.getRequestHeaders();
      limited?.throwIfAborted();
      const metadata = { contentType: "application/octet-stream" };
      const how = { resumable: false, validation: false, metadata };
      const stream = this.#calls.sdk.file(key).createWriteStream(how);
      const stop = (): void => void stream.destroy(new Error("stopped"));
      limited?.addEventListener("abort", stop, { once: true });
      try {
        const done = finished(stream);
        // At most what is above the size of a resumable upload is held, and that is in memory.
        for (const part of parts) if (part.length > 0) stream.write(part);
        stream.end();
        await done;
      } finally {
        limited?.removeEventListener("abort", stop);
      }
    });
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    const signal = this.#check(key, options);
    const task = { operation: "delete", key, signal };
    try {
      await this.#calls.run(task, () => this.#calls.sdk.file(key).delete());
    } catch (error) {
      if (!(error instanceof StoreError && error.kind === "missing")) throw error;
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const signal = this.#check(key, options);
    const asked = { fields: "name,size,updated" };
    try {
      const found = await this.#calls.run(
        { operation: "head", key, signal },
        async () => (await this.#calls.sdk.file(key).getMetadata(asked))[0],
      );
      return infoOf(this.#known<GcsObject>(found, "head"), key);
    } catch (error) {
      if (error instanceof StoreError && error.kind === "missing") return undefined;
      throw error;
    }
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    options?.signal?.throwIfAborted();
    checkPrefix(prefix);
    const startAfter = options?.startAfter ?? "";
    let last = "";
    for await (const page of this.#pages(prefix, { ...options, startAfter })) {
      for (const item of page.items ?? []) {
        const key = item.name ?? "";
        // The offset is inclusive; objects of others may have names that are no keys.
        if (key <= startAfter || !key.startsWith(prefix) || !isKey(key)) continue;
        if (key <= last) throw new StoreError("denied", `gcs list: ${key} comes after ${last}`);
        last = key;
        yield infoOf(item, key);
      }
    }
  }

  async listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    options?.signal?.throwIfAborted();
    checkPrefix(prefix);
    if (prefix !== "" && !prefix.endsWith("/")) {
      throw new StoreError("denied", `prefix ${JSON.stringify(prefix)} must end in '/'`);
    }
    const folders = new Set<string>();
    for await (const page of this.#pages(prefix, { ...options, delimiter: "/" })) {
      for (const folder of page.prefixes ?? []) folders.add(folder.slice(prefix.length, -1));
    }
    return [...folders].filter((folder) => isKey(`${prefix}${folder}/x`)).sort();
  }

  async *#pages(
    prefix: string,
    options: ListOptions & { readonly delimiter?: string },
  ): AsyncGenerator<GcsPage, void, undefined> {
    const { startAfter, delimiter, signal } = options;
    let pageToken: string | undefined;
    do {
      const query = {
        autoPaginate: false,
        prefix,
        maxResults: pageKeysMax,
        fields: "items(name,size,updated),prefixes,nextPageToken",
        ...(startAfter ? { startOffset: startAfter } : {}),
        ...(delimiter ? { delimiter } : {}),
        ...(pageToken ? { pageToken } : {}),
      };
      const found: unknown = await this.#calls.run(
        { operation: "list", key: undefined, signal },
        async () => (await this.#calls.sdk.getFiles(query))[2],
      );
      const page: GcsPage = this.#known<GcsPage>(found, "list");
      yield page;
      if (page.nextPageToken !== undefined && page.nextPageToken === pageToken) {
        throw new StoreError("unavailable", `gcs list ${prefix}: a page is followed by itself`);
      }
      pageToken = page.nextPageToken;
    } while (pageToken);
  }

  #check(key: string, options: CallOptions | undefined): AbortSignal | undefined {
    options?.signal?.throwIfAborted();
    checkKey(key);
    return options?.signal;
  }

  #odd(key: string, text: string): StoreError {
    return new StoreError("unavailable", `gcs get ${this.#calls.bucket}/${key}: ${text}`);
  }

  #known<T extends object>(answer: unknown, operation: string): T {
    if (typeof answer === "object" && answer !== null) return answer as T;
    const text = "the answer is not Google's: check endpoint";
    throw new StoreError("unavailable", `gcs ${operation} ${this.#calls.bucket}: ${text}`);
  }
}

function infoOf({ size, updated }: GcsObject, key: string): ObjectInfo {
  const modifiedMs = Date.parse(updated ?? "");
  return {
    key,
    sizeBytes: Number(size ?? 0),
    modifiedMs: Number.isNaN(modifiedMs) ? 0 : modifiedMs,
  };
}
