import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import fc from "fast-check";
import { isStoreError, KiB, MiB } from "#base";
import { type Files, ManualClock, seededRandom, SimulatedDisk, systemFiles } from "#world";
import { type DiskCache, type DiskCacheObserver, openDiskCache } from "./disk-cache.ts";
import { DiskCachedObjectStore } from "./disk-cached-object-store.ts";
import { MemoryObjectStore } from "./memory-object-store.ts";
import { objectStoreContract } from "./object-store.contract.ts";
import type { GetOptions } from "./object-store.ts";

const folder = "/data/object-cache";

/** Remembers what it was asked for. */
class Behind extends MemoryObjectStore {
  readonly gets: string[] = [];
  gate: Promise<void> | undefined;

  constructor() {
    super({ nowMs: () => 0 });
  }

  override async get(key: string, options?: GetOptions): Promise<Buffer> {
    const { from, to } = options?.range ?? {};
    this.gets.push(from === undefined ? key : `${key} ${from}-${to}`);
    await this.gate;
    return super.get(key, options);
  }
}

interface Counts {
  cachedBytes: number;
  fetchedBytes: number;
  evictedBytes: number;
  skippedBytes: number;
  readonly failures: unknown[];
}

interface Setting {
  readonly behind: Behind;
  readonly counts: Counts;
  cache: DiskCache;
  store: DiskCachedObjectStore;
  restart(files?: Files): Promise<void>;
}

async function setUp(files: Files, options: { bytesMax?: number; at?: string } = {}) {
  const counts: Counts = {
    cachedBytes: 0,
    fetchedBytes: 0,
    evictedBytes: 0,
    skippedBytes: 0,
    failures: [],
  };
  const observer: DiskCacheObserver = {
    got: (read) => {
      counts.cachedBytes += read.cachedBytes;
      counts.fetchedBytes += read.fetchedBytes;
    },
    written: () => undefined,
    evicted: (bytes) => {
      counts.evictedBytes += bytes;
    },
    skipped: (bytes) => {
      counts.skippedBytes += bytes;
    },
    failed: (error) => counts.failures.push(error),
  };
  const behind = new Behind();
  const clock = new ManualClock({ nowMs: 0 });
  const open = async (on: Files) => {
    const { bytesMax = 64 * MiB, at = folder } = options;
    const cache = await openDiskCache({
      files: on,
      clock,
      folder: at,
      bytesMax,
      freeBytesMin: 0,
      observer,
    });
    const isImmutable = (key: string): boolean => !key.startsWith("mutable");
    const store = new DiskCachedObjectStore(behind, { cache, place: "memory", isImmutable });
    return { cache, store };
  };
  const setting: Setting = {
    behind,
    counts,
    ...(await open(files)),
    restart: async (on = files) => {
      await setting.cache.close();
      Object.assign(setting, await open(on));
    },
  };
  return setting;
}

objectStoreContract("disk cache on the system's disk", async () => {
  const at = await mkdtemp(join(tmpdir(), "skald-cache-"));
  const { store, cache } = await setUp(systemFiles, { at });
  const close = async (): Promise<void> => {
    await cache.close();
    await rm(at, { recursive: true });
  };
  return { store, close };
});

const bytesOf = (size: number, seed = 1): Buffer => seededRandom(seed).bytes(size);

test("a second read is of the disk, also after a restart", async () => {
  const setting = await setUp(new SimulatedDisk());
  const { behind, counts } = setting;
  const body = bytesOf(300 * KiB + 5);
  await behind.put("a", body);
  const reads: (readonly [number, number])[] = [
    [70_000, 70_100],
    [65_536, 131_072],
    [130_000, 140_000],
    [body.length - 10, body.length + 100],
    [body.length + 5, body.length + 10],
  ];
  for (let round = 0; round < 3; round++) {
    for (const [from, to] of reads) {
      assert.deepEqual(
        await setting.store.get("a", { range: { from, to } }),
        body.subarray(from, to),
      );
      await setting.cache.settled();
    }
    const want = ["a 65536-131072", "a 131072-196608", "a 262144-327680"];
    assert.deepEqual(behind.gets, want);
    await setting.restart();
  }
  assert.deepEqual(await setting.store.get("a"), body);
  await setting.cache.settled();
  assert.deepEqual(await setting.store.get("a"), body);
  assert.equal(behind.gets.length, 4);
  assert.deepEqual(counts.failures, []);
  assert.ok(counts.cachedBytes > 3 * body.length - 300 * KiB);
});

