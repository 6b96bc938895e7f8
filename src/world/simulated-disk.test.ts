import assert from "node:assert/strict";
import test from "node:test";
import { isStoreError } from "#base";
import { type DiskFault, SimulatedDisk } from "./simulated-disk.ts";

const seeds = Array.from({ length: 60 }, (_, seed) => seed);

async function writeFile(
  disk: SimulatedDisk,
  path: string,
  options: { text: string; sync: boolean },
): Promise<void> {
  await using file = await disk.open(path, { create: true, exclusive: false });
  await file.write([Buffer.from(options.text)], 0);
  if (options.sync) await file.sync();
}

test("what was synced, file and folder, survives every crash", async () => {
  for (const seed of seeds) {
    const disk = new SimulatedDisk();
    await disk.makeFolder("/a/b");
    await disk.syncFolder("/");
    await disk.syncFolder("/a");
    await writeFile(disk, "/a/b/x", { text: "kept", sync: true });
    await disk.syncFolder("/a/b");
    disk.crash(seed);
    assert.equal((await disk.read("/a/b/x")).toString(), "kept", `seed ${seed}`);
  }
});

test("without the sync of the folder the name is sometimes lost", async () => {
  let lost = 0;
  for (const seed of seeds) {
    const disk = new SimulatedDisk();
    await writeFile(disk, "/x", { text: "kept", sync: true });
    disk.crash(seed);
    if ((await disk.list("/")).length === 0) lost++;
  }
  assert.ok(lost > 5 && lost < seeds.length - 5, `${lost} of ${seeds.length}`);
});

test("unsynced writes are kept, lost or torn at sectors", async () => {
  const outcomes = new Set<string>();
  for (const seed of seeds) {
    const disk = new SimulatedDisk();
    await writeFile(disk, "/x", { text: "", sync: true });
    await disk.syncFolder("/");
    await writeFile(disk, "/x", { text: "n".repeat(2048), sync: false });
    disk.crash(seed);
    const text = (await disk.read("/x")).toString();
    for (let from = 0; from < text.length; from += 512) {
      assert.match(text.slice(from, from + 512), /^(n*|\0*)$/);
    }
    outcomes.add(text === "" ? "lost" : text === "n".repeat(2048) ? "kept" : "torn");
  }
  assert.deepEqual([...outcomes].sort(), ["kept", "lost", "torn"]);
});

test("a rename is seen before or after, never half", async () => {
  for (const seed of seeds) {
    const disk = new SimulatedDisk();
    await writeFile(disk, "/old", { text: "old", sync: true });
    await writeFile(disk, "/new", { text: "new", sync: true });
    await disk.syncFolder("/");
    await disk.rename("/new", "/old");
    disk.crash(seed);
    const text = (await disk.read("/old")).toString();
    const hasNew = (await disk.list("/")).some((info) => info.name === "new");
    assert.ok(hasNew ? text === "old" : text === "new", `seed ${seed}: ${text}`);
  }
});

test("after a failed sync a later sync does not bring the pages back", async () => {
  let fault: DiskFault | undefined;
  let lost = 0;
  for (const seed of seeds) {
    const disk = new SimulatedDisk({ seed, faultOf: (op) => (op === "sync" ? fault : undefined) });
    await using file = await disk.open("/x", { create: true, exclusive: true });
    await disk.syncFolder("/");
    await file.write([Buffer.from("page")], 0);
    fault = "io";
    await assert.rejects(file.sync(), (error) => isStoreError(error, "unavailable"));
    fault = undefined;
    await file.sync();
    assert.equal((await file.read({ from: 0, to: 9 })).toString(), "page");
    disk.crash(seed);
    if ((await disk.read("/x")).toString() !== "page") lost++;
  }
  assert.ok(lost > 5, `${lost}`);
});

test("a full disk takes what fits; a short write leaves a part", async () => {
  const disk = new SimulatedDisk({ capacityBytes: 10 });
  await using file = await disk.open("/x", { create: true, exclusive: true });
  const writing = file.write([Buffer.from("0123456789ab")], 0);
  await assert.rejects(writing, (error) => isStoreError(error, "full"));
  assert.equal((await disk.read("/x")).toString(), "0123456789");
  assert.equal(await disk.freeBytes("/"), 0);
  const short = new SimulatedDisk({ faultOf: (op) => (op === "write" ? "short-io" : undefined) });
  await using half = await short.open("/y", { create: true, exclusive: true });
  await assert.rejects(half.write([Buffer.from("abcd")], 0), (error) =>
    isStoreError(error, "unavailable"),
  );
  assert.equal(await half.sizeBytes(), 2);
});

test("files opened before a crash reject, and its locks are gone", async () => {
  const disk = new SimulatedDisk();
  const file = await disk.open("/x", { create: true, exclusive: true });
  await disk.lock("/lock");
  await assert.rejects(disk.lock("/lock"), (error) => isStoreError(error, "denied"));
  disk.crash(1);
  await assert.rejects(file.write([Buffer.from("x")], 0), (error) =>
    isStoreError(error, "unavailable"),
  );
  await using lock = await disk.lock("/lock");
  assert.ok(lock);
});

test("what was removed for good does not come back with the rename that made it", async () => {
  for (const seed of seeds) {
    const disk = new SimulatedDisk();
    await disk.makeFolder("/a");
    await disk.makeFolder("/b");
    await disk.syncFolder("/");
    await writeFile(disk, "/a/x", { text: "x", sync: true });
    await disk.syncFolder("/a");
    await disk.rename("/a/x", "/b/x");
    await disk.remove("/b/x");
    await disk.syncFolder("/b");
    disk.crash(seed);
    assert.deepEqual(await disk.list("/b"), [], `seed ${seed}`);
  }
});
