import assert from "node:assert/strict";
import { test } from "node:test";
import { type DiskFault, SimulatedDisk } from "#world";
import { IndexFolder } from "./index-folder.ts";
import { LokiStore } from "./loki-store.ts";
import { openTestStore, readAll, writeStreams } from "./store-test-kit.ts";

const folder = "/cache";

function open(disk: SimulatedDisk, bytesMax = 1_000): IndexFolder {
  return new IndexFolder({ files: disk.asProcess(), folder, bytesMax });
}

test("what was put is there after a restart, what was forgotten is not", async () => {
  const disk = new SimulatedDisk();
  const first = open(disk);
  await first.put("a", Buffer.from("one"));
  await first.put("b", Buffer.from("two"));
  await first.forget("b");
  const again = open(disk);
  assert.equal((await again.get("a"))?.toString(), "one");
  assert.equal(await again.get("b"), undefined);
});

test("the folder keeps to its size: what was used least recently goes", async () => {
  const disk = new SimulatedDisk();
  const cache = open(disk);
  for (const key of ["a", "b", "c"]) await cache.put(key, Buffer.alloc(400));
  assert.equal(await cache.get("a"), undefined);
  assert.equal((await cache.get("b"))?.length, 400);
  await cache.put("d", Buffer.alloc(400));
  assert.equal(await cache.get("c"), undefined, "b was used after it");
  await cache.put("large", Buffer.alloc(1_001));
  assert.equal(await cache.get("large"), undefined);
  assert.equal((await disk.asProcess().list(folder)).length, 2);
});

test("a disk that fails, or lies, costs no answer", async () => {
  const faultOf = (): DiskFault => "io";
  const broken = open(new SimulatedDisk({ faultOf }));
  await broken.put("a", Buffer.from("one"));
  assert.equal(await broken.get("a"), undefined);

  const kit = openTestStore();
  const entries = [[1, "hello"]] as const;
  await writeStreams(kit, "one", [{ app: "web", entries }]);
  const disk = new SimulatedDisk();
  const files = disk.asProcess();
  const storeOver = (): LokiStore =>
    new LokiStore({
      periods: kit.periods,
      period: kit.store.period,
      clock: kit.clock,
      indexFolder: { files, folder, bytesMax: 1e6 },
    });
  const wanted = await readAll(storeOver(), "one");
  assert.equal(wanted.rows.length, 1);
  const [file] = await files.list(folder);
  assert.deepEqual(await readAll(storeOver(), "one"), wanted, "from the folder");
  disk.corrupt(`${folder}/${file!.name}`, 70);
  assert.deepEqual(await readAll(storeOver(), "one"), wanted, "fetched anew");
});
