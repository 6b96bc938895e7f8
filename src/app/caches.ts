/** What stands before remote object stores: a cache on the local disk, and memcached. */
import { resolveSrv } from "node:dns/promises";
import { messageOf, minute, StoreError } from "#base";
import type { Config, MemcachedConfig, ObjectCacheConfig } from "#config";
import { parseChunkKey } from "#lokichunk";
import {
  type DiskCache,
  DiskCachedObjectStore,
  type MemcachedCache,
  MemcachedObjectStore,
  type ObjectStore,
  openDiskCache,
  openMemcached,
} from "#objectstore";
import { parseSegmentKey } from "#segment";
import type { Logger, Metrics } from "#telemetry";
import type { World } from "./world.ts";

/** memcached's own port. */
const memcachedPort = 11211;
/** A cache that fails says so once in. */
const quietMs: number = 1 * minute;

export interface ObjectCaches {
  /** The same store behind the caches; `place` tells stores apart over restarts. */
  before(objects: ObjectStore, place: string): ObjectStore;
  close(): Promise<void>;
}

interface Parts {
  readonly config: Pick<Config, "objectCache" | "memcached" | "objectStores" | "schemaPeriods">;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Never rejects: a cache that cannot be had is said in the log and done without. */
export async function openObjectCaches(parts: Parts): Promise<ObjectCaches> {
  const { config } = parts;
  const isRemote = config.schemaPeriods.some(({ objectStore }) => {
    const kind = config.objectStores.byName.get(objectStore)?.kind;
    return kind === "s3" || kind === "gcs" || kind === "azure";
  });
  const disk = isRemote ? await openDisk(config.objectCache, parts) : undefined;
  const memcached = isRemote ? await openShared(config.memcached, parts) : undefined;
  return {
    before: (objects, place) => {
      let cached = objects;
      if (memcached !== undefined) {
        cached = new MemcachedObjectStore(cached, { cache: memcached, place, isImmutable });
      }
      if (disk !== undefined) {
        cached = new DiskCachedObjectStore(cached, { cache: disk, place, isImmutable });
      }
      return cached;
    },
    close: async () => {
      memcached?.close();
      await disk?.close();
    },
  };
}

/**
 * Segments and chunks have an id or a checksum in their key. Records, rules, marks and requests for
 * deletion change; index files of Loki have a folder of their own.
 */
export function isImmutable(key: string): boolean {
  return isSegment(key) || parseChunkKey(key) !== undefined;
}

function isSegment(key: string): boolean {
  if (!key.startsWith("v1/")) return false;
  try {
    parseSegmentKey(key);
    return true;
  } catch (error) {
    if (error instanceof StoreError) return false;
    throw error;
  }
}

/** Calls `say` at most once in a while. */
function quietly(world: World, say: (reason: string) => void): (error: unknown) => void {
  let nextMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    const nowMs = world.clock.monotonicMs();
    if (nowMs < nextMs) return;
    nextMs = nowMs + quietMs;
    say(messageOf(error));
  };
}

async function openDisk(
  { folder, bytesMax }: ObjectCacheConfig,
  { world, log, metrics }: Parts,
): Promise<DiskCache | undefined> {
  if (bytesMax === 0) return undefined;
  const read = metrics.counter(
    "skald_object_cache_read_bytes_total",
    "Bytes of cacheable reads, by where they came from: the disk, or the store behind.",
    ["from"],
  );
  const written = metrics.counter("skald_object_cache_written_bytes_total", "Bytes kept on disk.");
  const evicted = metrics.counter(
    "skald_object_cache_evicted_bytes_total",
    "Bytes removed from the disk to make room.",
  );
  const skipped = metrics.counter(
    "skald_object_cache_skipped_bytes_total",
    "Bytes not kept, because too much was waiting or the disk failed.",
  );
  const failures = metrics.counter(
    "skald_object_cache_failures_total",
    "Failures of the cache's disk; reads go on from the store behind.",
  );
  const say = quietly(world, (reason) => log.warn("the cache of objects fails", { reason }));
  const observer = {
    got: ({ cachedBytes, fetchedBytes }: { cachedBytes: number; fetchedBytes: number }): void => {
      if (cachedBytes > 0) read.inc({ from: "disk" }, cachedBytes);
      if (fetchedBytes > 0) read.inc({ from: "store" }, fetchedBytes);
    },
    written: (bytes: number): void => written.inc(bytes),
    evicted: (bytes: number): void => evicted.inc(bytes),
    skipped: (bytes: number): void => skipped.inc(bytes),
    failed: (error: unknown): void => {
      failures.inc();
      say(error);
    },
  };
  try {
    const { files, clock } = world;
    const cache = await openDiskCache({ files, clock, folder, bytesMax, observer });
    log.info("objects are cached on disk", { folder, bytesMax, usedBytes: cache.sizeBytes });
    return cache;
  } catch (error) {
    log.warn("there is no cache of objects", { folder, reason: messageOf(error) });
    return undefined;
  }
}

async function openShared(
  config: MemcachedConfig | undefined,
  { world, log, metrics }: Parts,
): Promise<MemcachedCache | undefined> {
  if (config === undefined) return undefined;
  const values = metrics.counter(
    "skald_memcached_values_total",
    "Values asked of memcached, by whether it had them.",
    ["result"],
  );
  const failures = metrics.counter(
    "skald_memcached_failures_total",
    "Requests that memcached did not answer in time.",
    ["server"],
  );
  const say = quietly(world, (reason) => log.warn("memcached does not answer", { reason }));
  try {
    const addresses = await addressesOf(config);
    log.info("objects are cached in memcached", { servers: addresses.join(",") });
    return openMemcached({
      clock: world.clock,
      addresses,
      timeoutMs: config.timeoutMs,
      itemBytesMax: config.itemBytesMax,
      expirySeconds: Math.ceil(config.expirationMs / 1000),
      failuresMax: config.failuresMax === 0 ? Number.POSITIVE_INFINITY : config.failuresMax,
      pauseMs: config.pauseMs,
      observer: {
        got: ({ hits, misses }) => {
          if (hits > 0) values.inc({ result: "hit" }, hits);
          if (misses > 0) values.inc({ result: "miss" }, misses);
        },
        failed: (server, error) => {
          failures.inc({ server });
          say(error);
        },
      },
    });
  } catch (error) {
    log.warn("there is no memcached", { reason: messageOf(error) });
    return undefined;
  }
}

/** Names of services are looked up once, at the start. */
async function addressesOf({ addresses, host, service }: MemcachedConfig): Promise<string[]> {
  if (addresses.length === 0) {
    const found = await resolveSrv(`_${service}._tcp.${host}`).catch(() => []);
    if (found.length === 0) return [withPort(host)];
    return found.map(({ name, port }) => `${name}:${port}`).sort();
  }
  const all = await Promise.all(
    addresses.map(async (address) => {
      const name = /^dnssrv(?:noa)?\+(.+)$/.exec(address)?.[1];
      if (name === undefined) return [withPort(address.replace(/^dns\+/, ""))];
      const found = await resolveSrv(name.replace(/:\d+$/, ""));
      return found.map((server) => `${server.name}:${server.port}`).sort();
    }),
  );
  return all.flat();
}

function withPort(address: string): string {
  return /:\d+$/.test(address) ? address : `${address}:${memcachedPort}`;
}
