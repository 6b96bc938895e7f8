import assert from "node:assert/strict";
import { test } from "node:test";
import { isStoreError, RequestError } from "#base";
import { defaultLimits } from "#config";
import { openLocalJournal } from "#journal";
import { openFilesystemObjectStore } from "#objectstore";
import { SegmentStore } from "#segment";
import { CombinedStore, type LogStore, newReadCounters } from "#storage";
import { createLogger } from "#telemetry";
import {
  type DiskFault,
  type Files,
  ManualClock,
  type Random,
  seededRandom,
  SimulatedDisk,
} from "#world";
import { BatchMemory } from "./batch-memory.ts";
import { Distributor } from "./distributor.ts";
import { Head } from "./head.ts";
import { HeadBlocks } from "./head-blocks.ts";
import { HeadStore } from "./head-store.ts";
import { type CutPolicy, Ingester } from "./ingester.ts";
import { smallCuts, snappyPush, type TestStream } from "./push-test-kit.ts";
import { SegmentPartWriter } from "./segment-part-writer.ts";

const dayNs = 86_400_000_000_000n;
const startMs = Date.UTC(2026, 0, 10, 23, 59);
const policy = smallCuts;
const limits = {
  ...defaultLimits,
  rejectOldSamples: false,
  ingestionRateBytesPerSecond: 1e12,
  ingestionBurstBytes: 1e12,
};

interface Life {
  readonly ingester: Ingester;
  readonly distributor: Distributor;
  readonly head: Head;
  readonly store: LogStore;
  /** Records read at the start. */
  readonly replayed: number;
  close(): Promise<void>;
}

/** One life of the ingest side on a disk: opened, replayed, ready. */
async function begin(
  files: Files,
  clock: ManualClock,
  random: Random,
  changed: Partial<CutPolicy> = {},
): Promise<Life> {
  const objects = await openFilesystemObjectStore({ files, clock, random, folder: "/data/chunks" });
  const journal = await openLocalJournal({
    files,
    clock,
    random,
    folder: "/data/wal",
    fileBytesMax: 20_000,
  });
  const head = new Head({ clock });
  const segments = new SegmentStore({ objects });
  const journalId = journal.id;
  const writer = new SegmentPartWriter({ objects, segments, clock, random, journalId });
  const log = createLogger({ level: "error", format: "json", write: () => undefined });
  const events = { segmentWritten: () => undefined, segmentFailed: () => undefined };
  const memory = new BatchMemory({ pooledFromBytes: 1, overwrites: true });
  const ingester = new Ingester({
    journal,
    head,
    writer,
    policy: { ...policy, ...changed },
    clock,
    log,
    events,
    memory,
  });
  const distributor = new Distributor({
    limits: { for: () => limits },
    clock,
    active: head,
    observer: { received: () => undefined, discarded: () => undefined },
    memory,
    body: { compressedBytesMax: 1e6, rawBytesMax: 1e7 },
  });
  const blocks = new HeadBlocks({ hashSeed: 1 });
  const store = new CombinedStore([new HeadStore({ head, blocks }), segments]);
  const { records: replayed } = await ingester.replay();
  return { ingester, distributor, head, store, replayed, close: () => journal.close() };
}

async function push(life: Life, tenant: string, values: [string, string][]): Promise<void> {
  const streams = values.map(([ns, line], i): TestStream => {
    return [{ app: `a${i % 3}` }, [[BigInt(ns), line, {}]]];
  });
  const { accepted, reply } = life.distributor.push({
    tenant,
    kind: "loki",
    contentType: "application/x-protobuf",
    contentEncoding: undefined,
    body: snappyPush(streams),
  });
  assert.equal(reply.status, 204, reply.text);
  await life.ingester.push(tenant, accepted!.batch, accepted!.record);
}

