/**
 * Objects in a container of Azure Blob Storage, as block blobs. The SDK is loaded at open. Nothing
 * is repeated here: see RetryingObjectStore.
 */
import type { BlockBlobClient } from "@azure/storage-blob";
import { messageOf, MiB, StoreError } from "#base";
import type { Random } from "#world";
import { type Abortable, type AzureCalls, openAzureCalls } from "./azure-calls.ts";
import { isMissingBlob, isPastTheEnd } from "./azure-errors.ts";
import type { AzureObjectStoreOptions } from "./azure-options.ts";
import { BodyPieces, type ObjectBody, sizeOfBody, wholeOf } from "./object-body.ts";
import { checkKey, checkPrefix, isKey } from "./object-key.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
} from "./object-store.ts";
import { type KeyNames, keyNames } from "./s3-buckets.ts";

const blocksAboveBytes: number = 16 * MiB;
const blockBytes: number = 8 * MiB;
/** Azure's limit. */
const blocksMax = 50_000;
/** Enough to fill a line, little enough to hold. */
const blocksAtATime = 4;
/** Azure's limit. */
const pageKeysMax = 5000;

/** Rejects with `denied` for options that cannot be; asks Azure for nothing. */
export async function openAzureObjectStore(options: AzureObjectStoreOptions): Promise<ObjectStore> {
  if (options.container.trim() === "") {
    throw new StoreError("denied", "azure needs the name of a container");
  }
  return new AzureObjectStore(options, await openAzureCalls(options));
}

/** What is used of a page of a listing; directories are of accounts with a namespace of folders. */
interface AzureItem {
  readonly name: string;
  readonly properties: {
    readonly contentLength?: number;
    readonly lastModified: Date;
    readonly resourceType?: string;
  };
}

class AzureObjectStore implements ObjectStore {
  readonly name: string;
  readonly #calls: AzureCalls;
  readonly #random: Random;
  readonly #names: KeyNames;
  readonly #blocksAboveBytes: number;
  readonly #blockBytes: number;

