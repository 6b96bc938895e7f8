/**
 * The power goes at every step of carrying a delete out, on a simulated disk; then another process
 * goes on. A failing run names its step.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hour, minute } from "#base";
import { openFilesystemObjectStore } from "#objectstore";
import { type DiskOperation, ManualClock, seededRandom, SimulatedDisk } from "#world";
import {
  entriesInObjects,
  entriesOf,
  never,
  nsOf,
  replacedDelayMs,
  type TestEntry,
  TestLife,
  textOf,
} from "./lifecycle-test-kit.ts";

const startMs = Date.UTC(2026, 0, 10, 6);
const seed = 3;

const changes: readonly DiskOperation[] = [
  "open",
  "write",
  "sync",
  "rename",
  "remove",
  "folder",
  "syncFolder",
];

function entry(i: number, word: string): TestEntry {
  return { tenant: "t", app: `a${i % 3}`, ns: nsOf(startMs - i * 1000), line: `${word} ${i}` };
}

const entries = Array.from({ length: 30 }, (_, i) => entry(i, i % 4 === 0 ? "secret" : "plain"));
const kept = entries.filter(({ line, app }) => !line.includes("secret") || app === "a2");
const erased = entries.filter((one) => !kept.includes(one));

class World {
  readonly clock = new ManualClock({ nowMs: startMs });
  readonly disk: SimulatedDisk;
  steps = 0;
  crashAt = Number.POSITIVE_INFINITY;

  constructor() {
    this.disk = new SimulatedDisk({
      seed,
      nowMs: () => this.clock.nowMs(),
      pause: async (operation) => {
        if (!changes.includes(operation)) return;
        if (++this.steps === this.crashAt) this.disk.crash(seed * 1000 + this.steps);
      },
    });
  }

  async open(): Promise<TestLife> {
    const { clock, disk } = this;
    const files = disk.asProcess();
    const random = seededRandom(seed + this.steps);
    const objects = await openFilesystemObjectStore({ files, clock, random, folder: "/data/s" });
    const cancelPeriodMs = hour;
    const policy = { blockTargetBytes: 128 };
    return TestLife.open({ files, objects, clock, random, cancelPeriodMs, policy });
  }

  /** Stored, some of it in the head, and a request that is due. */
  async prepare(): Promise<void> {
    const life = await this.open();
    await life.push(entries.slice(0, 20));
    await life.ingester.flush(never);
    const times = { startMs: startMs - hour, endMs: startMs };
    await life.delete("t", '{app=~"a0|a1"} |= "secret"', times);
    await life.push(entries.slice(20));
    await this.check(life, "before");
    await life.journal.close();
    this.clock.advance(hour + minute);
  }

  /** Until the last byte is gone, unless the power goes before. */
  async carryOut(life: TestLife): Promise<void> {
    for (let round = 0; round < 4; round++) {
      await life.round();
      if (life.failures.length > 0) throw life.failures[0];
      this.clock.advance(replacedDelayMs + minute);
    }
  }

  async check(life: TestLife, where: string): Promise<void> {
    const found = await entriesOf(life.visible, "t");
    const known = new Set(kept.map(textOf));
    for (const text of found) assert.ok(known.has(text), `${where}: ${text} is seen`);
    if (where !== "before") assert.deepEqual(found, kept.map(textOf).sort(), where);
  }
}

test("a delete is carried out, whatever step the power fails at", async () => {
  const whole = new World();
  await whole.prepare();
  const before = whole.steps;
  await whole.carryOut(await whole.open());
  const stepCount = whole.steps - before;
  assert.ok(stepCount > 20, `${stepCount} steps`);
  for (let step = 1; step <= stepCount; step++) {
    const where = `step ${step}`;
    const world = new World();
    await world.prepare();
    world.crashAt = world.steps + step;
    await world.open().then(
      (life) => world.carryOut(life).catch(() => undefined),
      () => undefined,
    );
    world.crashAt = Number.POSITIVE_INFINITY;
    world.disk.crash(step);
    const life = await world.open();
    await world.check(life, where);
    await world.carryOut(life);
    await world.carryOut(life);
    await world.check(life, where);
    const [request] = await life.book.list("t");
    assert.equal(request?.state, "gone", where);
    const bytes = erased.reduce((sum, { line }) => sum + line.length, 0);
    assert.deepEqual(request.erased, { lines: erased.length, bytes }, where);
    await checkBytes(world, where);
    await life.journal.close();
  }
});

/** No object and no journal file holds what was erased, and nothing lies about. */
async function checkBytes(world: World, where: string): Promise<void> {
  const { disk, clock } = world;
  const files = disk.asProcess();
  const random = seededRandom(1);
  const objects = await openFilesystemObjectStore({ files, clock, random, folder: "/data/s" });
  const stored = [...(await entriesInObjects(objects)).values()].flat();
  assert.deepEqual(stored.sort(), kept.map(textOf).sort(), `${where}: stored`);
  for (const { name } of await files.list("/data/wal")) {
    if (!name.endsWith(".journal")) continue;
    const text = (await files.read(`/data/wal/${name}`)).toString("latin1");
    for (const { line } of erased) assert.ok(!text.includes(`"${line}"`), `${where}: ${name}`);
  }
}
