import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { isStoreError } from "#base";
import { type Files, ManualClock, seededRandom, SimulatedDisk, systemFiles } from "#world";
import { openFilesystemObjectStore } from "./filesystem-object-store.ts";
import type { ObjectStore } from "./object-store.ts";
import { listed, objectStoreContract } from "./object-store.contract.ts";

const clock = new ManualClock({ nowMs: 3_600_000 });
const folder = "/data/objects";

function openOn(files: Files, at: string = folder): Promise<ObjectStore> {
  return openFilesystemObjectStore({ files, clock, random: seededRandom(1), folder: at });
}

objectStoreContract("filesystem on the system's disk", async () => {
  const temporary = await mkdtemp(join(tmpdir(), "skald-objects-"));
  const store = await openOn(systemFiles, join(temporary, "objects"));
  return { store, close: () => rm(temporary, { recursive: true }) };
});

objectStoreContract("filesystem on a simulated disk", async () => ({
  store: await openOn(new SimulatedDisk()),
  close: async () => undefined,
}));

test("large pieces of a spent body are given back, once it is stored", async () => {
  const disk = new SimulatedDisk();
  const store = await openOn(disk);
  const whole = (): Buffer => Buffer.allocUnsafeSlow(100_000).fill("x");
  const [kept, spent, shared] = [whole(), whole(), whole()];
  const small = Buffer.allocUnsafeSlow(100).fill("y");
  await store.put("kept", [kept]);
  await store.put("spent", [small, spent, shared.subarray(100)], { isBodySpent: true });
  assert.deepEqual(
    [kept, spent, shared, small].map(({ length }) => length),
    [100_000, 0, 100_000, 100],
  );
  assert.equal((await store.get("spent")).length, 100 + 100_000 + 99_900);
  const again = whole();
  await assert.rejects(store.put("spent/below", [again], { isBodySpent: true }));
  assert.equal(again.length, 100_000);
});

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a resolved put survives a crash whole; an unresolved one is whole or absent", async () => {
  for (let seed = 0; seed < 100; seed++) {
    const disk = new SimulatedDisk({ pause });
    await disk.makeFolder("/data");
    await disk.syncFolder("/");
    let store = await openOn(disk.asProcess());
    const resolved = new Set<string>();
    const random = seededRandom(seed);
    const puts = Array.from({ length: 12 }, async (_, i) => {
      const key = `t${i % 3}/day/${i}`;
      try {
        await store.put(key, Buffer.alloc(3_000, i + 1));
        if (i % 4 === 3) await store.delete(key);
        else resolved.add(key);
      } catch (error) {
        assert.ok(isStoreError(error), String(error));
      }
    });
    const ticks = Math.floor(random.fraction() * 60);
    for (let tick = 0; tick < ticks; tick++) await pause();
    disk.crash(seed);
    const mustBeThere = [...resolved];
    await Promise.all(puts);
    store = await openOn(disk);
    for (const key of mustBeThere) assert.ok(await store.head(key), `seed ${seed}: lost ${key}`);
    for await (const { key } of store.list("")) {
      const want = Buffer.alloc(3_000, Number(key.split("/")[2]) + 1);
      assert.deepEqual(await store.get(key), want, `seed ${seed}: torn ${key}`);
    }
  }
});

test("old temporary files are removed at open, young ones may be another process's", async () => {
  const disk = new SimulatedDisk({ nowMs: () => clock.nowMs() });
  await openOn(disk);
  const temporary = `${folder}/.skald-tmp`;
  await using _old = await disk.open(`${temporary}/old`, { create: true, exclusive: true });
  clock.advance(11 * 60_000);
  await using _young = await disk.open(`${temporary}/young`, { create: true, exclusive: true });
  const store = await openOn(disk);
  assert.deepEqual(
    (await disk.list(temporary)).map((info) => info.name),
    ["young"],
  );
  assert.deepEqual(await listed(store.list("")), []);
  assert.deepEqual(await store.listFolders(""), []);
  const isDenied = (error: unknown): boolean => isStoreError(error, "denied");
  await assert.rejects(store.get(".skald-tmp/young"), isDenied);
});

test("what a crash left young is removed by a put ten minutes later", async () => {
  const disk = new SimulatedDisk({ nowMs: () => clock.nowMs() });
  const temporary = `${folder}/.skald-tmp`;
  await openOn(disk);
  await using _left = await disk.open(`${temporary}/left`, { create: true, exclusive: true });
  const store = await openOn(disk);
  const left = async (): Promise<string[]> => (await disk.list(temporary)).map(({ name }) => name);
  await store.put("a", Buffer.from("x"));
  assert.deepEqual(await left(), ["left"]);
  clock.advance(11 * 60_000);
  await store.put("b", Buffer.from("y"));
  assert.deepEqual(await left(), []);
});

test("a key that is a folder of others, or below an object, is denied", async () => {
  const store = await openOn(new SimulatedDisk());
  await store.put("a/b", Buffer.from("x"));
  const isDenied = (error: unknown): boolean => isStoreError(error, "denied");
  await assert.rejects(store.put("a", Buffer.from("y")), isDenied);
  await assert.rejects(store.put("a/b/c", Buffer.from("y")), isDenied);
});

test("a full disk rejects with `full` and leaves nothing behind", async () => {
  const disk = new SimulatedDisk({ capacityBytes: 100 });
  const store = await openOn(disk);
  const putting = store.put("big", Buffer.alloc(200));
  await assert.rejects(putting, (error) => isStoreError(error, "full"));
  assert.equal(disk.usedBytes, 0);
  await store.put("small", Buffer.alloc(50));
});
