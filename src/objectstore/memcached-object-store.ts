/**
 * An object store with memcached before it, for remote stores. As with the cache on disk, only GETs
 * of objects that never change under their key are cached, in aligned pages of 64 KiB, which every
 * server takes. Lists, heads and what is missing are always asked for.
 */
import { MiB } from "#base";
import { pageBytes } from "./disk-cache-slab.ts";
import type { MemcachedCache } from "./memcached-cache.ts";
import type { ObjectBody } from "./object-body.ts";
import { checkKey } from "./object-key.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from "./object-store.ts";
import { ownBytes } from "./own-bytes.ts";
import { planRead } from "./plan-read.ts";

/** Larger reads pass by: they would push out all others. */
const cachedReadBytesMax: number = 4 * MiB;

export interface MemcachedStoreOptions {
  readonly cache: MemcachedCache;
  /** Tells stores apart that share the servers: kind, bucket, prefix. */
  readonly place: string;
  /** Objects that are never replaced by others, whoever writes to the store. */
  readonly isImmutable: (key: string) => boolean;
}

export class MemcachedObjectStore implements ObjectStore {
  readonly name: string;
  readonly #inner: ObjectStore;
  readonly #cache: MemcachedCache;
  readonly #place: string;
  readonly #isImmutable: (key: string) => boolean;

  constructor(inner: ObjectStore, options: MemcachedStoreOptions) {
    this.name = inner.name;
    this.#inner = inner;
    this.#cache = options.cache;
    this.#place = options.place;
    this.#isImmutable = options.isImmutable;
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    options?.signal?.throwIfAborted();
    checkKey(key);
    const range = options?.range;
    const wantedBytes = range === undefined ? 1 : range.to - range.from;
    const isCached = wantedBytes > 0 && wantedBytes <= cachedReadBytesMax;
    if (!isCached || !this.#cache.isUp || !this.#isImmutable(key)) {
      return this.#inner.get(key, options);
    }
    if (range === undefined) return ownBytes(await this.#whole(key, options), options);
    return ownBytes(await this.#ranged(key, range, options?.signal), options);
  }

  async put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    await this.#inner.put(key, body, options);
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    await this.#inner.delete(key, options);
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#inner.list(prefix, options);
  }

  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#inner.head(key, options);
  }

  listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    return this.#inner.listFolders(prefix, options);
  }

  #nameOf(key: string, part: number | "size"): string {
    return `${this.#place}\0${key}\0${part}`;
  }

  /** The size is an item of its own: pages are asked for all at once. */
  async #whole(key: string, options: GetOptions | undefined): Promise<Buffer> {
    const [size] = await this.#cache.get([this.#nameOf(key, "size")]);
    const sizeBytes = size === undefined ? Number.NaN : Number(size.toString("latin1"));
    if (sizeBytes >= 0 && sizeBytes <= cachedReadBytesMax) {
      const count = Math.ceil(sizeBytes / pageBytes);
      const names = Array.from({ length: count }, (_, page) => this.#nameOf(key, page));
      const pages = (await this.#cache.get(names)).filter((page) => page !== undefined);
      const body = Buffer.concat(pages);
      options?.signal?.throwIfAborted();
      if (pages.length === count && body.length === sizeBytes) return body;
    }
    const body = await this.#inner.get(key, options);
    if (body.length <= cachedReadBytesMax) {
      this.#cache.set(this.#nameOf(key, "size"), Buffer.from(String(body.length)));
      this.#keep(key, 0, body, Number.POSITIVE_INFINITY);
    }
    return body;
  }

  async #ranged(
    key: string,
    range: { readonly from: number; readonly to: number },
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    const firstPage = Math.floor(range.from / pageBytes);
    const endPage = Math.ceil(range.to / pageBytes);
    const numbers = Array.from({ length: endPage - firstPage }, (_, at) => firstPage + at);
    const found = await this.#cache.get(numbers.map((page) => this.#nameOf(key, page)));
    signal?.throwIfAborted();
    const known = new Map<number, Buffer>();
    for (const [at, page] of found.entries()) if (page) known.set(firstPage + at, page);
    const { before, missing, missingBytes, after } = planRead(known, range);
    const start = firstPage * pageBytes;
    const cut = (body: Buffer): Buffer => body.subarray(range.from - start, range.to - start);
    if (missing === undefined) return cut(Buffer.concat(before));
    const pages = { from: missing.firstPage * pageBytes, to: missing.endPage * pageBytes };
    const fetched = await this.#inner.get(key, { range: pages, signal });
    this.#keep(key, missing.firstPage, fetched, missing.endPage);
    if (before.length === 0 && after.length === 0) return cut(fetched);
    if (after.length > 0 && fetched.length !== missingBytes) {
      return this.#inner.get(key, { range, signal });
    }
    return cut(Buffer.concat([...before, fetched, ...after]));
  }

  #keep(key: string, firstPage: number, body: Buffer, endPage: number): void {
    for (
      let at = 0, page = firstPage;
      at <= body.length && page < endPage;
      at += pageBytes, page++
    ) {
      this.#cache.set(this.#nameOf(key, page), body.subarray(at, at + pageBytes));
    }
  }
}
