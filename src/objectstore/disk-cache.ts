/**
 * Pages of objects in files of a local folder, bounded in bytes. Files are dropped oldest first;
 * pages of theirs that were read since are written again, so what is used stays and what was read
 * once goes (a queue with a second chance). The index is in memory and read from the tables of the
 * files at open. No failure of the disk is one of a read: it is told to the observer and is a miss.
 *
 * One process owns the folder at a time.
 */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { join } from "node:path";
import { countRefused, MiB, second, StoreError, watchQueue, type QueueFigures } from "#base";
import { type Clock, type Files, makeDurableFolder } from "#world";
import {
  createSlab,
  type NewPage,
  openSlabs,
  type PageAt,
  type Slab,
  slabPagesMax,
} from "./disk-cache-slab.ts";

/** So large files that there are few, so small that dropping one loses little. */
const slabBytesMax: number = 64 * MiB;
const slabBytesMin: number = 1 * MiB;
/** Of `bytesMax`, at least so many files. */
const slabsWanted = 16;
/** Less is no cache. */
export const diskCacheBytesMin: number = 4 * slabBytesMin;
/** What waits to be written; more is not kept. */
const waitingBytesMax: number = 32 * MiB;
/** Room left for others on the disk. */
const freeBytesMin: number = 512 * MiB;
/** A disk that fails is left alone for. */
const pauseMs: number = 30 * second;
/** Of a dropped file, so much is written again at most. */
const secondChanceShare = 0.5;

export interface DiskCacheObserver {
  /** A GET was answered: bytes from the cache and from the store behind. */
  got(read: { readonly cachedBytes: number; readonly fetchedBytes: number }): void;
  written(bytes: number): void;
  evicted(bytes: number): void;
  /** Not kept: too much was waiting to be written. */
  skipped(bytes: number): void;
  /** The disk failed; reads go on from the store behind. */
  failed(error: unknown): void;
}

export interface DiskCacheOptions {
  readonly files: Files;
  readonly clock: Clock;
  /** Absolute path. Made when missing; nothing else may be in it. */
  readonly folder: string;
  readonly bytesMax: number;
  /** The cache does not grow when the disk has less. Default 512 MiB. */
  readonly freeBytesMin?: number;
  readonly observer: DiskCacheObserver;
}

