/**
 * An object store with a cache on a local disk before it, for remote stores. Only GETs of objects
 * that never change under their key are cached, in aligned pages: a read fetches whole pages, so
 * that the next one may begin elsewhere. Lists, heads and what is missing are always asked for.
 */
import { createHash } from "node:crypto";
import { MiB } from "#base";
import type { DiskCache } from "./disk-cache.ts";
import { hashBytes, type NewPage, type PageAt, pageBytes } from "./disk-cache-slab.ts";
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
import { SharedFetches } from "./shared-fetches.ts";

/** Larger reads are those of merging and of exports: read once, and not kept. */
const cachedReadBytesMax: number = 16 * MiB;

export interface DiskCachedOptions {
  readonly cache: DiskCache;
  /** Tells stores apart that share the cache, also after a restart: kind, bucket, prefix. */
  readonly place: string;
  /** Objects that are never replaced by others, whoever writes to the store. */
  readonly isImmutable: (key: string) => boolean;
}

export class DiskCachedObjectStore implements ObjectStore {
  readonly name: string;
  readonly #inner: ObjectStore;
  readonly #cache: DiskCache;
  readonly #place: string;
  readonly #isImmutable: (key: string) => boolean;
  readonly #fetches = new SharedFetches();

  constructor(inner: ObjectStore, options: DiskCachedOptions) {
    this.name = inner.name;
    this.#inner = inner;
    this.#cache = options.cache;
    this.#place = options.place;
    this.#isImmutable = options.isImmutable;
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    options?.signal?.throwIfAborted();
    checkKey(key);
    if (!this.#isImmutable(key)) return this.#inner.get(key, options);
    const range = options?.range;
    const hash = this.#hashOf(key);
    if (range === undefined) {
      return ownBytes(await this.#whole(key, hash, options?.signal), options);
    }
    const wantedBytes = range.to - range.from;
    if (wantedBytes <= 0 || wantedBytes > cachedReadBytesMax) return this.#inner.get(key, options);
    return ownBytes(await this.#ranged({ key, hash, range, signal: options?.signal }), options);
  }

  async put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    checkKey(key);
    this.#forget(key);
    try {
      await this.#inner.put(key, body, options);
    } finally {
      // What was read in the meantime may be of before; a failed put may have been done.
      this.#forget(key);
    }
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    checkKey(key);
    this.#forget(key);
    try {
      await this.#inner.delete(key, options);
    } finally {
      this.#forget(key);
    }
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

  #hashOf(key: string): string {
    const hash = createHash("sha256").update(`${this.#place}\0${key}`).digest();
    return hash.toString("latin1", 0, hashBytes);
  }

  #forget(key: string): void {
    if (!this.#isImmutable(key)) return;
    const hash = this.#hashOf(key);
    this.#fetches.forget(hash);
    this.#cache.forget(hash);
  }

  async #whole(key: string, hash: string, signal: AbortSignal | undefined): Promise<Buffer> {
    const cached = this.#wholePages(hash);
    const read = cached && (await this.#cache.read(cached));
    if (read !== undefined) {
      this.#cache.observer.got({ cachedBytes: read.length, fetchedBytes: 0 });
      return read;
    }
    const fetched = await this.#fetches.run({ hash, what: "all", signal }, async (flight) => {
      const body = await this.#inner.get(key, { signal: flight.signal });
      if (body.length <= cachedReadBytesMax) {
        this.#cache.write(pagesIn({ hash, firstPage: 0, body }), () => flight.isWanted);
      }
      return body;
    });
    this.#cache.observer.got({ cachedBytes: 0, fetchedBytes: fetched.length });
    return fetched;
  }

  /** All pages up to the one in which the object ends; undefined when one is missing. */
  #wholePages(hash: string): PageAt[] | undefined {
    const pages = this.#cache.pagesOf(hash);
    const found: PageAt[] = [];
    for (let page = pages?.get(0); page !== undefined; page = pages?.get(found.length)) {
      found.push(page);
      if (page.length < pageBytes) return found;
    }
    return undefined;
  }

  async #ranged(wanted: {
    readonly key: string;
    readonly hash: string;
    readonly range: { readonly from: number; readonly to: number };
    readonly signal: AbortSignal | undefined;
  }): Promise<Buffer> {
    const { key, hash, range, signal } = wanted;
    const plan = planRead(this.#cache.pagesOf(hash), range);
    const start = plan.firstPage * pageBytes;
    const cut = (body: Buffer): Buffer => body.subarray(range.from - start, range.to - start);
    const [before, after, fetched] = await Promise.all([
      this.#cache.read(plan.before),
      this.#cache.read(plan.after),
      plan.missing && this.#fetch({ key, hash, ...plan.missing, signal }),
    ]);
    const isWhole = after?.length === 0 || fetched?.length === plan.missingBytes;
    if (before === undefined || after === undefined || !isWhole) {
      // The disk has lost pages; they are fetched and written anew with the next read.
      const body = await this.#inner.get(key, { range, signal });
      this.#cache.observer.got({ cachedBytes: 0, fetchedBytes: body.length });
      return body;
    }
    const fetchedBytes = fetched?.length ?? 0;
    this.#cache.observer.got({ cachedBytes: before.length + after.length, fetchedBytes });
    if (fetched === undefined) return cut(before);
    if (before.length === 0 && after.length === 0) return cut(fetched);
    return cut(Buffer.concat([before, fetched, after]));
  }

  #fetch(wanted: {
    readonly key: string;
    readonly hash: string;
    readonly firstPage: number;
    readonly endPage: number;
    readonly signal: AbortSignal | undefined;
  }): Promise<Buffer> {
    const { key, hash, firstPage, endPage, signal } = wanted;
    const range = { from: firstPage * pageBytes, to: endPage * pageBytes };
    const what = `${firstPage}-${endPage}`;
    return this.#fetches.run({ hash, what, signal }, async (flight) => {
      const body = await this.#inner.get(key, { range, signal: flight.signal });
      const pages = pagesIn({ hash, firstPage, body }).slice(0, endPage - firstPage);
      this.#cache.write(pages, () => flight.isWanted);
      return body;
    });
  }
}

/** A body that begins at a page as pages; the last is shorter than a page, empty if need be. */
function pagesIn(read: {
  readonly hash: string;
  readonly firstPage: number;
  readonly body: Buffer;
}): NewPage[] {
  const { hash, firstPage, body } = read;
  const pages: NewPage[] = [];
  for (let at = 0; at <= body.length; at += pageBytes) {
    const page = firstPage + at / pageBytes;
    pages.push({ hash, page, body: body.subarray(at, at + pageBytes) });
  }
  return pages;
}
