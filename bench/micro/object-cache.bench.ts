// CPU and latency of a 64 KiB ranged GET: from the cache on disk, the filesystem store, s3rver.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KiB, MiB } from "#base";
import {
  DiskCachedObjectStore,
  MemcachedObjectStore,
  type ObjectStore,
  openDiskCache,
  openFilesystemObjectStore,
  openMemcached,
  openS3ObjectStore,
} from "#objectstore";
import { seededRandom, systemClock, systemFiles } from "#world";
import { s3rverKeys, startS3rver } from "../../test/support/s3rver-server.ts";

const objectBytes = 16 * MiB;
const readBytes = 64 * KiB;
const reads = Number(process.argv[2] ?? 2000);
const atATime = 4;

async function measure(name: string, store: ObjectStore, isAligned: boolean): Promise<void> {
  const random = seededRandom(3);
  const tookMs: number[] = [];
  const cpuStart = process.cpuUsage();
  const startMs = performance.now();
  let left = reads;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const at = Math.floor(random.fraction() * (objectBytes - readBytes));
      const from = isAligned ? at - (at % readBytes) : at;
      const readStartMs = performance.now();
      const body = await store.get("v1/a", { range: { from, to: from + readBytes } });
      tookMs.push(performance.now() - readStartMs);
      if (body.length !== readBytes) throw new Error(`${name}: ${body.length} bytes`);
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  const cpu = process.cpuUsage(cpuStart);
  tookMs.sort((a, b) => a - b);
  const cpuUs = Math.round((cpu.user + cpu.system) / reads);
  const p = (share: number): string => tookMs[Math.floor(share * (reads - 1))]!.toFixed(3);
  const perSecond = Math.round((reads * 1000) / (performance.now() - startMs));
  console.log(
    `${name.padEnd(34)} ${perSecond}/s  p50 ${p(0.5)} ms  p99 ${p(0.99)} ms  CPU ${cpuUs} µs`,
  );
}

const folder = await mkdtemp(join(tmpdir(), "skald-bench-cache-"));
const body = seededRandom(1).bytes(objectBytes);
try {
  const clock = systemClock;
  const files = systemFiles;
  const local = await openFilesystemObjectStore({
    files,
    clock,
    random: seededRandom(2),
    folder: join(folder, "objects"),
  });
  await local.put("v1/a", body);
  const nothing = (): void => undefined;
  const observer = { got: nothing, written: nothing, evicted: nothing, skipped: nothing };
  const cache = await openDiskCache({
    files,
    clock,
    folder: join(folder, "cache"),
    bytesMax: 256 * MiB,
    observer: { ...observer, failed: (error) => console.error(error) },
  });
  const isImmutable = (): boolean => true;
  const cached = new DiskCachedObjectStore(local, { cache, place: "bench", isImmutable });
  await cached.get("v1/a");
  await cache.settled();
  for (let round = 0; round < 2; round++) {
    await measure("filesystem store", local, false);
    await measure("cache on disk, any offset", cached, false);
    await measure("cache on disk, one page", cached, true);
  }
  await cache.close();
  const address = process.env["MEMCACHED"];
  if (address !== undefined) {
    const memcached = openMemcached({
      clock,
      addresses: [address],
      timeoutMs: 1000,
      itemBytesMax: 0,
      expirySeconds: 0,
      failuresMax: 10,
      pauseMs: 1000,
      observer: { got: nothing, failed: (_, error) => console.error(error) },
    });
    const shared = new MemcachedObjectStore(local, { cache: memcached, place: "b", isImmutable });
    for (let at = 0; at < objectBytes; at += MiB) {
      await shared.get("v1/a", { range: { from: at, to: at + MiB } });
    }
    await measure("memcached, one page", shared, true);
    memcached.close();
  }
  await using server = await startS3rver(["logs"]);
  await server.fill("logs", [["v1/a", body]]);
  const s3 = await openS3ObjectStore({
    files,
    clock,
    buckets: ["logs"],
    endpoint: server.endpoint,
    forcePathStyle: true,
    keys: s3rverKeys,
  });
  await measure("s3rver (server in this process)", s3, false);
  s3.close();
} finally {
  await rm(folder, { recursive: true });
}
