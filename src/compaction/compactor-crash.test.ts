/**
 * The power goes at every step of merging and deleting, on a simulated disk. A failing run names its step and seed; run it
 * alone by setting `onlyStep`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { minute } from "#base";
import {
  FaultyObjectStore,
  MemoryObjectStore,
  type ObjectStore,
  openFilesystemObjectStore,
} from "#objectstore";
import { SegmentStore } from "#segment";
import { type DiskOperation, ManualClock, seededRandom, SimulatedDisk } from "#world";
import {
  afterMs,
  expectedOf,
  never,
  putSegment,
  readAll,
  testCompactor,
  type TestRow,
} from "./compaction-test-kit.ts";
import { SpoolFolder } from "./spool.ts";

const onlyStep: number | undefined = undefined;
const folder = "/data";
const spoolFolder = "/merge";
const deleteDelayMs = 10 * minute;
const policy = { deleteDelayMs, blockTargetBytes: 256 };

/** What changes the disk; a crash before a read is a crash after the change before it. */
const changes: readonly DiskOperation[] = [
  "open",
  "write",
  "sync",
  "rename",
  "remove",
  "folder",
  "syncFolder",
];

function rowsOf(n: number): TestRow[] {
  return Array.from({ length: 24 }, (_, i) => {
    const app = i % 4 === 0 ? "b" : "a";
    return { app, ms: i * 10 + n, line: `line ${i} of ${n}`, metadata: { level: `${i % 3}` } };
  });
}

class World {
  readonly clock = new ManualClock({ nowMs: afterMs });
  readonly disk: SimulatedDisk;
  readonly stored: TestRow[][] = [];
  /** A put that was under way when the power went: it may have come through or not. */
  doubtful: TestRow[] | undefined;
  steps = 0;
  #crashAt = Infinity;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.disk = new SimulatedDisk({
      seed,
      nowMs: () => this.clock.nowMs(),
      pause: async (operation) => {
        if (!changes.includes(operation)) return;
        if (++this.steps === this.#crashAt) this.disk.crash(this.#seed * 1000 + this.steps);
      },
    });
  }

  /** Everything that is merged goes by the disk. */
  spools(): SpoolFolder {
    const files = this.disk.asProcess();
    const random = seededRandom(this.#seed + 1);
    // A crash is an error to whoever still writes.
    const failed = (): void => undefined;
    return new SpoolFolder({ files, random, folder: spoolFolder, heldBytes: 0, failed });
  }

  async open(): Promise<ObjectStore> {
    const { clock, disk } = this;
    const random = seededRandom(this.#seed);
    return openFilesystemObjectStore({ files: disk.asProcess(), clock, random, folder });
  }

  async put(objects: ObjectStore, n: number): Promise<void> {
    this.doubtful = rowsOf(n);
    await putSegment(objects, n, rowsOf(n), { options: { blockTargetBytes: 256 } });
    this.doubtful = undefined;
    this.stored.push(rowsOf(n));
  }

  /** One process: merges, merges the merged one again while its sources still exist, deletes. */
  async live(crashAt = Infinity): Promise<void> {
    const objects = await this.open();
    for (let n = 0; n < 3; n++) await this.put(objects, n);
    this.steps = 0;
    this.#crashAt = crashAt;
    const segments = new SegmentStore({ objects });
    const { clock } = this;
    const spools = this.spools();
    const { compactor, failures } = testCompactor({ objects, segments, clock, policy, spools });
    await compactor.runOnce(never);
    await this.put(objects, 3);
    await segments.refresh();
    await compactor.runOnce(never);
    this.clock.advance(deleteDelayMs);
    await compactor.runOnce(never);
    if (failures.length > 0) throw failures[0];
  }

  async check(objects: ObjectStore, where: string): Promise<void> {
    const found = await readAll(new SegmentStore({ objects }));
    const certain = expectedOf(this.stored);
    if (this.doubtful === undefined) assert.deepEqual(found, certain, where);
    else {
      const possible = [certain, expectedOf([...this.stored, this.doubtful])];
      const texts = possible.map((one) => JSON.stringify([...one]));
      assert.ok(texts.includes(JSON.stringify([...found])), where);
    }
  }
}

async function filesBelow(world: World, path: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, isFolder } of await world.disk.list(path === "" ? "/" : path)) {
    if (isFolder) found.push(...(await filesBelow(world, `${path}/${name}`)));
    else found.push(`${path}/${name}`);
  }
  return found;
}

async function newWorld(seed: number): Promise<World> {
  const world = new World(seed);
  await world.disk.makeFolder(folder);
  await world.disk.syncFolder("/");
  return world;
}

async function crashAndRecover(step: number): Promise<void> {
  const where = `crash before step ${step}`;
  const world = await newWorld(step);
  await assert.rejects(world.live(step), where);
  // Long enough for what lies in the folder of temporary files to be nobody's.
  world.clock.advance(11 * minute);
  const objects = await world.open();
  await world.check(objects, `${where}, at once`);
  const segments = new SegmentStore({ objects });
  const { clock } = world;
  const spools = world.spools();
  const { compactor, failures } = testCompactor({ objects, segments, clock, policy, spools });
  await compactor.runOnce(never);
  await world.check(objects, `${where}, merged`);
  world.clock.advance(deleteDelayMs);
  await compactor.runOnce(never);
  assert.deepEqual(failures, [], where);
  await world.check(objects, `${where}, cleaned`);
  const { objectCount } = await segments.figures("fake");
  const files = await filesBelow(world, "");
  assert.equal(objectCount, 1, where);
  assert.equal(files.length, 1, `${where}: ${files.join(" ")}`);
}

test("a crash at any step loses nothing, doubles nothing and leaves nothing behind", async () => {
  const whole = await newWorld(0);
  await whole.live();
  const { steps } = whole;
  assert.ok(steps > 30, `${steps} steps`);
  assert.equal((await filesBelow(whole, "")).length, 1);
  for (let step = 1; step <= steps; step++) {
    if (onlyStep === undefined || step === onlyStep) await crashAndRecover(step);
  }
});

test("a store that fails, breaks off and loses its answers never costs an entry", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const clock = new ManualClock({ nowMs: afterMs });
    const sound = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
    const random = seededRandom(seed);
    const faults = { errorRate: 0.03, lostAnswerRate: 0.1, partialReadRate: 0.03 };
    const objects = new FaultyObjectStore(sound, { clock, random, faults });
    const stored: TestRow[][] = [];
    for (let round = 0; round < 4; round++) {
      const segments = new SegmentStore({ objects });
      const { compactor } = testCompactor({ objects, segments, clock, policy });
      for (let n = 0; n < 2; n++) {
        stored.push(rowsOf(stored.length));
        await putSegment(sound, stored.length, stored.at(-1)!);
      }
      for (let again = 0; again < 2; again++) {
        await compactor.runOnce(never).catch(() => undefined);
        clock.advance(deleteDelayMs);
      }
      const found = await readAll(new SegmentStore({ objects: sound }));
      const distinct = [...found].map(([app, entries]) => [app, [...new Set(entries)]]);
      assert.deepEqual(distinct, [...expectedOf(stored)], `seed ${seed}, round ${round}`);
    }
  }
});
