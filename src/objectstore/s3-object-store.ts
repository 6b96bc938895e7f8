/**
 * Objects in one or several buckets of S3, or of a server that speaks its API. The SDK is loaded at
 * open. Nothing is repeated here but for fresh credentials: see RetryingObjectStore. What such
 * servers must do, and what differs among them: docs/operating/object-stores.md.
 */
import assert from "node:assert/strict";
import type { GetObjectCommandInput, StorageClass } from "@aws-sdk/client-s3";
import { MiB, StoreError } from "#base";
import { type ObjectBody, sizeOfBody, wholeOf } from "./object-body.ts";
import { checkKey, checkPrefix, isKey } from "./object-key.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
} from "./object-store.ts";
import { inRange, readBody } from "./s3-body.ts";
import { bucketOf, type KeyNames, keyNames, mergeOrdered } from "./s3-buckets.ts";
import { openS3Calls, type S3Calls } from "./s3-calls.ts";
import { isMissingObject, isPastTheEnd } from "./s3-errors.ts";
import { type ListVersion, listingPages } from "./s3-listing.ts";
import { type PutSettings, putInParts } from "./s3-multipart.ts";
import type { S3ObjectStoreOptions } from "./s3-options.ts";

/** Below this one request is faster than three; above, parts go in parallel. */
const multipartAboveBytes: number = 16 * MiB;
const partBytes: number = 8 * MiB;

/** `close` ends idle connections; the store must not be used afterwards. */
export interface S3ObjectStore extends ObjectStore {
  close(): void;
}

/**
 * Loads the SDK and reads the files of TLS; asks S3 for nothing. Rejects with `denied` for options
 * that cannot be.
 */
export async function openS3ObjectStore(options: S3ObjectStoreOptions): Promise<S3ObjectStore> {
  const buckets = options.buckets.map((bucket) => bucket.trim());
  if (buckets.length === 0 || buckets.includes("")) {
    throw new StoreError("denied", "S3 needs the name of a bucket");
  }
  const { keys } = options;
  if (keys !== undefined && (keys.accessKeyId === "" || keys.secretAccessKey === "")) {
    const text = "S3 needs both an access key id and a secret access key, or neither";
    throw new StoreError("denied", text);
  }
  const settings = putSettings(options);
  const calls = await openS3Calls(options);
  return new OpenS3ObjectStore({ ...options, buckets }, calls, settings);
}

function putSettings(options: S3ObjectStoreOptions): PutSettings {
  const { storageClass, encryption } = options;
  const storage = storageClass ? { StorageClass: storageClass as StorageClass } : {};
  if (encryption === undefined) return storage;
  if (encryption.type === "SSE-S3") return { ...storage, ServerSideEncryption: "AES256" };
  const { kmsKeyId, encryptionContext } = encryption;
  return {
    ...storage,
    ServerSideEncryption: "aws:kms",
    ...(kmsKeyId ? { SSEKMSKeyId: kmsKeyId } : {}),
    ...(encryptionContext ? { SSEKMSEncryptionContext: contextHeader(encryptionContext) } : {}),
  };
}

/** The header takes base64 of a JSON object. */
function contextHeader(text: string): string {
  let context: unknown;
  try {
    context = JSON.parse(text);
  } catch {
    context = undefined;
  }
  const isObject = typeof context === "object" && context !== null && !Array.isArray(context);
  if (!isObject || !Object.values(context as object).every((value) => typeof value === "string")) {
    const want = 'a JSON object of strings, e.g. {"application": "logs"}';
    throw new StoreError("denied", `the KMS encryption context is not ${want}`);
  }
  return Buffer.from(JSON.stringify(context)).toString("base64");
}

class OpenS3ObjectStore implements S3ObjectStore {
  readonly name: string;
  readonly #buckets: readonly string[];
  readonly #names: KeyNames;
  readonly #calls: S3Calls;
  readonly #settings: PutSettings;
  readonly #listVersion: ListVersion;
  readonly #multipartAboveBytes: number;
  readonly #partBytes: number;
  /** Buckets that have answered; a 404 of a HEAD does not say whether object or bucket is none. */
  readonly #knownBuckets = new Set<string>();