  constructor(options: AzureObjectStoreOptions, calls: AzureCalls) {
    this.name = `azure ${calls.container.accountName}/${options.container}`;
    this.#calls = calls;
    this.#random = options.random;
    this.#names = keyNames(options.chunkDelimiter);
    this.#blocksAboveBytes = options.blocksAboveBytes ?? blocksAboveBytes;
    this.#blockBytes = options.blockBytes ?? blockBytes;
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    const blob = this.#blob(key, options);
    const range = options?.range;
    if (range !== undefined && range.to <= range.from) {
      if ((await this.head(key, options)) !== undefined) return Buffer.alloc(0);
      throw new StoreError(
        "missing",
        `azure get ${this.#calls.container.containerName}/${key}: no such object`,
      );
    }
    const offset = range?.from ?? 0;
    const count = range === undefined ? undefined : range.to - range.from;
    return this.#calls.send({ operation: "get", key, signal: options?.signal }, async (abort) => {
      try {
        const answer = await blob.download(offset, count, { ...abort, maxRetryRequests: 0 });
        return await gather(answer.readableStreamBody, answer.contentLength ?? 0, abort);
      } catch (error) {
        if (range !== undefined && isPastTheEnd(error)) return Buffer.alloc(0);
        throw error;
      }
    });
  }

  async put(key: string, body: ObjectBody, options?: CallOptions): Promise<void> {
    const blob = this.#blob(key, options);
    const sizeBytes = sizeOfBody(body);
    const signal = options?.signal;
    if (sizeBytes > this.#blocksAboveBytes) {
      return this.#putInBlocks({ blob, key, body, sizeBytes, signal });
    }
    const whole = await wholeOf(body);
    await this.#calls.send({ operation: "put", key, signal }, (abort) =>
      blob.upload(whole, sizeBytes, abort),
    );
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    const blob = this.#blob(key, options);
    const target = { operation: "delete", key, signal: options?.signal };
    await this.#calls.send(target, async (abort) => {
      try {
        await blob.delete({ ...abort, deleteSnapshots: "include" });
      } catch (error) {
        if (!isMissingBlob(error)) throw error;
      }
    });
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const blob = this.#blob(key, options);
    const target = { operation: "head", key, signal: options?.signal };
    return this.#calls.send(target, async (abort) => {
      try {
        const { contentLength, lastModified } = await blob.getProperties(abort);
        return { key, sizeBytes: contentLength ?? 0, modifiedMs: lastModified?.getTime() ?? 0 };
      } catch (error) {
        if (isMissingBlob(error)) return undefined;
        throw error;
      }
    });
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    options?.signal?.throwIfAborted();
    checkPrefix(prefix);
    const prefixName = this.#names.nameOf(prefix);
    const startAfter = this.#names.nameOf(options?.startAfter ?? "");
    let token: string | undefined;
    let last = "";
    do {
      const page = await this.#page({ prefixName, startAfter, token, signal: options?.signal });
      for (const { name, properties } of sorted(page.items)) {
        // Older services begin at the prefix whatever they are asked for.
        if (name <= startAfter || properties.resourceType === "directory") continue;
        if (name <= last) throw disorder(name, last);
        last = name;
        const key = this.#names.keyOf(name);
        if (!isKey(key)) continue;
        const { contentLength, lastModified } = properties;
        yield { key, sizeBytes: contentLength ?? 0, modifiedMs: lastModified.getTime() };
      }
      token = page.token;
    } while (token);
  }

  async listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    options?.signal?.throwIfAborted();
    checkPrefix(prefix);
    if (prefix !== "" && !prefix.endsWith("/")) {
      throw new StoreError("denied", `prefix ${JSON.stringify(prefix)} must end in '/'`);
    }
    const prefixName = this.#names.nameOf(prefix);
    const folders = new Set<string>();
    let token: string | undefined;
    do {
      const target = { operation: "list", signal: options?.signal };
      const continuationToken = token;
      const page = await this.#calls.send(target, async (abort) => {
        const { container } = this.#calls;
        const listing = container.listBlobsByHierarchy("/", { ...abort, prefix: prefixName });
        const pages = listing.byPage({
          maxPageSize: pageKeysMax,
          ...(continuationToken ? { continuationToken } : {}),
        });
        return (await pages.next()).value;
      });
      for (const { name } of page?.segment.blobPrefixes ?? []) {
        folders.add(name.slice(prefixName.length, -1));
      }
      token = page?.continuationToken;
    } while (token);
    return [...folders].filter((folder) => isKey(`${prefix}${folder}/x`)).sort();
  }

  #blob(key: string, options: CallOptions | undefined): BlockBlobClient {
    options?.signal?.throwIfAborted();
    checkKey(key);
    return this.#calls.container.getBlockBlobClient(this.#names.nameOf(key));
  }

  async #page(request: {
    readonly prefixName: string;
    readonly startAfter: string;
    readonly token: string | undefined;
    readonly signal: AbortSignal | undefined;
  }): Promise<{ items: readonly AzureItem[]; token: string | undefined }> {
    const { prefixName, startAfter, token, signal } = request;
    const page = await this.#calls.send({ operation: "list", signal }, async (abort) => {
      const listing = this.#calls.container.listBlobsFlat({
        ...abort,
        prefix: prefixName,
        ...(startAfter === "" || token ? {} : { startFrom: startAfter }),
      });
      const continued = token ? { continuationToken: token } : {};
      const pages = listing.byPage({ maxPageSize: pageKeysMax, ...continued });
      return (await pages.next()).value;
    });
    return { items: page?.segment.blobItems ?? [], token: page?.continuationToken };
  }

  /** Blocks that are never committed vanish by themselves after a week. */
  async #putInBlocks(upload: {
    readonly blob: BlockBlobClient;
    readonly key: string;
    readonly body: ObjectBody;
    readonly sizeBytes: number;
    readonly signal: AbortSignal | undefined;
  }): Promise<void> {
    const { blob, key, body, sizeBytes } = upload;
    const size = Math.max(this.#blockBytes, Math.ceil(sizeBytes / blocksMax));
    const pieces = new BodyPieces(body, size);
    const failed = new AbortController();
    const signal =
      upload.signal === undefined ? failed.signal : AbortSignal.any([upload.signal, failed.signal]);
    const ids: string[] = [];
    const prefix = this.#random.bytes(8).toString("hex");
    const work = async (): Promise<void> => {
      for (let piece = await pieces.next(); piece !== undefined; piece = await pieces.next()) {
        signal.throwIfAborted();
        const { index, bytes } = piece;
        // Ids must be of one length; two puts of a key at a time must not mix their blocks.
        const id = `${prefix}${String(index).padStart(6, "0")}`;
        const name = Buffer.from(id).toString("base64");
        ids[index] = name;
        await this.#calls.send({ operation: "put of block", key, signal }, (abort) =>
          blob.stageBlock(name, bytes, bytes.length, abort),
        );
      }
    };
    const workers = Array.from({ length: Math.min(blocksAtATime, pieces.takersMax) }, () =>
      work().catch((error: unknown) => failed.abort(error)),
    );
    await Promise.all(workers);
    // The first failure is the reason of the others.
    signal.throwIfAborted();
    await this.#calls.send({ operation: "end of put", key, signal }, (abort) =>
      blob.commitBlockList(ids, abort),
    );
  }
}

function disorder(name: string, last: string): StoreError {
  const text = `${name} comes after ${last}: accounts with a hierarchical namespace are not for this`;
  return new StoreError("denied", `azure list: ${text}`);
}

function sorted(items: readonly AzureItem[]): readonly AzureItem[] {
  const isSorted = items.every((item, at) => at === 0 || items[at - 1]!.name < item.name);
  return isSorted ? items : items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The whole body or a rejection. */
async function gather(
  stream: NodeJS.ReadableStream | undefined,
  sizeBytes: number,
  { abortSignal }: Abortable,
): Promise<Buffer> {
  if (stream === undefined) return Buffer.alloc(0);
  // Not from the pool: a small body must not hold a large buffer.
  const body = Buffer.allocUnsafeSlow(sizeBytes);
  let gotBytes = 0;
  let reason = "";
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      if (gotBytes + chunk.length <= sizeBytes) body.set(chunk, gotBytes);
      gotBytes += chunk.length;
    }
  } catch (error) {
    abortSignal?.throwIfAborted();
    reason = `: ${messageOf(error)}`;
  }
  if (gotBytes === sizeBytes && reason === "") return body;
  const text = `the connection was cut after ${gotBytes} of ${sizeBytes} bytes${reason}`;
  throw new StoreError("unavailable", `azure get: ${text}`);
}