test("whole objects of every odd size, the empty one too, are cached", async () => {
  const setting = await setUp(new SimulatedDisk());
  const sizes = [0, 1, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, 128 * KiB];
  for (const size of sizes) {
    const body = bytesOf(size);
    await setting.behind.put(`k${size}`, body);
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(await setting.store.get(`k${size}`), body);
      await setting.cache.settled();
    }
  }
  assert.equal(setting.behind.gets.length, sizes.length);
});

test("any reads give what the store behind has, over restarts and evictions", async () => {
  const read = fc.record({
    object: fc.nat(5),
    from: fc.nat(1_300_000),
    size: fc.nat(400_000),
    restarts: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(read, { maxLength: 30 }), async (reads) => {
      const setting = await setUp(new SimulatedDisk(), { bytesMax: 4 * MiB });
      const bodies = Array.from({ length: 6 }, (_, i) => bytesOf(i * 250_000, i));
      for (const [i, body] of bodies.entries()) await setting.behind.put(`o${i}`, body);
      for (const { object, from, size, restarts } of reads) {
        const range = { from, to: from + size };
        const got = await setting.store.get(`o${object}`, { range });
        assert.ok(got.equals(bodies[object]!.subarray(from, from + size)));
        if (size % 2 === 0) await setting.cache.settled();
        if (restarts) await setting.restart();
        assert.ok(setting.cache.sizeBytes <= 4 * MiB);
      }
      assert.deepEqual(setting.counts.failures, []);
      await setting.cache.close();
    }),
    { seed: 7, numRuns: 12 },
  );
});

test("what is read again stays, what was read once goes", async () => {
  const setting = await setUp(new SimulatedDisk(), { bytesMax: 8 * MiB });
  const { behind, store, cache } = setting;
  await behind.put("hot", bytesOf(100 * KiB));
  await store.get("hot");
  for (let i = 0; i < 100; i++) {
    await behind.put(`scan${i}`, bytesOf(200 * KiB, i));
    await store.get(`scan${i}`);
    await cache.settled();
    await store.get("hot");
  }
  assert.ok(setting.counts.evictedBytes > 10 * MiB, String(setting.counts.evictedBytes));
  assert.equal(behind.gets.filter((key) => key === "hot").length, 1);
  await store.get("scan0");
  assert.equal(behind.gets.filter((key) => key === "scan0").length, 2);
});

test("equal reads at the same time are one; an aborted one does not end the others", async () => {
  const { behind, store } = await setUp(new SimulatedDisk());
  await behind.put("a", bytesOf(1000));
  const gate = Promise.withResolvers<void>();
  behind.gate = gate.promise;
  const range = { from: 5, to: 10 };
  const controller = new AbortController();
  const aborted = store.get("a", { range, signal: controller.signal });
  const others = Array.from({ length: 5 }, () => store.get("a", { range }));
  controller.abort("stop");
  await assert.rejects(aborted, (reason) => reason === "stop");
  gate.resolve();
  for (const body of await Promise.all(others))
    assert.deepEqual(body, bytesOf(1000).subarray(5, 10));
  assert.deepEqual(behind.gets, ["a 0-65536"]);
});

