/**
 * Opened index files in memory, bounded by bytes; each is fetched and unpacked once for all who
 * ask at the same time. Names are unique per content, so what is cached never goes stale.
 */
import { GiB, Limiter, LruMap, MiB } from "#base";
import { gunzipIndex, openIndex, type TsdbIndex } from "#lokiindex";
import type { ObjectStore } from "#objectstore";
import type { ReadCounters } from "#storage";
import type { IndexFolder } from "./index-folder.ts";
import type { ListedIndex } from "./table-files.ts";

export const indexCacheBytesDefault: number = 256 * MiB;

/** One index unpacked; a Buffer of Node holds more, but not the memory of a usual machine. */
const indexBytesMax: number = 2 * GiB;

/** GETs in flight, over all queries. */
const getsInFlightMax = 8;

export class IndexCache {
  readonly #folder: IndexFolder | undefined;
  readonly #indexes: LruMap<string, TsdbIndex>;
  readonly #loading = new Map<string, Promise<TsdbIndex>>();
  readonly #limiter = new Limiter(getsInFlightMax, "loki_index_reads");

  constructor(options: { cacheBytes: number; folder: IndexFolder | undefined }) {
    this.#folder = options.folder;
    this.#indexes = new LruMap({
      name: "loki_indexes",
      weightMax: options.cacheBytes,
      weigh: (index) => index.heldBytes,
    });
  }

  /** StoreError `corrupt`, `missing` and what the object store has. */
  async get(file: ListedIndex, objects: ObjectStore, counters: ReadCounters): Promise<TsdbIndex> {
    const cached = this.#indexes.get(file.key);
    if (cached !== undefined) {
      counters.cacheHits++;
      return cached;
    }
    let loading = this.#loading.get(file.key);
    if (loading === undefined) {
      loading = this.#limiter
        .run(() => this.#load(file, objects, counters))
        .finally(() => this.#loading.delete(file.key));
      this.#loading.set(file.key, loading);
    }
    return loading;
  }

  async forget(key: string): Promise<void> {
    this.#indexes.delete(key);
    await this.#folder?.forget(key);
  }

  /** Not bound to the signal of one query: others may wait for the same file. */
  async #load(file: ListedIndex, objects: ObjectStore, counters: ReadCounters): Promise<TsdbIndex> {
    const index = (await this.#fromFolder(file)) ?? (await this.#fetch(file, objects, counters));
    this.#indexes.set(file.key, index);
    return index;
  }

  /** Undefined when it is not there, or damaged: then it is fetched anew. */
  async #fromFolder(file: ListedIndex): Promise<TsdbIndex | undefined> {
    const bytes = await this.#folder?.get(file.key);
    if (bytes === undefined) return undefined;
    try {
      return openIndex(file.key, bytes);
    } catch {
      await this.#folder?.forget(file.key);
      return undefined;
    }
  }

  async #fetch(
    file: ListedIndex,
    objects: ObjectStore,
    counters: ReadCounters,
  ): Promise<TsdbIndex> {
    counters.getRequests++;
    const stored = await objects.get(file.key);
    counters.fetchedBytes += stored.length;
    const { isGzip } = file;
    const bytes = await gunzipIndex(file.key, stored, { isGzip, bytesMax: indexBytesMax });
    if (isGzip) counters.decompressedBytes += bytes.length;
    const index = openIndex(file.key, bytes);
    await this.#folder?.put(file.key, bytes);
    return index;
  }
}
