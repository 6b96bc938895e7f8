import assert from "node:assert/strict";
import { test } from "node:test";
import { isStoreError, RequestError } from "#base";
import { defaultLimits } from "#config";
import {
  Distributor,
  Head,
  HeadBlocks,
  HeadStore,
  Ingester,
  LokiPartWriter,
  StoredRanges,
} from "#ingest";
import { openLocalJournal } from "#journal";
import { keyMapping, verifyChunk } from "#lokichunk";
import { gunzipIndex, verifyIndex } from "#lokiindex";
import { ChunkMarks, LokiWriter, mapKeys } from "#lokistore";
import { FaultyObjectStore, type ObjectStore, openFilesystemObjectStore } from "#objectstore";
import { CombinedStore, type LogStore } from "#storage";
import { createLogger } from "#telemetry";
import { type Files, ManualClock, type Random, seededRandom, SimulatedDisk } from "#world";
import { openPeriods } from "../support/loki-buckets.ts";
import { runQuery } from "./run-query.ts";

/** Two days and, at midnight, two periods: v12 drops metadata, v13 keeps it. */
const startMs = Date.UTC(2026, 0, 10, 23, 59);
const switchMs = Date.UTC(2026, 0, 11);
const shapes = [
  { fromMs: 0, schema: "v12", indexPrefix: "old_" },
  { fromMs: switchMs, schema: "v13", indexPrefix: "new_" },
];

const policy = {
  idleMs: 60_000,
  ageMaxMs: 120_000,
  partBytesMax: 6_000,
  headBytesTarget: 12_000,
  headBytesPause: 1_000_000,
  headBytesMax: 1_000_000,
  journalBytesTarget: 200_000,
  journalBytesKept: 3_000,
};
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
  readonly objects: ObjectStore;
  readonly faulty: FaultyObjectStore;
  /** Records that replay took into the head again. */
  readonly replayedEntries: number;
  close(): Promise<void>;
}

/** One life of the ingest side on a disk: opened, replayed, ready. */
async function begin(files: Files, clock: ManualClock, random: Random): Promise<Life> {
  const folder = "/data/chunks";
  const disk = await openFilesystemObjectStore({ files, clock, random, folder });
  const faulty = new FaultyObjectStore(disk, { clock, random, faults: {} });
  const objects = mapKeys(faulty, keyMapping({ medium: "filesystem" }));
  const wal = { folder: "/data/wal", fileBytesMax: 20_000 };
  const journal = await openLocalJournal({ files, clock, random, ...wal });
  const { store, stores, periods } = openPeriods(objects, shapes, clock);
  const head = new Head({ clock, keepsMetadata: (day) => periods.keepsMetadata(day) });
  const writer = new LokiPartWriter({
    writer: new LokiWriter({
      periods,
      marks: new ChunkMarks({ files, folder: "/data/marks", clock }),
      stores,
      chunks: { encoding: "snappy", blockBytes: 500, targetBytes: 1_500 },
    }),
    ranges: await StoredRanges.open({
      files,
      path: "/data/wal/stored-ranges",
      journalId: journal.id,
      firstSequence: () => journal.firstSequence,
    }),
    journalId: journal.id,
  });
  const log = createLogger({ level: "error", format: "json", write: () => undefined });
  const events = { segmentWritten: () => undefined, segmentFailed: () => undefined };
  const ingester = new Ingester({ journal, head, writer, policy, clock, log, events });
  const distributor = new Distributor({
    limits: { for: () => limits },
    clock,
    active: head,
    observer: { received: () => undefined, discarded: () => undefined },
    body: { compressedBytesMax: 1e6, rawBytesMax: 1e7 },
  });
  await ingester.replay();
  const replayedEntries = head.parts().reduce((sum, part) => sum + part.entryCount, 0);
  const blocks = new HeadBlocks({ hashSeed: 1 });
  return {
    ingester,
    distributor,
    head,
    store: new CombinedStore([new HeadStore({ head, blocks }), store]),
    objects,
    faulty,
    replayedEntries,
    close: () => journal.close(),
  };
}

