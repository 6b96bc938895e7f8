import assert from "node:assert/strict";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { messageOf, StoreError } from "#base";
import { gunzipIndex, verifyIndex, withTenantLabel, writeIndex } from "#lokiindex";
import { MemoryObjectStore, type ObjectStore } from "#objectstore";
import type { Block } from "#storage";
import { ManualClock, nextTurn, SimulatedDisk } from "#world";
import { LokiCompactor } from "./loki-compactor.ts";
import type { LokiVerdict } from "./rewrite-tenant.ts";
import {
  day0Ms,
  keysOf,
  noSignal,
  openTestStore,
  readAll,
  type TestStore,
  type TestStream,
  writeStreams,
} from "./store-test-kit.ts";

const table = "index_20089";
const delayMs = 7_200_000;

interface CompactorKit extends TestStore {
  readonly compactor: LokiCompactor;
  readonly failures: string[];
}

function openCompactor(
  objects: ObjectStore,
  clock: ManualClock,
  disk: SimulatedDisk,
): CompactorKit {
  const kit = openTestStore({ objects, clock, disk: disk.asProcess() });
  const failures: string[] = [];
  const compactor = new LokiCompactor({
    periods: kit.periods,
    stores: [kit.store],
    clock,
    events: {
      merged: () => undefined,
      swept: () => undefined,
      failed: (error, where) => failures.push(`${where}: ${messageOf(error)}`),
    },
    checkIntervalMs: 60_000,
    marks: kit.marks,
    deleteDelayMs: delayMs,
  });
  return { ...kit, compactor, failures };
}

function lines(app: string, count: number, fromMs = 0): TestStream {
  const entries = Array.from(
    { length: count },
    (_, i) => [fromMs + i * 1000, `${app} ${fromMs} ${i}`] as const,
  );
  return { app, entries };
}

/** Fails the n-th put or delete from now on, before or after it was done. */
class FailsOnce extends MemoryObjectStore {
  callsLeft = Number.POSITIVE_INFINITY;
  isDone = false;

  override async put(...args: Parameters<MemoryObjectStore["put"]>): Promise<void> {
    await this.#call(() => super.put(...args));
  }

  override async delete(...args: Parameters<MemoryObjectStore["delete"]>): Promise<void> {
    await this.#call(() => super.delete(...args));
  }

  async #call(task: () => Promise<void>): Promise<void> {
    if (--this.callsLeft > 0) return task();
    if (this.callsLeft === 0 && this.isDone) await task();
    // The process is taken to be dead: nothing works any more.
    throw new StoreError("unavailable", "injected");
  }
}

/** Three files of one tenant, two of another, one that both share with an ingester's file. */
async function fill(kit: TestStore): Promise<void> {
  for (let i = 0; i < 3; i++) await writeStreams(kit, "one", [lines("web", 20, i * 7_000)]);
  for (let i = 0; i < 2; i++) await writeStreams(kit, "two", [lines("web", 10, i * 100_000)]);
  const own = await keysOf(kit.objects, `index/${table}/two/`);
  const index = await kit.store.openIndex(
    (await kit.store.filesOf((await kit.store.tables())[0]!, { isFresh: true })).find(
      ({ key }) => key === own[0],
    )!,
  );
  const shared = [...index.seriesChunks({ matchers: [], tenant: undefined })].map((series) => ({
    ...series,
    labels: withTenantLabel(series.labels, "two"),
  }));
  const built = await writeIndex(shared, { version: 3, nextTurn });
  const bytes = await promisify(gzip)(built!.bytes);
  await kit.objects.put(`index/${table}/1735700000-host-1.tsdb.gz`, bytes);
  await kit.objects.delete(own[0]!);
  kit.store.refresh();
}

