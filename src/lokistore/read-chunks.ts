/**
 * Planned chunks → decoded blocks, in the order given. A few objects are fetched ahead, more and
 * more of them as reading goes on: a query with a limit often needs no more than the first. Fewer
 * still are decoded ahead, since decoded rows are what costs memory.
 */
import { isStoreError, KiB, Limiter, LruMap, MiB } from "#base";
import type { Block, ColumnNeeds, ReadOptions } from "#storage";
import { nextTurn } from "#world";
import { blockOf, loadRows, openPlanned } from "./load-chunk.ts";
import type { ChunkBlockRef, KnownFacts } from "./planned-chunk.ts";

export const chunkCacheBytesDefault: number = 32 * MiB;

/** Chunk GETs in flight per query. Objects are small, so many are needed to fill a line. */
const getsInFlightMax = 16;

/** Chunks fetched ahead: as many as were taken already, so at most half of the GETs are in vain. */
const aheadMin = 2;
const aheadMax = 32;

/** Fetched ahead at most, by the sizes the index has (uncompressed); one chunk always goes. */
const aheadBytesMax: number = 128 * MiB;

/** A chunk costs at least this much, whatever the index says. */
const chunkBytesMin: number = 64 * KiB;

/** Blocks decoded ahead of the consumer: decompression runs in the thread pool. */
const decodedAheadMax = 2;

export interface ChunkReadJob {
  readonly needs: ColumnNeeds;
  readonly options: ReadOptions;
  readonly cache: ChunkCache;
  readonly known: KnownFacts;
  readonly seed: number;
}

/** Objects read lately, as stored; their checksums were verified. */
export class ChunkCache {
  readonly #objects: LruMap<string, Buffer>;

  constructor(cacheBytes: number) {
    this.#objects = new LruMap({
      name: "loki_chunks",
      weightMax: cacheBytes,
      weigh: (bytes) => bytes.length,
    });
  }

  get(key: string): Buffer | undefined {
    return this.#objects.get(key);
  }

  set(key: string, bytes: Buffer): void {
    this.#objects.set(key, bytes);
  }

  delete(key: string): void {
    this.#objects.delete(key);
  }
}

export async function* readChunks(
  refs: readonly ChunkBlockRef[],
  job: ChunkReadJob,
): AsyncIterable<Block> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, job.options.signal]);
  const pipeline = new ReadPipeline(refs, { ...job, options: { ...job.options, signal } });
  try {
    for (let i = 0; i < refs.length; i++) {
      const block = await pipeline.take(i);
      job.options.signal.throwIfAborted();
      if (block !== undefined) yield block;
    }
  } finally {
    stop.abort();
  }
}

class ReadPipeline {
  readonly #refs: readonly ChunkBlockRef[];
  readonly #job: ChunkReadJob;
  readonly #limiter = new Limiter(getsInFlightMax);
  readonly #fetched = new Map<number, Promise<Buffer>>();
  readonly #decoded = new Map<number, Promise<Block | undefined>>();
  #nextFetch = 0;
  #nextDecode = 0;
  #aheadBytes = 0;

  constructor(refs: readonly ChunkBlockRef[], job: ChunkReadJob) {
    this.#refs = refs;
    this.#job = job;
  }

  /** Blocks are taken in order, each once. */
  async take(index: number): Promise<Block | undefined> {
    this.#fetchUntil(index + Math.min(aheadMax, Math.max(aheadMin, index)));
    while (this.#nextDecode < Math.min(index + decodedAheadMax, this.#refs.length)) {
      const at = this.#nextDecode++;
      this.#fetchUntil(at + 1);
      this.#decoded.set(at, quiet(this.#decode(at)));
    }
    const block = await this.#decoded.get(index)!;
    this.#decoded.delete(index);
    this.#aheadBytes -= weightOf(this.#refs[index]!);
    return block;
  }

  #fetchUntil(end: number): void {
    while (this.#nextFetch < Math.min(end, this.#refs.length)) {
      const weight = weightOf(this.#refs[this.#nextFetch]!);
      const isNeeded = this.#nextFetch <= this.#nextDecode;
      if (!isNeeded && this.#aheadBytes + weight > aheadBytesMax) return;
      this.#aheadBytes += weight;
      this.#fetched.set(this.#nextFetch, quiet(this.#fetch(this.#nextFetch)));
      this.#nextFetch++;
    }
  }

  async #fetch(index: number): Promise<Buffer> {
    const { chunk } = this.#refs[index]!;
    const { cache, options } = this.#job;
    const { signal, counters } = options;
    const cached = cache.get(chunk.key);
    if (cached !== undefined) {
      counters.cacheHits++;
      return cached;
    }
    return this.#limiter.run(async () => {
      signal.throwIfAborted();
      counters.getRequests++;
      const bytes = await chunk.home.objects.get(chunk.key, { signal });
      counters.fetchedBytes += bytes.length;
      return bytes;
    });
  }

  /** Undefined when the chunk cannot be read, or is none that was asked for. */
  async #decode(index: number): Promise<Block | undefined> {
    const ref = this.#refs[index]!;
    const { chunk } = ref;
    const { cache, known, options, seed } = this.#job;
    try {
      const bytes = await this.#fetched.get(index)!;
      await nextTurn();
      options.signal.throwIfAborted();
      const opened = openPlanned(chunk, bytes);
      cache.set(chunk.key, bytes);
      if (!this.#matches(ref, opened.header.labels)) return undefined;
      const needs = { ...this.#job.needs, lengths: true };
      const loaded = await loadRows(opened, chunk, { needs, seed, warn: options.warn });
      const { block, exact } = blockOf(ref, opened, loaded);
      options.counters.decompressedBytes += loaded.rows.lines?.bytes.length ?? 0;
      if (exact !== undefined) known.set(chunk.key, exact);
      return block;
    } catch (error) {
      if (!isStoreError(error, "corrupt") && !isStoreError(error, "missing")) throw error;
      options.warn(`chunk ${chunk.key} left out: ${error.message}`);
      return undefined;
    } finally {
      this.#fetched.delete(index);
    }
  }

  /** Answers take labels from the chunk, so these must match, too. */
  #matches(ref: ChunkBlockRef, labels: ChunkBlockRef["chunk"]["labels"]): boolean {
    if (labels.key === ref.chunk.labels.key) return true;
    return ref.chunk.matchers.every((matcher) => matcher.test(labels.get(matcher.name) ?? ""));
  }
}

function weightOf({ facts }: ChunkBlockRef): number {
  return Math.max(facts.lineBytes, chunkBytesMin);
}

/** Awaited later, or never when the consumer stops: a failure must not be unhandled until then. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