/** Every line of a tenant with how often it is stored, blocks of all sources counted. */
async function storedLines(store: LogStore, tenant: string): Promise<Map<string, number>> {
  const warnings: string[] = [];
  const options = {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (text: string) => warnings.push(text),
  };
  const startNs = BigInt(startMs) * 1_000_000n;
  const range = { fromNs: startNs - 30n * dayNs, toNs: startNs + 30n * dayNs };
  const plan = await store.plan({ tenant, matchers: [], range }, { lineTerms: [] }, options);
  const counts = new Map<string, number>();
  const needs = { lines: true, lengths: true, metadata: "all" as const };
  for await (const block of store.read(plan.blocks, needs, options)) {
    for (const line of block.lines!.texts()) counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  assert.deepEqual([...warnings, ...plan.warnings], []);
  return counts;
}

const tenants = ["one", "two"] as const;

async function assertExactlyOnce(
  store: LogStore,
  acknowledged: ReadonlySet<string>,
  note: string,
): Promise<void> {
  for (const tenant of tenants) {
    const counts = await storedLines(store, tenant);
    for (const line of acknowledged) {
      if (line.startsWith(tenant)) assert.equal(counts.get(line), 1, `${note}: ${line}`);
    }
    for (const [line, count] of counts) assert.equal(count, 1, `${note}: ${line} ${count} times`);
  }
}

/** Pushes, cuts and late entries over two days and two tenants, until the power fails. */
async function live(
  life: Life,
  input: { random: Random; clock: ManualClock; acknowledged: Set<string>; round: string },
): Promise<void> {
  const { random, clock, acknowledged, round } = input;
  const stop = new AbortController();
  const running = life.ingester.run(stop.signal);
  const stepCount = 5 + Math.floor(random.fraction() * 25);
  for (let step = 0; step < stepCount; step++) {
    const tenant = tenants[Math.floor(random.fraction() * 2)]!;
    const lines = Array.from({ length: 1 + Math.floor(random.fraction() * 12) }, (_, i) => {
      const lateNs = random.fraction() < 0.3 ? BigInt(Math.floor(random.fraction() * 2e14)) : 0n;
      return [String(clock.nowNs() - lateNs), `${tenant} ${round} ${step} ${i} ${"x".repeat(60)}`];
    }) as [string, string][];
    try {
      await push(life, tenant, lines);
      for (const [, line] of lines) acknowledged.add(line);
    } catch (error) {
      assert.ok(error instanceof RequestError || isStoreError(error), String(error));
    }
    clock.advance(random.fraction() * 9_000);
    if (random.fraction() < 0.1) {
      await life.ingester.flush(stop.signal).catch((error: unknown) => {
        assert.ok(isStoreError(error), String(error));
      });
    }
  }
  stop.abort();
  await running;
}

test("what was acknowledged survives power cuts at any moment, exactly once", async () => {
  const seedCount = 30;
  for (let seed = 1; seed <= seedCount; seed++) {
    const random = seededRandom(seed);
    const clock = new ManualClock({ nowMs: startMs });
    const disk = new SimulatedDisk({ seed });
    const acknowledged = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const life = await begin(disk.asProcess(), clock, random);
      await assertExactlyOnce(life.store, acknowledged, `seed ${seed} round ${round}`);
      await live(life, { random, clock, acknowledged, round: `r${round}` });
      if (random.fraction() < 0.2) await life.close();
      disk.crash(seed * 100 + round);
    }
    const last = await begin(disk.asProcess(), clock, random);
    await assertExactlyOnce(last.store, acknowledged, `seed ${seed} at the end`);
    await last.ingester.flush(new AbortController().signal);
    assert.equal(last.head.heapBytes, 0);
    await assertExactlyOnce(last.store, acknowledged, `seed ${seed} flushed`);
    await last.close();
  }
});

