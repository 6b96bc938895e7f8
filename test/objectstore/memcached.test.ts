import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo, connect, type Server } from "node:net";
import test from "node:test";
import { KiB, MiB } from "#base";
import {
  type MemcachedCache,
  MemcachedObjectStore,
  type MemcachedOptions,
  MemoryObjectStore,
  openMemcached,
} from "#objectstore";
import { seededRandom, systemClock } from "#world";
import { need } from "../../scripts/debian-servers.ts";
import { objectStoreContract } from "../../src/objectstore/object-store.contract.ts";

const found = need(["memcached"]);
const skip = found.isThere ? {} : { skip: found.reason };

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

class Memcached implements AsyncDisposable {
  readonly address: string;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.address = `127.0.0.1:${port}`;
  }

  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

async function startMemcached(port?: number): Promise<Memcached> {
  const at = port ?? (await freePort());
  const args = ["-u", "nobody", "-l", "127.0.0.1", "-p", String(at), "-m", "64"];
  const child = spawn("memcached", args, { stdio: "ignore" });
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(at, "127.0.0.1");
    const isUp = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (isUp) return new Memcached(child, at);
    await systemClock.sleep(20);
  }
  throw new Error("memcached did not start");
}

interface Counts {
  hits: number;
  misses: number;
  failures: number;
}

function openOn(
  addresses: readonly string[],
  options: Partial<MemcachedOptions> = {},
): { cache: MemcachedCache; counts: Counts } {
  const counts = { hits: 0, misses: 0, failures: 0 };
  const cache = openMemcached({
    clock: systemClock,
    addresses,
    timeoutMs: 500,
    itemBytesMax: 0,
    expirySeconds: 0,
    failuresMax: 3,
    pauseMs: 60_000,
    observer: {
      got: ({ hits, misses }) => {
        counts.hits += hits;
        counts.misses += misses;
      },
      failed: () => {
        counts.failures++;
      },
    },
    ...options,
  });
  return { cache, counts };
}

class Behind extends MemoryObjectStore {
  count = 0;
  constructor() {
    super({ nowMs: () => 0 });
  }
  override get: MemoryObjectStore["get"] = async (key, options) => {
    this.count++;
    return super.get(key, options);
  };
}

const settled = (): Promise<void> => systemClock.sleep(50);

if (found.isThere) {
  objectStoreContract("memcached before objects that may change", async () => {
    const server = await startMemcached();
    const { cache } = openOn([server.address]);
    const isImmutable = (): boolean => false;
    const inner = new MemoryObjectStore({ nowMs: () => 0 });
    const store = new MemcachedObjectStore(inner, { cache, place: "x", isImmutable });
    const close = async (): Promise<void> => {
      cache.close();
      await server[Symbol.asyncDispose]();
    };
    return { store, close };
  });
}

test("processes share what one of them has read, ranges and whole objects", skip, async () => {
  await using first = await startMemcached();
  await using second = await startMemcached();
  const addresses = [first.address, second.address];
  const behind = new Behind();
  const body = seededRandom(1).bytes(MiB + 17);
  await behind.put("a", body);
  await behind.put("empty", Buffer.alloc(0));
  const opened = [0, 1].map(() => {
    const { cache, counts } = openOn(addresses);
    const options = { cache, place: "memory", isImmutable: () => true };
    return { store: new MemcachedObjectStore(behind, options), cache, counts };
  });
  const range = { from: 100 * KiB, to: 300 * KiB };
  for (const { store, counts, cache } of opened) {
    assert.deepEqual(await store.get("a", { range }), body.subarray(range.from, range.to));
    assert.deepEqual(await store.get("a"), body);
    assert.equal((await store.get("empty")).length, 0);
    await settled();
    const end = { from: MiB, to: 2 * MiB };
    assert.deepEqual(await store.get("a", { range: end }), body.subarray(MiB));
    await settled();
    assert.equal(counts.failures, 0);
    cache.close();
  }
  // The last read of the first asks for more: nobody knew yet that the object ends in that page.
  assert.ok(behind.count <= 4, String(behind.count));
  const other = openOn(addresses);
  const options = { cache: other.cache, place: "elsewhere", isImmutable: () => true };
  const elsewhere = new MemcachedObjectStore(new Behind(), options);
  await assert.rejects(elsewhere.get("a"), /no such object/);
  other.cache.close();
});

test("a silent server costs the time limit, and after some failures nothing", skip, async () => {
  await using server = await startMemcached();
  const { cache, counts } = openOn([server.address], { timeoutMs: 50, pauseMs: 300 });
  const behind = new Behind();
  await behind.put("a", Buffer.from("abc"));
  const store = new MemcachedObjectStore(behind, { cache, place: "x", isImmutable: () => true });
  await store.get("a");
  await settled();
  server.pause();
  for (let i = 0; i < 2; i++) {
    const startMs = systemClock.monotonicMs();
    assert.equal((await store.get("a", { range: { from: 0, to: 2 } })).toString(), "ab");
    const tookMs = systemClock.monotonicMs() - startMs;
    assert.ok(tookMs >= 45 && tookMs < 250, `${tookMs} ms`);
  }
  // Writes count, too.
  await systemClock.sleep(60);
  const failures = counts.failures;
  const startMs = systemClock.monotonicMs();
  for (let i = 0; i < 20; i++) await store.get("a", { range: { from: 0, to: 2 } });
  assert.ok(systemClock.monotonicMs() - startMs < 40);
  assert.equal(counts.failures, failures);
  server.resume();
  await systemClock.sleep(350);
  for (let i = 0; i < 3; i++) {
    await store.get("a", { range: { from: 0, to: 2 } });
    await settled();
  }
  assert.ok(counts.hits > 0);
  cache.close();
});

test("a server that is not there, or talks nonsense, fails no read", async () => {
  const nonsense: Server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () =>
      socket.write("HTTP/1.1 400 Bad Request\r\n\r\nthis is no memcached\r\n"),
    );
  });
  nonsense.listen(0, "127.0.0.1");
  await once(nonsense, "listening");
  const { port } = nonsense.address() as AddressInfo;
  const behind = new Behind();
  await behind.put("a", Buffer.from("abc"));
  for (const address of ["127.0.0.1:1", `127.0.0.1:${port}`]) {
    const { cache, counts } = openOn([address], { timeoutMs: 60 });
    const store = new MemcachedObjectStore(behind, { cache, place: "x", isImmutable: () => true });
    for (let i = 0; i < 5; i++) assert.equal((await store.get("a")).toString(), "abc");
    await settled();
    assert.ok(counts.failures > 0);
    cache.close();
  }
  nonsense.close();
});
