import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "#base";
import { MemoryObjectStore } from "#objectstore";
import { ManualClock, SimulatedDisk } from "#world";
import { ChunkSweeper } from "./chunk-sweeper.ts";
import { KeyHolds } from "./key-holds.ts";
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

const delayMs = 60_000;

/** Stands for a process that dies: from the n-th put on nothing is put any more. */
class DiesAtPut extends MemoryObjectStore {
  putsLeft = Number.POSITIVE_INFINITY;

  override async put(...args: Parameters<MemoryObjectStore["put"]>): Promise<void> {
    if (this.putsLeft-- <= 0) throw new StoreError("unavailable", "injected");
    await super.put(...args);
  }
}

function streams(count: number): TestStream[] {
  return Array.from({ length: count }, (_, i) => ({
    app: `a${i}`,
    entries: [[i * 1000, `x${i}`]],
  }));
}

function sweeperOf(kit: TestStore): ChunkSweeper {
  const swept = (): void => undefined;
  return new ChunkSweeper({ ...kit, stores: [kit.store], deleteDelayMs: delayMs, swept });
}

async function chunksOf({ objects }: TestStore): Promise<string[]> {
  return (await keysOf(objects, "")).filter((key) => !key.startsWith("index/"));
}

test("chunks that a crash leaves without an index go after the delay, listed ones stay", async () => {
  const clock = new ManualClock({ nowMs: day0Ms });
  for (const putsLeft of [0, 1, 3, 5]) {
    const objects = new DiesAtPut({ nowMs: () => clock.nowMs() });
    const disk = new SimulatedDisk();
    const before = openTestStore({ objects, clock, disk: disk.asProcess() });
    await writeStreams(before, "t", streams(2));
    objects.putsLeft = putsLeft;
    await assert.rejects(writeStreams(before, "t", streams(5)), /injected/);
    disk.crash(putsLeft);

    objects.putsLeft = Number.POSITIVE_INFINITY;
    const kit = openTestStore({ objects, clock, disk: disk.asProcess() });
    const sweeper = sweeperOf(kit);
    const left = (await chunksOf(kit)).length;
    await sweeper.runOnce(noSignal);
    assert.equal((await chunksOf(kit)).length, left, "not before the delay");
    clock.advance(delayMs);
    await sweeper.runOnce(noSignal);
    assert.equal((await chunksOf(kit)).length, 2);
    const { rows, warnings } = await readAll(kit.store, "t");
    assert.deepEqual([rows.length, warnings], [2, []]);
    assert.deepEqual(await kit.marks.all(), []);
  }
});

test("a second try that made the same chunks keeps them, whatever the first one marked", async () => {
  const clock = new ManualClock({ nowMs: day0Ms });
  const objects = new DiesAtPut({ nowMs: () => clock.nowMs() });
  const kit = openTestStore({ objects, clock });
  objects.putsLeft = 4;
  await assert.rejects(writeStreams(kit, "t", streams(5)), /injected/);
  objects.putsLeft = Number.POSITIVE_INFINITY;
  await writeStreams(kit, "t", streams(5));
  clock.advance(delayMs);
  assert.equal((await kit.marks.all()).length, 1);
  await sweeperOf(kit).runOnce(noSignal);
  assert.equal((await readAll(kit.store, "t")).rows.length, 5);
  assert.deepEqual((await readAll(kit.store, "t")).warnings, []);
  assert.deepEqual(await kit.marks.all(), []);
});

test("what cannot be named durably is not put", async () => {
  const clock = new ManualClock({ nowMs: day0Ms });
  const disk = new SimulatedDisk({
    faultOf: (operation) => (operation === "sync" ? "io" : undefined),
  });
  const kit = openTestStore({ clock, disk });
  await assert.rejects(writeStreams(kit, "t", streams(5)));
  assert.deepEqual(await keysOf(kit.objects, ""), []);
});

test("a file of marks is no business of the sweep while its writer is at work", async () => {
  const clock = new ManualClock({ nowMs: day0Ms });
  const { marks } = openTestStore({ clock });
  {
    await using intent = marks.begin();
    await intent.add(["t/1/a:b:c"]);
    assert.deepEqual(await marks.all(), []);
  }
  assert.equal((await marks.all()).length, 1);
});

test("a key is written or deleted, never both at a time", async () => {
  const holds = new KeyHolds();
  const steps: string[] = [];
  await holds.hold("a");
  const { promise, resolve } = Promise.withResolvers<void>();
  const taking = holds.take(["a", "b"], async (free) => {
    steps.push(`takes ${free.join()}`);
    await promise;
  });
  const holding = holds.hold("b").then(() => steps.push("holds b"));
  await holds.hold("c");
  steps.push("frees b");
  resolve();
  await Promise.all([taking, holding]);
  assert.deepEqual(steps, ["takes b", "frees b", "holds b"]);
  holds.release("a");
  await holds.take(["a", "b"], (free) => Promise.resolve(void steps.push(`takes ${free.join()}`)));
  assert.equal(steps.at(-1), "takes a");
});
