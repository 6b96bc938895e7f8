/**
 * Tries again what failed because the store was `unavailable`, after a pause that doubles and is
 * jittered, so that many clients do not come back at once; a server's own `retry-after` is heeded.
 * Tries and time are bounded. Every operation of an ObjectStore may be repeated: a put replaces, a
 * delete of what is gone is no error, a listing goes on behind the last key that was handed out.
 */
import { isStoreError, MiB, minute, StoreError, second } from "#base";
import type { Clock, Random } from "#world";
import { type ObjectBody, sizeOfBody } from "./object-body.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
} from "./object-store.ts";
import { ThrottledError } from "./throttled-error.ts";
import { withTimeLimit } from "./time-limit.ts";

export interface RetryOptions {
  /** Tries in all. Default 5. */
  readonly attemptsMax?: number | undefined;
  /** The first pause, before jitter. Default 100 ms. */
  readonly pauseMsMin?: number | undefined;
  /** Default 3 s. */
  readonly pauseMsMax?: number | undefined;
  /** No try begins later than this after the first. Default 2 min. */
  readonly totalMsMax?: number | undefined;
  /** One try may take this and the time its bytes need. Default 1 min; 0: no limit. */
  readonly attemptMsMax?: number | undefined;
  /** Hears of every failure that is followed by another try. */
  readonly onRetry?: ((retry: ObjectStoreRetry) => void) | undefined;
}

export interface ObjectStoreRetry {
  readonly operation: "get" | "put" | "delete" | "list" | "head" | "list folders";
  /** Of the try that failed, from 1. */
  readonly attempt: number;
  readonly pauseMs: number;
  readonly error: StoreError;
}

/** A connection slower than this counts as broken. */
const bytesPerSecondMin: number = MiB;
/** A get without a range may be of any size; most objects are smaller than this. */
const unknownSizeBytes: number = 64 * MiB;

interface Attempted {
  readonly operation: ObjectStoreRetry["operation"];
  readonly what: string;
  readonly sizeBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Counts one operation's tries and time. */
interface Tries {
  count: number;
  readonly startMs: number;
}

/**
 * Aborts a listing whose next key is waited for too long. One timer for all keys, because most come
 * out of a page that is there.
 */
class PageWatch {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #what: string;
  #waitingSinceMs: number | undefined;
  #cancel: () => void;

  constructor(clock: Clock, limitMs: number, what: string) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#what = what;
    this.#cancel = limitMs > 0 ? clock.schedule(limitMs, () => this.#look()) : () => undefined;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  begin(): void {
    this.#waitingSinceMs = this.#clock.monotonicMs();
  }

  end(): void {
    this.#waitingSinceMs = undefined;
  }

  close(): void {
    this.#cancel();
  }

  #look(): void {
    const sinceMs = this.#waitingSinceMs ?? this.#clock.monotonicMs();
    const leftMs = sinceMs + this.#limitMs - this.#clock.monotonicMs();
    if (leftMs > 0) {
      this.#cancel = this.#clock.schedule(leftMs, () => this.#look());
      return;
    }
    const text = `${this.#what}: no answer within ${this.#limitMs} ms`;
    this.#controller.abort(new StoreError("unavailable", text));
  }
}

export class RetryingObjectStore implements ObjectStore {
  readonly name: string;
  readonly #inner: ObjectStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #attemptsMax: number;
  readonly #pauseMsMin: number;
  readonly #pauseMsMax: number;
  readonly #totalMsMax: number;
  readonly #attemptMsMax: number;
  readonly #onRetry: ((retry: ObjectStoreRetry) => void) | undefined;

  constructor(
    inner: ObjectStore,
    options: RetryOptions & { readonly clock: Clock; readonly random: Random },
  ) {
    this.name = inner.name;
    this.#inner = inner;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#attemptsMax = options.attemptsMax ?? 5;
    this.#pauseMsMin = options.pauseMsMin ?? 100;
    this.#pauseMsMax = options.pauseMsMax ?? 3 * second;
    this.#totalMsMax = options.totalMsMax ?? 2 * minute;
    this.#attemptMsMax = options.attemptMsMax ?? minute;
    this.#onRetry = options.onRetry;
  }