/** Rejects with `denied` when another process has the folder, else as Files do. */
export async function openDiskCache(options: DiskCacheOptions): Promise<DiskCache> {
  const { files, folder } = options;
  await makeDurableFolder(files, folder);
  const lock = await files.lock(join(folder, "lock"));
  try {
    const cache = new DiskCache(options, lock);
    for (const slab of await openSlabs(files, folder)) await cache.take(slab);
    await cache.shrink();
    return cache;
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

export class DiskCache {
  readonly observer: DiskCacheObserver;
  readonly #options: DiskCacheOptions;
  readonly #lock: AsyncDisposable;
  readonly #slabBytesMax: number;
  readonly #objects = new Map<string, Map<number, PageAt>>();
  /** Oldest first; the last one is written to. */
  readonly #slabs: Slab[] = [];
  #nextNumber = 1;
  /** Files of earlier processes are not written to: their ends may be torn. */
  #isLastOurs = false;
  #waitingBytes = 0;
  #waitingCount = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: DiskCacheOptions, lock: AsyncDisposable) {
    this.observer = options.observer;
    this.#options = options;
    this.#lock = lock;
    assert.ok(options.bytesMax >= diskCacheBytesMin, `${options.bytesMax} bytes`);
    const wanted = Math.floor(options.bytesMax / slabsWanted);
    this.#slabBytesMax = Math.min(slabBytesMax, Math.max(slabBytesMin, wanted));
    watchQueue("object_cache_writes", this, (one) => one.#waitingFigures);
  }

  get #waitingFigures(): QueueFigures {
    return { length: this.#waitingCount, bytes: this.#waitingBytes };
  }

  /** A file of an earlier process; in order. */
  async take(slab: Slab): Promise<void> {
    await slab.load((found) => {
      if (typeof found === "string") this.#objects.delete(found);
      else this.#index(found);
    });
    this.#nextNumber = slab.number + 1;
    if (slab.entryCount > 0) {
      this.#slabs.push(slab);
      return;
    }
    await slab.close();
    await this.#options.files.remove(slab.path);
  }

  /** A smaller limit than that of the process before drops its oldest files. */
  async shrink(): Promise<void> {
    while (this.#isOver(0)) await this.#evict(this.#slabs[0]!);
  }

  /** The pages of an object that are there. Not to be kept: it changes. */
  pagesOf(hash: string): ReadonlyMap<number, PageAt> | undefined {
    return this.#objects.get(hash);
  }

  /** Pages that follow each other, as one buffer; undefined when the disk does not have them. */
  async read(pages: readonly PageAt[]): Promise<Buffer | undefined> {
    const runs: PageAt[][] = [];
    for (const page of pages) {
      const last = runs.at(-1)?.at(-1);
      const isNext = last?.slab === page.slab && last.offset + last.length === page.offset;
      if (isNext) runs.at(-1)!.push(page);
      else runs.push([page]);
    }
    const bodies = await Promise.all(runs.map((run) => this.#readRun(run)));
    const whole = bodies.filter((body) => body !== undefined);
    if (whole.length < bodies.length) return undefined;
    return whole.length === 1 ? whole[0]! : Buffer.concat(whole);
  }

  /** Later, when there is room; `isWanted` is asked just before. `bodies` must not change. */
  write(pages: readonly NewPage[], isWanted: () => boolean): void {
    const bytes = pages.reduce((sum, { body }) => sum + body.length, 0);
    if (this.#isPaused() || this.#waitingBytes + bytes > waitingBytesMax) {
      this.observer.skipped(bytes);
      countRefused("object_cache_writes");
      return;
    }
    this.#waitingBytes += bytes;
    this.#waitingCount++;
    this.#later(async () => {
      this.#waitingBytes -= bytes;
      this.#waitingCount--;
      if (isWanted() && !this.#isPaused()) await this.#append(pages, isWanted);
    });
  }

  /** All pages of an object, also over a restart. */
  forget(hash: string): void {
    if (!this.#objects.delete(hash)) return;
    this.#later(async () => {
      const slab = await this.#slabFor(0);
      await slab.appendTombstone(hash);
    });
  }

  /** When all that was to be written has been. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async close(): Promise<void> {
    await this.#writing;
    await Promise.allSettled(this.#slabs.map((slab) => slab.close()));
    await this.#lock[Symbol.asyncDispose]();
  }

  get sizeBytes(): number {
    return this.#slabs.reduce((sum, slab) => sum + slab.sizeBytes, 0);
  }

  #isPaused(): boolean {
    return this.#options.clock.monotonicMs() < this.#pausedUntilMs;
  }

  /** One after the other, in order; a failure ends writing for a while and nothing else. */
  #later(task: () => Promise<void>): void {
    this.#writing = this.#writing.then(task).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#pausedUntilMs = this.#options.clock.monotonicMs() + pauseMs;
    this.observer.failed(error);
  }

  #index(page: PageAt): void {
    let pages = this.#objects.get(page.hash);
    if (pages === undefined) this.#objects.set(page.hash, (pages = new Map()));
    pages.set(page.page, page);
  }

  async #readRun(run: readonly PageAt[]): Promise<Buffer | undefined> {
    const [first, last] = [run[0]!, run.at(-1)!];
    const range = { from: first.offset, to: last.offset + last.length };
    let body: Buffer;
    try {
      body = range.to === range.from ? Buffer.alloc(0) : await first.slab.read(range);
    } catch (error) {
      // The file was dropped in between, or the disk fails: a miss either way.
      if (this.#slabs.includes(first.slab)) this.observer.failed(error);
      for (const page of run) this.#drop(page);
      return undefined;
    }
    for (const page of run) {
      const at = page.offset - range.from;
      page.hits++;
      if (crc32(body.subarray(at, at + page.length)) === page.crc) continue;
      this.#drop(page);
      return undefined;
    }
    return body;
  }

  #drop(page: PageAt): void {
    const pages = this.#objects.get(page.hash);
    if (pages?.get(page.page) !== page) return;
    pages.delete(page.page);
    if (pages.size === 0) this.#objects.delete(page.hash);
  }

  async #append(pages: readonly NewPage[], isWanted: () => boolean): Promise<void> {
    let rest = pages.filter(({ hash, page }) => !this.#objects.get(hash)?.has(page));
    while (rest.length > 0) {
      const slab = await this.#slabFor(rest[0]!.body.length);
      let bytes = 0;
      let count = 0;
      while (count < rest.length && count < slabPagesMax - slab.entryCount) {
        const next = rest[count]!.body.length;
        if (!slab.hasRoom(bytes + next, this.#slabBytesMax)) break;
        bytes += next;
        count++;
      }
      const written = await slab.append(rest.slice(0, count));
      this.observer.written(bytes);
      if (!isWanted()) {
        // Taken back while it was written; the next process must not take it for good either.
        await slab.appendTombstone(rest[0]!.hash);
        return;
      }
      for (const page of written) this.#index(page);
      rest = rest.slice(count);
    }
  }

  async #slabFor(bytes: number): Promise<Slab> {
    const last = this.#slabs.at(-1);
    if (last !== undefined && this.#isLastOurs && last.hasRoom(bytes, this.#slabBytesMax)) {
      return last;
    }
    const { files, folder } = this.#options;
    const free = await files.freeBytes(folder);
    const isTight = free < (this.#options.freeBytesMin ?? freeBytesMin) + this.#slabBytesMax;
    if (isTight && this.#slabs.length === 0) {
      throw new StoreError("full", `${folder}: ${free} bytes free, too few to begin a cache`);
    }
    const kept: NewPage[] = [];
    if (isTight && this.#slabs.length > 0) kept.push(...(await this.#evict(this.#slabs[0]!)));
    while (this.#isOver(this.#slabBytesMax)) {
      const more = await this.#evict(this.#slabs[0]!);
      // Second chances of one file only: two would fill the new one.
      if (kept.length === 0) kept.push(...more);
    }
    const slab = await createSlab(files, folder, this.#nextNumber++);
    this.#slabs.push(slab);
    this.#isLastOurs = true;
    for (const page of await slab.append(kept)) this.#index(page);
    return slab;
  }

  #isOver(newBytes: number): boolean {
    if (this.#slabs.length === 0) return false;
    const slabsMax = 4 * slabsWanted * Math.max(1, this.#options.bytesMax / slabBytesMax);
    return this.sizeBytes + newBytes > this.#options.bytesMax || this.#slabs.length > slabsMax;
  }

  /** Removes a file; gives what of it is to be written again. */
  async #evict(slab: Slab): Promise<NewPage[]> {
    const live = slab.pages.filter(({ hash, page }) => {
      return this.#objects.get(hash)?.get(page)?.slab === slab;
    });
    const hot = live.filter(({ hits }) => hits > 0).sort((a, b) => b.hits - a.hits);
    const kept: NewPage[] = [];
    let bytes = 0;
    for (const at of hot) {
      if (bytes + at.length > this.#slabBytesMax * secondChanceShare) break;
      if (kept.length >= slabPagesMax * secondChanceShare) break;
      const body = await this.#readRun([at]);
      if (body === undefined) continue;
      kept.push({ hash: at.hash, page: at.page, body });
      bytes += at.length;
    }
    this.#slabs.splice(this.#slabs.indexOf(slab), 1);
    for (const page of live) this.#drop(page);
    this.observer.evicted(slab.sizeBytes - bytes);
    await slab.close();
    await this.#options.files.remove(slab.path);
    return kept;
  }
}