test("files of a quiet table become one per tenant; entries stay", async () => {
  const clock = new ManualClock({ nowMs: day0Ms });
  const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const kit = openCompactor(objects, clock, new SimulatedDisk());
  await fill(kit);
  const before = [await readAll(kit.store, "one"), await readAll(kit.store, "two")];
  await kit.compactor.runOnce(noSignal);
  assert.equal((await keysOf(objects, "index/")).length, 5, "changed a moment ago");
  clock.advance(600_000);
  await kit.compactor.runOnce(noSignal);
  const keys = await keysOf(objects, "index/");
  assert.deepEqual(
    keys.map((key) => key.split("/").slice(0, 3).join("/")),
    [`index/${table}/one`, `index/${table}/two`],
  );
  for (const key of keys) {
    const stored = await objects.get(key);
    const bytes = await gunzipIndex(key, stored, { isGzip: true, bytesMax: 1e9 });
    assert.deepEqual(verifyIndex(key, bytes, { kind: "one" }), []);
  }
  const after = [await readAll(kit.store, "one"), await readAll(kit.store, "two")];
  assert.deepEqual(after, before);
  const written = kit.compactor.status().writtenFiles;
  await kit.compactor.runOnce(noSignal);
  assert.equal(kit.compactor.status().writtenFiles, written, "nothing is left to merge");
  assert.deepEqual(kit.failures, []);
});

test("a crash at any put or delete loses nothing, and the next round finishes", async () => {
  for (const isDone of [false, true]) {
    for (let call = 1; call <= 7; call++) {
      const clock = new ManualClock({ nowMs: day0Ms });
      const objects = new FailsOnce({ nowMs: () => clock.nowMs() });
      objects.isDone = isDone;
      const first = openCompactor(objects, clock, new SimulatedDisk());
      await fill(first);
      const [one, two] = [await readAll(first.store, "one"), await readAll(first.store, "two")];
      clock.advance(600_000);
      objects.callsLeft = call;
      await first.compactor.runOnce(noSignal);
      objects.callsLeft = Number.POSITIVE_INFINITY;
      const again = openCompactor(objects, clock, new SimulatedDisk());
      const note = `call ${call}, ${isDone ? "done" : "not done"}`;
      assert.deepEqual(await readAll(again.store, "one"), one, note);
      assert.deepEqual(await readAll(again.store, "two"), two, note);
      clock.advance(600_000);
      await again.compactor.runOnce(noSignal);
      assert.deepEqual(again.failures, []);
      assert.equal((await keysOf(objects, "index/")).length, 2, note);
      assert.deepEqual(await readAll(again.store, "one"), one, note);
      assert.deepEqual(await readAll(again.store, "two"), two, note);
    }
  }
});

const keepOdd = (block: Block): Uint8Array =>
  Uint8Array.from(
    { length: block.rowCount },
    (_, row) => Number(block.lines!.text(row).at(-1)!) % 2,
  );

function verdictOf({ maxMs }: { maxMs: number }): LokiVerdict {
  if (maxMs < day0Ms + 20_000) return "drop";
  return maxMs < day0Ms + 30_000 ? { keepRows: keepOdd } : "keep";
}

test("chunks are dropped and rewritten at once, their objects go after the delay", async () => {
  const clock = new ManualClock({ nowMs: day0Ms });
  const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const disk = new SimulatedDisk();
  const kit = openCompactor(objects, clock, disk);
  await fill(kit);
  const before = await readAll(kit.store, "one");
  const chunksBefore = await keysOf(objects, "one/");
  const result = await kit.compactor.rewrite({ tenant: "one", table }, verdictOf, noSignal);
  assert.deepEqual(result, {
    droppedChunks: 1,
    rewrittenChunks: 1,
    removedEntries: 10,
    isUnchanged: false,
  });
  const left = before.rows.filter((row) => {
    const [, , from = "", number = ""] = row.split(" ").slice(1);
    if (from === "0") return false;
    return from !== "7000" || Number(number) % 2 === 1;
  });
  assert.deepEqual((await readAll(kit.store, "one")).rows, left);
  assert.equal((await keysOf(objects, "one/")).length, chunksBefore.length + 1);
  const again = await kit.compactor.rewrite({ tenant: "one", table }, () => "keep", noSignal);
  assert.equal(again.isUnchanged, true);

  disk.crash(1);
  const later = openCompactor(objects, clock, disk);
  clock.advance(delayMs + 1);
  await later.compactor.runOnce(noSignal);
  assert.deepEqual(later.failures, []);
  assert.equal((await keysOf(objects, "one/")).length, chunksBefore.length - 1);
  assert.deepEqual((await readAll(later.store, "one")).rows, left);
  assert.deepEqual((await readAll(later.store, "two")).warnings, []);
});

