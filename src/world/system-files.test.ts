import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { isStoreError, type StoreErrorKind } from "#base";
import { compareBytes } from "./compare-bytes.ts";
import { dropBytes, systemFiles as files } from "./system-files.ts";

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "skald-files-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const rejectsWith = (promise: Promise<unknown>, kind: StoreErrorKind): Promise<void> =>
  assert.rejects(promise, (error) => isStoreError(error, kind) && error.message.includes("/"));

test("parts are written in order at the offset and read back", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "file");
  {
    await using file = await files.open(path, { create: true, exclusive: true });
    const parts = Array.from({ length: 3_000 }, (_, i) => Buffer.from([i & 0xff]));
    await file.write(parts, 2);
    await file.sync();
    assert.equal(await file.sizeBytes(), 3_002);
    assert.deepEqual(await file.read({ from: 2, to: 5 }), Buffer.from([0, 1, 2]));
    await file.truncate(10);
  }
  assert.deepEqual([...(await files.read(path))], [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual([...(await files.read(path, { from: 8, to: 99 }))], [6, 7]);
  assert.deepEqual([...(await files.read(path, { from: 50, to: 99 }))], []);
  await rejectsWith(files.open(path, { create: true, exclusive: true }), "unavailable");
});

test("a short write is continued where it stopped", () => {
  const parts = [Buffer.from("abc"), Buffer.from("de"), Buffer.from("f")];
  for (let skip = 0; skip <= 6; skip++) {
    assert.equal(Buffer.concat(dropBytes(parts, skip)).toString(), "abcdef".slice(skip));
  }
});

test("folders: made with parents, listed by bytes, removed only when empty", async (t) => {
  const folder = await temporaryFolder(t);
  await files.makeFolder(join(folder, "a/b"));
  await files.makeFolder(join(folder, "a/b"));
  for (const name of ["z", "B", "é"]) {
    await using _ = await files.open(join(folder, "a", name), { create: true, exclusive: false });
  }
  await files.syncFolder(join(folder, "a"));
  const names = (await files.list(join(folder, "a"))).map((info) => info.name);
  assert.deepEqual(names, ["B", "b", "z", "é"]);
  assert.equal(await files.removeFolder(join(folder, "a")), false);
  assert.equal(await files.removeFolder(join(folder, "a/b")), true);
  assert.equal(await files.removeFolder(join(folder, "a/b")), false);
  await files.rename(join(folder, "a/z"), join(folder, "a/B"));
  await files.remove(join(folder, "a/z"));
  assert.deepEqual((await files.list(join(folder, "a"))).length, 2);
  assert.ok((await files.freeBytes(folder)) > 0);
});

test("errors tell what to do and where", async (t) => {
  const folder = await temporaryFolder(t);
  await rejectsWith(files.read(join(folder, "none")), "missing");
  await rejectsWith(files.list(join(folder, "none")), "missing");
  await rejectsWith(files.stat(join(folder, "none")), "missing");
  await rejectsWith(files.read(folder), "missing");
  await rejectsWith(
    files.open(join(folder, "none/x"), { create: true, exclusive: false }),
    "missing",
  );
  await using full = await files.open("/dev/full", { create: false, exclusive: false });
  await rejectsWith(full.write([Buffer.from("x")], 0), "full");
});

const holder = `
const { systemFiles } = await import(process.argv[1]);
globalThis.lock = await systemFiles.lock(process.argv[2]);
console.log("held");
setInterval(() => {}, 1000);
`;

test("a lock excludes other processes and ends with a killed one", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "lock");
  const module = new URL("./system-files.ts", import.meta.url).href;
  const args = ["--input-type=module", "-e", holder, module, path];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  await rejectsWith(files.lock(path), "denied");
  child.kill("SIGKILL");
  await once(child, "exit");
  const lock = await files.lock(path);
  await rejectsWith(files.lock(path), "denied");
  // Closing another descriptor of the file would drop the kernel's lock.
  await rejectsWith(files.read(path), "denied");
  await rejectsWith(files.open(path, { create: false, exclusive: false }), "denied");
  await lock[Symbol.asyncDispose]();
  await using again = await files.lock(path);
  assert.ok(again);
});

test("names are ordered by their UTF-8 bytes", () => {
  const names = ["a", "a-b", "a/b", "é", "\uffee", "\u{1f600}", "\u{1f601}", ""];
  const byBytes = names.toSorted((l, r) => Buffer.compare(Buffer.from(l), Buffer.from(r)));
  assert.deepEqual(names.toSorted(compareBytes), byBytes);
});