  get(key: string, options?: GetOptions): Promise<Buffer> {
    const range = options?.range;
    const sizeBytes = range === undefined ? unknownSizeBytes : Math.max(0, range.to - range.from);
    return this.#run(
      { operation: "get", what: key, sizeBytes, signal: options?.signal },
      (signal) => this.#inner.get(key, { ...options, signal }),
    );
  }

  put(key: string, body: ObjectBody, options?: CallOptions): Promise<void> {
    const sizeBytes = sizeOfBody(body);
    return this.#run(
      { operation: "put", what: key, sizeBytes, signal: options?.signal },
      (signal) => this.#inner.put(key, body, { signal }),
    );
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    const attempted = { operation: "delete", what: key, sizeBytes: 0 } as const;
    return this.#run({ ...attempted, signal: options?.signal }, (signal) =>
      this.#inner.delete(key, { signal }),
    );
  }

  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const attempted = { operation: "head", what: key, sizeBytes: 0 } as const;
    return this.#run({ ...attempted, signal: options?.signal }, (signal) =>
      this.#inner.head(key, { signal }),
    );
  }

  listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    const attempted = { operation: "list folders", what: prefix, sizeBytes: 0 } as const;
    // As many pages as it takes: each has the store's own limits.
    return this.#run(
      { ...attempted, sizeBytes: unknownSizeBytes, signal: options?.signal },
      (signal) => this.#inner.listFolders(prefix, { signal }),
    );
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    const signal = options?.signal;
    let startAfter = options?.startAfter;
    let tries = this.#newTries();
    for (;;) {
      const from = startAfter === undefined ? {} : { startAfter };
      const watch = new PageWatch(this.#clock, this.#attemptMsMax, `${this.name}: list ${prefix}`);
      const both = signal === undefined ? watch.signal : AbortSignal.any([signal, watch.signal]);
      try {
        const items = this.#inner.list(prefix, { ...from, signal: both });
        watch.begin();
        for await (const info of items) {
          watch.end();
          startAfter = info.key;
          if (tries.count > 0) tries = this.#newTries();
          yield info;
          watch.begin();
        }
        return;
      } catch (error) {
        const attempted: Attempted = { operation: "list", what: prefix, sizeBytes: 0, signal };
        await this.#pauseAfter(error, attempted, tries);
      } finally {
        watch.end();
        watch.close();
      }
    }
  }

  async #run<T>(
    attempted: Attempted,
    attempt: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const tries = this.#newTries();
    for (;;) {
      try {
        return await this.#once(attempted, attempt);
      } catch (error) {
        await this.#pauseAfter(error, attempted, tries);
      }
    }
  }

  #once<T>(
    { operation, what, sizeBytes, signal }: Attempted,
    attempt: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const limitMs =
      this.#attemptMsMax === 0
        ? 0
        : this.#attemptMsMax + Math.ceil((sizeBytes / bytesPerSecondMin) * second);
    const text = `${this.name}: ${operation} ${what}`;
    return withTimeLimit({ clock: this.#clock, limitMs, signal, what: text }, attempt);
  }

  #newTries(): Tries {
    return { count: 0, startMs: this.#clock.monotonicMs() };
  }

  /** Throws what is not to be tried again. */
  async #pauseAfter(error: unknown, attempted: Attempted, tries: Tries): Promise<void> {
    const { operation, signal } = attempted;
    if (!isStoreError(error, "unavailable") || signal?.aborted) throw error;
    const attempt = ++tries.count;
    const pauseMs = this.#pauseMs(error, attempt);
    const elapsedMs = this.#clock.monotonicMs() - tries.startMs;
    if (attempt >= this.#attemptsMax || elapsedMs + pauseMs > this.#totalMsMax) {
      if (attempt === 1) throw error;
      const text = `${error.message} (tried ${attempt} times in ${Math.round(elapsedMs)} ms)`;
      throw new StoreError("unavailable", text, { cause: error });
    }
    this.#onRetry?.({ operation, attempt, pauseMs, error });
    await this.#clock.sleep(pauseMs, signal);
  }

  /** Between half of and the whole doubled pause, and never before the server wants. */
  #pauseMs(error: StoreError, attempt: number): number {
    const wholeMs = Math.min(this.#pauseMsMax, this.#pauseMsMin * 2 ** (attempt - 1));
    const jitteredMs = wholeMs * (0.5 + this.#random.fraction() / 2);
    const atLeastMs = error instanceof ThrottledError ? error.retryAfterMs : 0;
    return Math.max(jitteredMs, atLeastMs);
  }
}
