import { StoreError } from "#base";
import type { Clock, Random } from "#world";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
} from "./object-store.ts";

export interface ObjectStoreFaults {
  /** Each call waits a random time up to this. Default 0. */
  readonly latencyMsMax?: number;
  /** Share of calls that fail with `unavailable` before they do anything. Default 0. */
  readonly errorRate?: number;
  /** Share of puts and deletes that are done and then fail all the same. Default 0. */
  readonly lostAnswerRate?: number;
  /** Share of gets whose answer breaks off: resolved with fewer bytes than there are. Default 0. */
  readonly partialReadRate?: number;
  /** Objects younger than this are left out of listings, which the contract forbids. Default 0. */
  readonly listLagMs?: number;
}

/** A store that fails by chance as remote stores do; the same seed fails the same way. */
export class FaultyObjectStore implements ObjectStore {
  readonly name: string;
  /** May be replaced while in use, e.g. to end an outage. */
  faults: ObjectStoreFaults;
  readonly #inner: ObjectStore;
  readonly #clock: Clock;
  readonly #random: Random;

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
    return body.subarray(0, Math.floor(body.length * this.#random.fraction()));
  }

  async put(
    key: string,
    body: Uint8Array | readonly Uint8Array[],
    options?: CallOptions,
  ): Promise<void> {
    await this.#before(`put ${key}`, options);
    await this.#inner.put(key, body, options);
    this.#after(`put ${key}`);
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    await this.#before(`delete ${key}`, options);
    await this.#inner.delete(key, options);
    this.#after(`delete ${key}`);
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    await this.#before(`list ${prefix}`, options);
    const newestMs = this.#clock.nowMs() - (this.faults.listLagMs ?? 0);
    for await (const info of this.#inner.list(prefix, options)) {
      if (this.faults.listLagMs === undefined || info.modifiedMs <= newestMs) yield info;
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    await this.#before(`head ${key}`, options);
    return this.#inner.head(key, options);
  }

  async listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    await this.#before(`list folders ${prefix}`, options);
    return this.#inner.listFolders(prefix, options);
  }

  #happens(rate: number | undefined): boolean {
    return rate !== undefined && rate > 0 && this.#random.fraction() < rate;
  }

  async #before(what: string, options: CallOptions | undefined): Promise<void> {
    const { latencyMsMax = 0, errorRate } = this.faults;
    if (latencyMsMax > 0) {
      await this.#clock.sleep(this.#random.fraction() * latencyMsMax, options?.signal);
    }
    if (this.#happens(errorRate)) {
      throw new StoreError("unavailable", `${this.name}: ${what}: injected error`);
    }
  }

  #after(what: string): void {
    if (!this.#happens(this.faults.lostAnswerRate)) return;
    throw new StoreError("unavailable", `${this.name}: ${what}: injected loss of the answer`);
  }
}
