/**
 * A cache that processes share: memcached servers, each responsible for its share of keys (by
 * rendezvous hashing, so that another server takes keys from all alike). It may be slow, dead or
 * full of others' data: a read waits for the time limit at most, a server that fails is left alone
 * for a while, and values that are not ours are misses.
 */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { crc32 } from "node:zlib";
import { countRefused, MiB, watchQueue, type QueueFigures } from "#base";
import type { Clock } from "#world";

/** What waits to be written; more is not kept. */
const waitingBytesMax: number = 16 * MiB;
/** Before a value: CRC-32 of key and value. */
const checksumBytes = 4;
/** Items of thirty days and more would be taken for dates. */
const expirySecondsMax: number = 30 * 24 * 3600 - 1;

export interface MemcachedObserver {
  /** One request for several values; `failed` when the server did not answer in time. */
  got(read: { readonly hits: number; readonly misses: number; readonly bytes: number }): void;
  failed(server: string, error: unknown): void;
}

export interface MemcachedOptions {
  readonly clock: Clock;
  /** `host:port` of each server; at least one. */
  readonly addresses: readonly string[];
  /** A read waits so long for the cache at most. */
  readonly timeoutMs: number;
  /** Servers refuse larger ones; 0: what they take by default, 1 MiB. */
  readonly itemBytesMax: number;
  /** 0: until the server needs the room. */
  readonly expirySeconds: number;
  /** So many failures after each other, and the server is not asked for `pauseMs`. */
  readonly failuresMax: number;
  readonly pauseMs: number;
  readonly observer: MemcachedObserver;
}

/** What is used of the package, which has no types. */
interface Client {
  get(key: string): Promise<{ value: Buffer | null }>;
  set(key: string, value: Buffer, options: { expires: number }): Promise<boolean>;
  close(): void;
}
interface Memjs {
  readonly Client: { create(servers: string, options: object): Client };
}

class Server {
  readonly address: string;
  readonly #open: () => Client;
  #client: Client | undefined;
  failures: number = 0;
  pausedUntilMs: number = Number.NEGATIVE_INFINITY;

  constructor(address: string, open: () => Client) {
    this.address = address;
    this.#open = open;
  }

  get client(): Client {
    this.#client ??= this.#open();
    return this.#client;
  }

  /** After a failure the connection is in an unknown state, and is not used again. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

/** Loads the client; connections are made with the first read. */
export function openMemcached(options: MemcachedOptions): MemcachedCache {
  const memjs = createRequire(import.meta.url)("memjs") as Memjs;
  const seconds = options.timeoutMs / 1000;
  const servers = options.addresses.map(
    (address) =>
      new Server(address, () =>
        memjs.Client.create(address, {
          timeout: seconds,
          conntimeout: seconds,
          keepAlive: true,
          retries: 1,
          failoverTime: 0,
          logger: { log: () => undefined },
        }),
      ),
  );
  return new MemcachedCache(options, servers);
}

export class MemcachedCache {
  readonly #options: MemcachedOptions;
  readonly #servers: readonly Server[];
  readonly #itemBytesMax: number;
  #waitingBytes = 0;
  #waitingCount = 0;

  constructor(options: MemcachedOptions, servers: readonly Server[]) {
    this.#options = options;
    this.#servers = servers;
    this.#itemBytesMax = options.itemBytesMax || 1 * MiB - 1024;
    watchQueue("memcached_writes", this, (one) => one.#waitingFigures);
  }

  get #waitingFigures(): QueueFigures {
    return { length: this.#waitingCount, bytes: this.#waitingBytes };
  }

  /** Values in the order of `names`. Never rejects; takes `timeoutMs` at most. */
  async get(names: readonly string[]): Promise<(Buffer | undefined)[]> {
    const found: (Buffer | undefined)[] = names.map(() => undefined);
    const byServer = new Map<Server, number[]>();
    const keys = names.map(keyOf);
    for (const [at, key] of keys.entries()) {
      const server = this.#serverOf(key);
      const asked = byServer.get(server);
      if (asked === undefined) byServer.set(server, [at]);
      else asked.push(at);
    }
    const reads = [...byServer].map(async ([server, asked]) => {
      if (this.#isPaused(server)) return;
      try {
        const reading = Promise.all(asked.map((at) => server.client.get(keys[at]!)));
        const values = await this.#inTime(reading);
        for (const [i, at] of asked.entries()) found[at] = checked(keys[at]!, values[i]!.value);
        server.failures = 0;
      } catch (error) {
        this.#fail(server, error);
      }
    });
    await Promise.all(reads);
    const hits = found.filter((value) => value !== undefined);
    const bytes = hits.reduce((sum, { length }) => sum + length, 0);
    const misses = found.length - hits.length;
    this.#options.observer.got({ hits: hits.length, misses, bytes });
    return found;
  }

  /** In the background; what is too large or too much is not kept. */
  set(name: string, value: Uint8Array): void {
    const key = keyOf(name);
    const server = this.#serverOf(key);
    const bytes = value.length + checksumBytes;
    const isTooMuch = this.#waitingBytes + bytes > waitingBytesMax || bytes > this.#itemBytesMax;
    if (isTooMuch) countRefused("memcached_writes");
    if (isTooMuch || this.#isPaused(server)) return;
    const item = Buffer.allocUnsafeSlow(bytes);
    item.writeUInt32LE(checksumOf(key, value), 0);
    item.set(value, checksumBytes);
    this.#waitingBytes += bytes;
    this.#waitingCount++;
    const expires = Math.min(this.#options.expirySeconds, expirySecondsMax);
    void this.#inTime(server.client.set(key, item, { expires }))
      .catch((error: unknown) => this.#fail(server, error))
      .finally(() => {
        this.#waitingBytes -= bytes;
        this.#waitingCount--;
      });
  }

  /** Whether any server would be asked now. */
  get isUp(): boolean {
    return this.#servers.some((server) => !this.#isPaused(server));
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }

  #isPaused(server: Server): boolean {
    return this.#options.clock.monotonicMs() < server.pausedUntilMs;
  }

  #serverOf(key: string): Server {
    let best = this.#servers[0]!;
    if (this.#servers.length === 1) return best;
    let bestWeight = -1;
    for (const server of this.#servers) {
      const weight = crc32(key, crc32(server.address));
      if (weight > bestWeight) {
        best = server;
        bestWeight = weight;
      }
    }
    return best;
  }

  #fail(server: Server, error: unknown): void {
    server.close();
    server.failures++;
    this.#options.observer.failed(server.address, error);
    if (server.failures < this.#options.failuresMax) return;
    server.failures = 0;
    server.pausedUntilMs = this.#options.clock.monotonicMs() + this.#options.pauseMs;
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const { clock, timeoutMs } = this.#options;
    const cancel = clock.schedule(timeoutMs, () =>
      reject(new Error(`no answer in ${timeoutMs} ms`)),
    );
    work.catch(() => undefined);
    try {
      return await Promise.race([work, promise]);
    } finally {
      cancel();
    }
  }
}

/** Keys of memcached are short and printable. */
function keyOf(name: string): string {
  return `skald1:${createHash("sha256").update(name).digest("base64url")}`;
}

function checksumOf(key: string, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

function checked(key: string, item: Buffer | null): Buffer | undefined {
  if (item === null || item.length < checksumBytes) return undefined;
  const value = item.subarray(checksumBytes);
  return checksumOf(key, value) === item.readUInt32LE(0) ? value : undefined;
}