test("faults of the disk refuse pushes and lose none that was acknowledged", async () => {
  for (let seed = 1; seed <= 24; seed++) {
    const random = seededRandom(seed);
    const clock = new ManualClock({ nowMs: startMs });
    let isFaulty = false;
    const faultOf = (): DiskFault | undefined => {
      if (!isFaulty || random.fraction() > 0.03) return undefined;
      return (["io", "full", "short-full"] as const)[Math.floor(random.fraction() * 3)];
    };
    const disk = new SimulatedDisk({ seed, faultOf });
    const acknowledged = new Set<string>();
    const life = await begin(disk.asProcess(), clock, random);
    isFaulty = true;
    await live(life, { random, clock, acknowledged, round: "faulty" });
    isFaulty = false;
    // A part whose put failed half-way is in the head and may be in the store: a second try replaces it.
    if (seed % 2 === 0) {
      await life.ingester.flush(new AbortController().signal);
      await assertExactlyOnce(life.store, acknowledged, `seed ${seed} while running`);
    }
    disk.crash(seed);
    const again = await begin(disk.asProcess(), clock, random);
    await assertExactlyOnce(again.store, acknowledged, `seed ${seed} after a crash`);
    await again.close();
  }
});

test("a full head refuses with 503 until it is cut", async () => {
  const clock = new ManualClock({ nowMs: startMs });
  const disk = new SimulatedDisk();
  const life = await begin(disk.asProcess(), clock, seededRandom(1));
  const values: [string, string][] = [[String(clock.nowNs()), `one ${"y".repeat(200_000)}`]];
  for (let i = 0; life.head.heapBytes <= policy.headBytesMax; i++) {
    values[0]![1] = `one ${i} ${"y".repeat(200_000)}`;
    await push(life, "one", values);
  }
  const refused = (error: unknown): boolean =>
    error instanceof RequestError && error.status === 503 && error.retryAfterSeconds !== undefined;
  await assert.rejects(push(life, "one", values), refused);
  await life.ingester.flush(new AbortController().signal);
  await push(life, "one", [[String(clock.nowNs()), "one more"]]);
  await life.close();
});

test("above the pause pushes wait for a cut, and no longer than five seconds", async () => {
  const clock = new ManualClock({ nowMs: startMs });
  const disk = new SimulatedDisk();
  const changed = { headBytesPause: 500_000 };
  const life = await begin(disk.asProcess(), clock, seededRandom(1), changed);
  const lineOf = (i: number): [string, string][] => {
    return [[String(clock.nowNs()), `one ${i} ${"y".repeat(200_000)}`]];
  };
  for (let i = 0; i < 3; i++) await push(life, "one", lineOf(i));
  const done: string[] = [];
  const waitForCut = push(life, "one", lineOf(3)).then(() => done.push("cut"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(done.join(), "");
  await life.ingester.flush(new AbortController().signal);
  await waitForCut;
  for (let i = 4; i < 6; i++) await push(life, "one", lineOf(i));
  const waitForTime = [6, 7].map((i) => {
    return push(life, "one", lineOf(i)).then(() => done.push("time"));
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(done.join(), "cut");
  clock.advance(5_000);
  await Promise.all(waitForTime);
  assert.equal(done.join(), "cut,time,time");
  await life.close();
});

test("what is stored is not replayed, and what came after is", async () => {
  const clock = new ManualClock({ nowMs: startMs });
  const disk = new SimulatedDisk();
  const start = (): Promise<Life> => begin(disk.asProcess(), clock, seededRandom(1));
  const first = await start();
  for (let i = 0; i < 5; i++) await push(first, "one", [[`${clock.nowNs()}`, `line ${i}`]]);
  await first.ingester.flush(new AbortController().signal);
  await first.close();
  const second = await start();
  assert.equal(second.replayed, 0);
  await push(second, "one", [[`${clock.nowNs()}`, "line 5"]]);
  await second.close();
  const third = await start();
  assert.equal(third.replayed, 1);
  const lines = await storedLines(third.store, "one");
  assert.deepEqual(
    [...lines.keys()].sort(),
    [0, 1, 2, 3, 4, 5].map((i) => `line ${i}`),
  );
  assert.ok([...lines.values()].every((count) => count === 1));
  await third.close();
});