test("what is missing, may change or is very large is always asked for", async () => {
  const { behind, store, cache } = await setUp(new SimulatedDisk());
  for (let round = 0; round < 2; round++) {
    await assert.rejects(store.get("none"), (error) => isStoreError(error, "missing"));
    await cache.settled();
  }
  await behind.put("mutable", bytesOf(10, 1));
  await store.get("mutable");
  await behind.put("mutable", bytesOf(10, 2));
  assert.deepEqual(await store.get("mutable"), bytesOf(10, 2));
  await behind.put("none", bytesOf(10));
  assert.deepEqual(await store.get("none"), bytesOf(10));
  await behind.put("large", Buffer.alloc(17 * MiB));
  for (let round = 0; round < 2; round++) {
    await store.get("large", { range: { from: 0, to: 17 * MiB } });
    await store.get("large");
    await cache.settled();
  }
  assert.equal(behind.gets.filter((get) => get.startsWith("large")).length, 4);
});

test("a put or delete is seen by later reads, whatever was under way, over a restart", async () => {
  const setting = await setUp(new SimulatedDisk());
  const { behind } = setting;
  for (let round = 0; round < 4; round++) {
    const gate = Promise.withResolvers<void>();
    behind.gate = round % 2 === 0 ? gate.promise : undefined;
    const early = setting.store.get("a").catch(() => undefined);
    await setting.store.put("a", bytesOf(2000, round));
    gate.resolve();
    await early;
    assert.deepEqual(await setting.store.get("a"), bytesOf(2000, round));
    await setting.restart();
    assert.deepEqual(await setting.store.get("a"), bytesOf(2000, round));
  }
  await setting.store.delete("a");
  await setting.restart();
  await assert.rejects(setting.store.get("a"), (error) => isStoreError(error, "missing"));
});

test("a file that is torn or bitten is a miss", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const disk = new SimulatedDisk();
    const setting = await setUp(disk);
    const bodies = Array.from({ length: 8 }, (_, i) => bytesOf(90_000, i));
    for (const [i, body] of bodies.entries()) {
      await setting.behind.put(`o${i}`, body);
      await setting.store.get(`o${i}`);
    }
    await setting.cache.close();
    const slab = (await disk.list(folder)).find(({ name }) => name.endsWith(".slab"))!;
    const path = join(folder, slab.name);
    const random = seededRandom(seed);
    const at = Math.floor(random.fraction() * slab.sizeBytes);
    const handle = await disk.open(path, { create: false, exclusive: false });
    if (seed % 2 === 0) await handle.truncate(at);
    else await handle.write([Buffer.from([seed])], at);
    await handle.close();
    await setting.restart();
    const { store } = setting;
    for (const [i, body] of bodies.entries()) assert.deepEqual(await store.get(`o${i}`), body);
  }
});

test("a disk that fails costs nothing but the cache", async () => {
  const disk = new SimulatedDisk();
  const broken = { ...bound(disk), freeBytes: () => Promise.reject(new Error("broken")) };
  const setting = await setUp(broken);
  await setting.behind.put("a", bytesOf(1000));
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await setting.store.get("a"), bytesOf(1000));
    await setting.cache.settled();
  }
  assert.equal(setting.counts.failures.length, 1);
  assert.equal(setting.counts.skippedBytes, 2000);
});

test("a disk that is nearly full is not filled", async () => {
  const disk = new SimulatedDisk();
  const tight = { ...bound(disk), freeBytes: async () => 1 * MiB };
  const setting = await setUp(tight);
  await setting.behind.put("a", bytesOf(1000));
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await setting.store.get("a"), bytesOf(1000));
    await setting.cache.settled();
  }
  assert.match(String(setting.counts.failures[0]), /too few to begin a cache/);
  assert.equal(setting.cache.sizeBytes, 0);
});

function bound(files: Files): Files {
  return {
    open: (path, options) => files.open(path, options),
    read: (path, range) => files.read(path, range),
    list: (path) => files.list(path),
    stat: (path) => files.stat(path),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    removeFolder: (path) => files.removeFolder(path),
    makeFolder: (path) => files.makeFolder(path),
    syncFolder: (path) => files.syncFolder(path),
    lock: (path) => files.lock(path),
    freeBytes: (path) => files.freeBytes(path),
  };
}
