import { StoreError, type StoreErrorKind } from "#base";
import type { Clock, Random } from "#world";
import type { ObjectBody } from "./object-body.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
} from "./object-store.ts";
import { ThrottledError } from "./throttled-error.ts";

export interface ObjectStoreFaults {
  /** Each call waits a random time up to this. Default 0. */
  readonly latencyMsMax?: number;
  /** Share of calls that never answer: they wait until they are aborted. Default 0. */
  readonly hangRate?: number;
  /** Share of calls that fail before they do anything. Default 0. */
  readonly errorRate?: number;
  /** How those fail. Default `unavailable`. */
  readonly errorKind?: StoreErrorKind;
  /** Share of calls answered with SlowDown, to come back after `retryAfterMs`. Default 0. */
  readonly throttleRate?: number;
  readonly retryAfterMs?: number;
  /** Share of puts and deletes that are done and then fail all the same. Default 0. */
  readonly lostAnswerRate?: number;
  /** Share of gets and listings whose answer breaks off in the middle: an error. Default 0. */
  readonly partialReadRate?: number;
  /**
   * Objects younger than this are left out of listings, and deleted ones still are in them for as
   * long, which the contract forbids. Default 0.
   */
  readonly listLagMs?: number;
  /** In these times of the wall clock every call fails with `unavailable`. */
  readonly outages?: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** A listing that breaks off does so after at most so many keys. */
const keysBeforeCutMax = 10;

interface Ghost {
  readonly info: ObjectInfo;
  readonly deletedMs: number;
}

/** A store that fails by chance as remote stores do; the same seed fails the same way. */
export class FaultyObjectStore implements ObjectStore {
  readonly name: string;
  /** May be replaced while in use, e.g. to end an outage. */
  faults: ObjectStoreFaults;
  readonly #inner: ObjectStore;
  readonly #clock: Clock;
  readonly #random: Random;
  /** Deleted objects that listings have not noticed yet. */
  readonly #ghosts = new Map<string, Ghost>();

  constructor(
    inner: ObjectStore,
    options: { clock: Clock; random: Random; faults: ObjectStoreFaults },
  ) {
    this.name = `faulty ${inner.name}`;
    this.faults = options.faults;
    this.#inner = inner;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    await this.#before(`get ${key}`, options);
    const body = await this.#inner.get(key, options);
    if (!this.#happens(this.faults.partialReadRate)) return body;
    const gotBytes = Math.floor(body.length * this.#random.fraction());
    const text = `injected cut of the connection after ${gotBytes} of ${body.length} bytes`;
    throw new StoreError("unavailable", `${this.name}: get ${key}: ${text}`);
  }

  async put(key: string, body: ObjectBody, options?: CallOptions): Promise<void> {
    await this.#before(`put ${key}`, options);
    // Who is told that it failed tries again with the same body.
    await this.#inner.put(key, body, { signal: options?.signal });
    this.#ghosts.delete(key);
    this.#after(`put ${key}`);
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    await this.#before(`delete ${key}`, options);
    const { listLagMs = 0 } = this.faults;
    const info = listLagMs > 0 ? await this.#inner.head(key, options) : undefined;
    await this.#inner.delete(key, options);
    if (info !== undefined) this.#ghosts.set(key, { info, deletedMs: this.#clock.nowMs() });
    this.#after(`delete ${key}`);
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    await this.#before(`list ${prefix}`, options);
    const { listLagMs = 0, partialReadRate } = this.faults;
    const newestMs = this.#clock.nowMs() - listLagMs;
    const cutAfter = this.#happens(partialReadRate)
      ? Math.floor(this.#random.fraction() * keysBeforeCutMax)
      : Number.POSITIVE_INFINITY;
    let count = 0;
    for await (const info of this.#withGhosts(prefix, options, listLagMs)) {
      if (listLagMs > 0 && info.modifiedMs > newestMs) continue;
      if (count++ >= cutAfter) break;
      yield info;
    }
    if (cutAfter === Number.POSITIVE_INFINITY) return;
    const text = `injected cut of the connection after at most ${cutAfter} keys`;
    throw new StoreError("unavailable", `${this.name}: list ${prefix}: ${text}`);
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    await this.#before(`head ${key}`, options);
    return this.#inner.head(key, options);
  }

  async listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    await this.#before(`list folders ${prefix}`, options);
    return this.#inner.listFolders(prefix, options);
  }

  async *#withGhosts(
    prefix: string,
    options: ListOptions | undefined,
    listLagMs: number,
  ): AsyncGenerator<ObjectInfo, void, undefined> {
    for (const [key, ghost] of this.#ghosts) {
      if (this.#clock.nowMs() - ghost.deletedMs >= listLagMs) this.#ghosts.delete(key);
    }
    const startAfter = options?.startAfter ?? "";
    const ghosts = [...this.#ghosts.values()]
      .map((ghost) => ghost.info)
      .filter(({ key }) => key.startsWith(prefix) && key > startAfter)
      .sort((left, right) => (left.key < right.key ? -1 : 1));
    for await (const info of this.#inner.list(prefix, options)) {
      while (ghosts.length > 0 && ghosts[0]!.key < info.key) yield ghosts.shift()!;
      if (ghosts[0]?.key === info.key) ghosts.shift();
      yield info;
    }
    yield* ghosts;
  }

  #happens(rate: number | undefined): boolean {
    return rate !== undefined && rate > 0 && this.#random.fraction() < rate;
  }

  async #before(what: string, options: CallOptions | undefined): Promise<void> {
    const { latencyMsMax = 0, errorRate, throttleRate, hangRate, retryAfterMs = 0 } = this.faults;
    options?.signal?.throwIfAborted();
    if (latencyMsMax > 0) {
      await this.#clock.sleep(this.#random.fraction() * latencyMsMax, options?.signal);
    }
    if (this.#happens(hangRate)) await untilAborted(options?.signal);
    const nowMs = this.#clock.nowMs();
    if (this.faults.outages?.some(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs)) {
      throw new StoreError("unavailable", `${this.name}: ${what}: injected outage`);
    }
    if (this.#happens(throttleRate)) {
      throw new ThrottledError(`${this.name}: ${what}: injected SlowDown`, retryAfterMs);
    }
    if (this.#happens(errorRate)) {
      const kind = this.faults.errorKind ?? "unavailable";
      throw new StoreError(kind, `${this.name}: ${what}: injected error`);
    }
  }

  #after(what: string): void {
    if (!this.#happens(this.faults.lostAnswerRate)) return;
    throw new StoreError("unavailable", `${this.name}: ${what}: injected loss of the answer`);
  }
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
