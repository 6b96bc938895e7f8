/**
 * Objects in a bucket of Google Cloud Storage, by its JSON API (v1):
 * https://cloud.google.com/storage/docs/json_api/v1. Nothing is repeated here but for a fresh
 * token: see RetryingObjectStore.
 */
import { MiB, StoreError } from "#base";
import { type GcsCalls, openGcsCalls } from "./gcs-calls.ts";
import type { GcsObjectStoreOptions } from "./gcs-options.ts";
import { putResumable } from "./gcs-upload.ts";
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

class GcsObjectStore implements ObjectStore {
  readonly name: string;
  readonly #calls: GcsCalls;
  /** `/storage/v1/b/<bucket>/o` */
  readonly #path: string;
  readonly #resumableAboveBytes: number;
  readonly #partBytes: number;

  constructor(options: GcsObjectStoreOptions, calls: GcsCalls) {
    this.name = `gcs ${options.bucket}`;
    this.#calls = calls;
    this.#path = `/storage/v1/b/${encodeURIComponent(options.bucket)}/o`;
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
    const { status, headers, body } = await this.#calls.send({
      operation: "get",
      key,
      signal,
      method: "GET",
      path: `${this.#path}/${encodeURIComponent(key)}?alt=media`,
      headers: {
        // Google unpacks objects marked as gzip unless the client says that it could.
        "accept-encoding": "gzip",
        ...(range === undefined ? {} : { range: `bytes=${range.from}-${range.to - 1}` }),
      },
      takes: range === undefined ? [] : [pastTheEnd],
    });
    if (status === pastTheEnd) return Buffer.alloc(0);
    const sizeBytes = headers.get("content-length");
    if (sizeBytes !== null && Number(sizeBytes) !== body.length) {
      throw this.#odd(key, `the connection was cut after ${body.length} of ${sizeBytes} bytes`);
    }
    if (range === undefined) return body;
    if (status !== 206) return body.subarray(range.from, range.to);
    const first = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1];
    if (Number(first ?? range.from) === range.from && body.length <= range.to - range.from) {
      return body;
    }
    throw this.#odd(key, `asked for bytes from ${range.from}, got ${body.length} from ${first}`);
  }

  async put(
    key: string,
    body: Uint8Array | readonly Uint8Array[],
    options?: CallOptions,
  ): Promise<void> {
    const signal = this.#check(key, options);
    const bodies = body instanceof Uint8Array ? [body] : body;
    const sizeBytes = bodies.reduce((sum, { length }) => sum + length, 0);
    if (sizeBytes > this.#resumableAboveBytes) {
      const upload = { key, bodies, sizeBytes, partBytes: this.#partBytes, signal };
      return putResumable(this.#calls, upload);
    }
    await this.#calls.send({
      operation: "put",
      key,
      signal,
      method: "POST",
      path: `/upload${this.#path}?uploadType=media&name=${encodeURIComponent(key)}&fields=size`,
      headers: { "content-type": "application/octet-stream" },
      body: bodies.length === 1 ? bodies[0]! : Buffer.concat(bodies),
    });
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    const signal = this.#check(key, options);
    const path = `${this.#path}/${encodeURIComponent(key)}`;
    try {
      await this.#calls.send({ operation: "delete", key, signal, method: "DELETE", path });
    } catch (error) {
      if (!(error instanceof StoreError && error.kind === "missing")) throw error;
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const signal = this.#check(key, options);
    const path = `${this.#path}/${encodeURIComponent(key)}?fields=name,size,updated`;
    try {
      const answer = await this.#calls.send({
        operation: "head",
        key,
        signal,
        method: "GET",
        path,
      });
      return infoOf(this.#parsed<GcsObject>(answer.body, "head"), key);
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
      const query = new URLSearchParams({
        prefix,
        maxResults: String(pageKeysMax),
        fields: "items(name,size,updated),prefixes,nextPageToken",
        ...(startAfter ? { startOffset: startAfter } : {}),
        ...(delimiter ? { delimiter } : {}),
        ...(pageToken ? { pageToken } : {}),
      });
      const { body } = await this.#calls.send({
        operation: "list",
        key: undefined,
        signal,
        method: "GET",
        path: `${this.#path}?${query.toString()}`,
      });
      const page = this.#parsed<GcsPage>(body, "list");
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

  #parsed<T>(body: Buffer, operation: string): T {
    try {
      return JSON.parse(body.toString("utf8")) as T;
    } catch {
      const text = "the answer is not Google's: check endpoint";
      throw new StoreError("unavailable", `gcs ${operation} ${this.#calls.bucket}: ${text}`);
    }
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