async function push(life: Life, tenant: string, values: [string, string][]): Promise<void> {
  const streams = values.map((value, i) => ({ stream: { app: `a${i % 3}` }, values: [value] }));
  const { accepted, reply } = life.distributor.push({
    tenant,
    kind: "loki",
    contentType: "application/json",
    contentEncoding: undefined,
    body: Buffer.from(JSON.stringify({ streams })),
  });
  assert.equal(reply.status, 204, reply.text);
  await life.ingester.push(tenant, accepted!.batch, accepted!.record);
}

const tenants = ["one", "two"] as const;
const dayNs = 86_400_000_000_000n;

async function assertExactlyOnce(
  { store }: Life,
  acknowledged: ReadonlySet<string>,
  note: string,
): Promise<void> {
  const startNs = BigInt(startMs) * 1_000_000n;
  for (const tenant of tenants) {
    const { data, warnings } = await runQuery(store, {
      text: '{app=~".+"}',
      tenants: [tenant],
      fromNs: startNs - 10n * dayNs,
      toNs: startNs + 10n * dayNs,
      limit: 100_000,
      limits: { maxEntriesLimitPerQuery: 0, maxQueryLengthMs: 0 },
      clock: new ManualClock({ nowMs: startMs }),
    });
    assert.ok(data.kind === "streams");
    assert.deepEqual(warnings, [], note);
    const counts = new Map<string, number>();
    for (const { entries } of data.streams) {
      for (const { line } of entries) {
        counts.set(line.toString(), (counts.get(line.toString()) ?? 0) + 1);
      }
    }
    for (const line of acknowledged) {
      if (line.startsWith(tenant)) assert.equal(counts.get(line), 1, `${note}: ${line}`);
    }
    for (const [line, count] of counts) assert.equal(count, 1, `${note}: ${line} ${count} times`);
  }
}

/** Everything in the bucket is what Loki demands. */
async function assertSound(objects: ObjectStore): Promise<void> {
  for (const tenant of tenants) {
    for await (const { key } of objects.list(`${tenant}/`)) {
      assert.deepEqual(verifyChunk(key, await objects.get(key)), []);
    }
  }
  for await (const { key } of objects.list("index/")) {
    const stored = await objects.get(key);
    const bytes = await gunzipIndex(key, stored, { isGzip: true, bytesMax: 1e9 });
    assert.deepEqual(verifyIndex(key, bytes, { kind: "one" }), []);
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
  const stepCount = 5 + Math.floor(random.fraction() * 15);
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
    if (random.fraction() < 0.15) {
      await life.ingester.flush(stop.signal).catch((error: unknown) => {
        assert.ok(isStoreError(error), String(error));
      });
    }
  }
  stop.abort();
  await running;
}

test("what was acknowledged is answered exactly once, whenever power or store fail", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = seededRandom(seed);
    const clock = new ManualClock({ nowMs: startMs });
    const disk = new SimulatedDisk({ seed });
    const acknowledged = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const life = await begin(disk.asProcess(), clock, random);
      await assertExactlyOnce(life, acknowledged, `seed ${seed} round ${round}`);
      if (seed % 2 === 0) life.faulty.faults = { errorRate: 0.05, lostAnswerRate: 0.1 };
      await live(life, { random, clock, acknowledged, round: `r${round}` });
      life.faulty.faults = {};
      await assertExactlyOnce(life, acknowledged, `seed ${seed} round ${round}, still up`);
      if (random.fraction() < 0.2) await life.close();
      disk.crash(seed * 100 + round);
    }
    const last = await begin(disk.asProcess(), clock, random);
    await last.ingester.flush(new AbortController().signal);
    assert.equal(last.head.heapBytes, 0);
    await assertExactlyOnce(last, acknowledged, `seed ${seed} flushed`);
    await assertSound(last.objects);
    await last.close();
  }
});

test("replay passes over what was stored before", async () => {
  const random = seededRandom(7);
  const clock = new ManualClock({ nowMs: startMs });
  const disk = new SimulatedDisk({ seed: 7 });
  const life = await begin(disk.asProcess(), clock, random);
  const at = String(clock.nowNs());
  await push(life, "one", [[at, "one stored"]]);
  await push(life, "two", [[at, "two in the head"]]);
  await life.ingester.flush(new AbortController().signal, "one");
  disk.crash(1);
  const again = await begin(disk.asProcess(), clock, random);
  assert.equal(again.replayedEntries, 1);
  await assertExactlyOnce(again, new Set(["one stored", "two in the head"]), "after the crash");
  await again.close();
});
