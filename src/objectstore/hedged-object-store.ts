/**
 * A get that is slower than most is asked for once more, and the first answer counts: object stores
 * are slow by chance, seldom twice in a row. The others are aborted. How many such requests there
 * may be is bounded, so that a store that is slow altogether is not asked double.
 */
import { isStoreError, second } from "#base";
import type { Clock } from "#world";
import type { ObjectBody } from "./object-body.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from "./object-store.ts";

export interface HedgeOptions {
  /** Ask again after; with `percentile` not before. Loki's `at`. */
  readonly delayMs: number;
  /** In (0, 1): after the time that this share of the last gets took. Default: `delayMs` alone. */
  readonly percentile?: number | undefined;
  /** Requests for one get at a time, the first included. Loki's `up_to`; default 2. */
  readonly upTo?: number | undefined;
  /** Additional requests a second. Loki's `max_per_second`; default 5; 0: no bound. */
  readonly perSecondMax?: number | undefined;
  /** Hears of each additional request, and whether its answer was the first. */
  readonly onHedge?: ((hedge: { readonly won: boolean }) => void) | undefined;
}

/** Enough for a 99th percentile, few enough to follow the store's day. */
const samplesMax = 256;
/** Fewer tell nothing. */
const samplesMin = 20;
/** The percentile is reckoned again after so many gets. */
const samplesPerReckoning = 32;

export class HedgedObjectStore implements ObjectStore {
  readonly name: string;
  readonly #inner: ObjectStore;
  readonly #clock: Clock;
  readonly #options: HedgeOptions;
  readonly #upTo: number;
  readonly #perSecondMax: number;
  #tokens: number;
  #tokensAtMs: number;
  readonly #samplesMs = new Float64Array(samplesMax);
  #sampleCount = 0;
  #delayMs: number;

  constructor(inner: ObjectStore, options: HedgeOptions & { readonly clock: Clock }) {
    this.name = inner.name;
    this.#inner = inner;
    this.#clock = options.clock;
    this.#options = options;
    this.#upTo = options.upTo ?? 2;
    this.#perSecondMax = options.perSecondMax ?? 5;
    this.#tokens = this.#perSecondMax;
    this.#tokensAtMs = options.clock.monotonicMs();
    this.#delayMs = options.delayMs;
  }

  get(key: string, options?: GetOptions): Promise<Buffer> {
    if (this.#options.delayMs <= 0 || this.#upTo < 2) return this.#inner.get(key, options);
    return this.#race(key, options);
  }

  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    return this.#inner.put(key, body, options);
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#inner.delete(key, options);
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

  async #race(key: string, options: GetOptions | undefined): Promise<Buffer> {
    const signal = options?.signal;
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const running = new Set<AbortController>();
    const startMs = this.#clock.monotonicMs();
    let asked = 0;
    let cancelTimer = (): void => undefined;
    const ask = (): void => {
      const isHedge = asked++ > 0;
      const controller = new AbortController();
      running.add(controller);
      const answered = (won: boolean): void => {
        running.delete(controller);
        if (isHedge) this.#options.onHedge?.({ won });
      };
      this.#inner.get(key, { ...options, signal: controller.signal }).then(
        (body) => {
          answered(true);
          this.#learn(this.#clock.monotonicMs() - startMs);
          resolve(body);
        },
        (error: unknown) => {
          answered(false);
          // Another may still succeed, unless the store has spoken.
          if (running.size === 0 || !isStoreError(error, "unavailable")) reject(error);
        },
      );
      cancelTimer = asked < this.#upTo ? this.#clock.schedule(this.#delayMs, again) : cancelTimer;
    };
    const again = (): void => {
      if (running.size > 0 && this.#takeToken()) ask();
    };
    const onAbort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      ask();
      return await promise;
    } finally {
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
      for (const controller of running) controller.abort(signal?.reason);
    }
  }

  #takeToken(): boolean {
    if (this.#perSecondMax <= 0) return true;
    const nowMs = this.#clock.monotonicMs();
    const gained = ((nowMs - this.#tokensAtMs) / second) * this.#perSecondMax;
    this.#tokens = Math.min(Math.max(1, this.#perSecondMax), this.#tokens + gained);
    this.#tokensAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #learn(tookMs: number): void {
    const { percentile, delayMs } = this.#options;
    if (percentile === undefined) return;
    this.#samplesMs[this.#sampleCount++ % samplesMax] = tookMs;
    const count = Math.min(this.#sampleCount, samplesMax);
    if (count < samplesMin || this.#sampleCount % samplesPerReckoning !== 0) return;
    const sorted = this.#samplesMs.slice(0, count).sort();
    const at = Math.min(count - 1, Math.floor(count * percentile));
    this.#delayMs = Math.max(delayMs, sorted[at]!);
  }
}