test("a table whose last chunk goes has no file of the tenant left", async () => {
  const clock = new ManualClock({ nowMs: day0Ms });
  const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const kit = openCompactor(objects, clock, new SimulatedDisk());
  await fill(kit);
  await kit.compactor.rewrite({ tenant: "two", table }, () => "drop", noSignal);
  assert.deepEqual(await keysOf(objects, `index/${table}/two/`), []);
  assert.deepEqual(await kit.store.tenants(), ["one"]);
  clock.advance(delayMs + 1);
  await kit.compactor.runOnce(noSignal);
  assert.deepEqual(await keysOf(objects, "two/"), []);
  await assert.rejects(
    kit.compactor.rewrite({ tenant: "one", table: "index_1" }, () => "drop", noSignal),
    /no index table/,
  );
});

test("a crash at any point of a rewrite keeps what stays, and no object for ever", async () => {
  for (let call = 1; call <= 10; call++) {
    const isDone = call % 2 === 0;
    const clock = new ManualClock({ nowMs: day0Ms });
    const objects = new FailsOnce({ nowMs: () => clock.nowMs() });
    objects.isDone = isDone;
    const disk = new SimulatedDisk();
    const first = openCompactor(objects, clock, disk);
    await fill(first);
    objects.callsLeft = call;
    const rewriting = first.compactor.rewrite({ tenant: "one", table }, verdictOf, noSignal);
    await rewriting.catch(() => undefined);
    objects.callsLeft = Number.POSITIVE_INFINITY;
    disk.crash(call);
    const again = openCompactor(objects, clock, disk);
    await again.compactor.rewrite({ tenant: "one", table }, verdictOf, noSignal);
    const { rows, warnings } = await readAll(again.store, "one");
    const note = `call ${call}, ${isDone ? "done" : "not done"}`;
    assert.deepEqual(warnings, [], note);
    assert.equal(rows.length, 30, note);
    clock.advance(delayMs + 600_000);
    await again.compactor.runOnce(noSignal);
    assert.deepEqual(again.failures, [], note);
    const after = await readAll(again.store, "one");
    assert.deepEqual(after, { ...after, rows, warnings: [] }, note);
    assert.equal((await keysOf(objects, "one/")).length, after.blockCount, note);
  }
});

test("a damaged file is told and left, the others are merged; a rewrite refuses", async () => {
  const clock = new ManualClock({ nowMs: day0Ms });
  const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const kit = openCompactor(objects, clock, new SimulatedDisk());
  await fill(kit);
  const damaged = `index/${table}/1735700001-host-2.tsdb.gz`;
  await objects.put(damaged, Buffer.from("no index"));
  kit.store.refresh();
  clock.advance(600_000);
  const before = await readAll(kit.store, "one");
  await kit.compactor.runOnce(noSignal);
  assert.match(kit.failures.join(), /index_20089.*1735700001-host-2/);
  assert.equal((await keysOf(objects, "index/")).length, 3);
  assert.deepEqual((await readAll(kit.store, "one")).rows, before.rows);
  await assert.rejects(
    kit.compactor.rewrite({ tenant: "one", table }, () => "drop", noSignal),
    /damaged index file/,
  );
  assert.deepEqual((await readAll(kit.store, "one")).rows, before.rows);
});