  constructor(options: S3ObjectStoreOptions, calls: S3Calls, settings: PutSettings) {
    this.name = `s3 ${options.buckets.join(",")}`;
    this.#buckets = options.buckets;
    this.#names = keyNames(options.chunkDelimiter);
    this.#calls = calls;
    this.#settings = settings;
    this.#listVersion = { number: options.listVersion ?? 2 };
    this.#multipartAboveBytes = options.multipartAboveBytes ?? multipartAboveBytes;
    this.#partBytes = options.partBytes ?? partBytes;
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    const { bucket, name } = this.#place(key, options);
    const range = options?.range;
    if (range !== undefined && range.to <= range.from) {
      const info = await this.head(key, options);
      if (info !== undefined) return Buffer.alloc(0);
      throw new StoreError("missing", `s3 GetObject ${bucket}/${name}: no such object`);
    }
    const input: GetObjectCommandInput = {
      Bucket: bucket,
      Key: name,
      ...(range === undefined ? {} : { Range: `bytes=${range.from}-${range.to - 1}` }),
    };
    const target = { operation: "GetObject", bucket, key: name, signal: options?.signal };
    return this.#calls.send(target, async (client, sendOptions) => {
      try {
        const answer = await client.send(new this.#calls.sdk.GetObjectCommand(input), sendOptions);
        const body = await readBody(answer, sendOptions, `${bucket}/${name}`);
        return range === undefined ? body : inRange(answer.ContentRange, body, range);
      } catch (error) {
        if (range !== undefined && isPastTheEnd(error)) return Buffer.alloc(0);
        throw error;
      }
    });
  }

  async put(key: string, body: ObjectBody, options?: CallOptions): Promise<void> {
    const { bucket, name } = this.#place(key, options);
    const signal = options?.signal;
    const sizeBytes = sizeOfBody(body);
    const settings = this.#settings;
    if (sizeBytes > this.#multipartAboveBytes) {
      const partBytes = this.#partBytes;
      const upload = { bucket, name, body, sizeBytes, partBytes, settings, signal };
      return putInParts(this.#calls, upload);
    }
    const Body = await wholeOf(body);
    const input = { Bucket: bucket, Key: name, Body, ContentLength: sizeBytes, ...settings };
    await this.#calls.send(
      { operation: "PutObject", bucket, key: name, signal },
      (client, sendOptions) =>
        client.send(new this.#calls.sdk.PutObjectCommand(input), sendOptions),
    );
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    const { bucket, name } = this.#place(key, options);
    const input = { Bucket: bucket, Key: name };
    const target = { operation: "DeleteObject", bucket, key: name, signal: options?.signal };
    await this.#calls.send(target, async (client, sendOptions) => {
      try {
        await client.send(new this.#calls.sdk.DeleteObjectCommand(input), sendOptions);
      } catch (error) {
        if (!isMissingObject(error)) throw error;
      }
    });
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const { bucket, name } = this.#place(key, options);
    const input = { Bucket: bucket, Key: name };
    const signal = options?.signal;
    const target = { operation: "HeadObject", bucket, key: name, signal };
    const answer = await this.#calls.send(target, async (client, sendOptions) => {
      try {
        return await client.send(new this.#calls.sdk.HeadObjectCommand(input), sendOptions);
      } catch (error) {
        if (isMissingObject(error)) return undefined;
        throw error;
      }
    });
    if (answer === undefined) {
      await this.#checkBucket(bucket, signal);
      return undefined;
    }
    this.#knownBuckets.add(bucket);
    return {
      key,
      sizeBytes: answer.ContentLength ?? 0,
      modifiedMs: answer.LastModified?.getTime() ?? 0,
    };
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    options?.signal?.throwIfAborted();
    checkPrefix(prefix);
    const listings = this.#buckets.map((bucket) => this.#listBucket(bucket, prefix, options));
    for await (const info of mergeOrdered(listings, (object) => object.key)) {
      const key = this.#names.keyOf(info.key);
      if (isKey(key)) yield { ...info, key };
    }
  }

  async listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    options?.signal?.throwIfAborted();
    checkPrefix(prefix);
    if (prefix !== "" && !prefix.endsWith("/")) {
      throw new StoreError("denied", `prefix ${JSON.stringify(prefix)} must end in '/'`);
    }
    const folders = new Set<string>();
    await Promise.all(
      this.#buckets.map((bucket) => this.#foldersOf(bucket, prefix, folders, options?.signal)),
    );
    return [...folders].filter((folder) => isKey(`${prefix}${folder}/x`)).sort();
  }

  close(): void {
    this.#calls.close();
  }

  #place(key: string, options: CallOptions | undefined): { bucket: string; name: string } {
    options?.signal?.throwIfAborted();
    checkKey(key);
    return { bucket: bucketOf(this.#buckets, key), name: this.#names.nameOf(key) };
  }

  /** Names in the bucket, in order; startAfter is heeded here, too: not all servers know it. */
  async *#listBucket(
    bucket: string,
    prefix: string,
    options: ListOptions | undefined,
  ): AsyncGenerator<ObjectInfo, void, undefined> {
    const prefixName = this.#names.nameOf(prefix);
    const startAfter = this.#names.nameOf(options?.startAfter ?? "");
    const pages = listingPages(this.#calls, this.#listVersion, {
      bucket,
      prefix: prefixName,
      startAfter,
      delimiter: undefined,
      signal: options?.signal,
    });
    let last = "";
    for await (const page of pages) {
      for (const info of page.objects) {
        if (info.key <= startAfter || !info.key.startsWith(prefixName)) continue;
        if (info.key <= last) {
          const text = `${bucket}: the server does not list in order: ${info.key} after ${last}`;
          throw new StoreError("denied", text);
        }
        last = info.key;
        yield info;
      }
    }
  }

  async #foldersOf(
    bucket: string,
    prefix: string,
    folders: Set<string>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const prefixName = this.#names.nameOf(prefix);
    const request = { bucket, prefix: prefixName, startAfter: "", signal };
    const pages = listingPages(this.#calls, this.#listVersion, { ...request, delimiter: "/" });
    for await (const page of pages) {
      // Small servers (s3rver) leave out folders that hold nothing but folders.
      if (!page.hasRequestId) return this.#foldersByNames(request, folders);
      for (const folder of page.prefixes) folders.add(folder.slice(prefixName.length, -1));
    }
  }

  /** Without a delimiter: one request for each folder, or fewer when folders are small. */
  async #foldersByNames(
    request: { bucket: string; prefix: string; signal: AbortSignal | undefined },
    folders: Set<string>,
  ): Promise<void> {
    const { prefix } = request;
    for (let startAfter = ""; ; ) {
      const pages = listingPages(this.#calls, this.#listVersion, {
        ...request,
        startAfter,
        delimiter: undefined,
      });
      const { value: page } = await pages.next();
      assert.ok(page !== undefined);
      for (const { key } of page.objects) {
        const slash = key.indexOf("/", prefix.length);
        if (slash >= 0) folders.add(key.slice(prefix.length, slash));
      }
      const last = page.objects.at(-1)?.key;
      if (last === undefined || !page.isTruncated) return;
      const slash = last.indexOf("/", prefix.length);
      // Behind all that is in the last folder: no key has a character after '~'.
      startAfter = slash < 0 ? last : `${last.slice(0, slash)}/\x7f`;
    }
  }

  async #checkBucket(bucket: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.#knownBuckets.has(bucket)) return;
    const target = { operation: "HeadBucket", bucket, signal };
    const isThere = await this.#calls.send(target, async (client, sendOptions) => {
      try {
        await client.send(new this.#calls.sdk.HeadBucketCommand({ Bucket: bucket }), sendOptions);
        return true;
      } catch (error) {
        return !isMissingObject(error) && !isNoBucket(error);
      }
    });
    if (!isThere) {
      const advice = "make it, or check bucketnames, region and endpoint";
      throw new StoreError("denied", `s3 HeadBucket: there is no bucket ${bucket}: ${advice}`);
    }
    this.#knownBuckets.add(bucket);
  }
}

function isNoBucket(error: unknown): boolean {
  return error instanceof Error && error.name === "NoSuchBucket";
}
