import assert from "node:assert/strict";
import { test } from "node:test";
import type { Matcher } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { buildSegment, SegmentStore } from "#segment";
import { newReadCounters } from "#storage";
import { ManualClock, nextTurn, systemClock } from "#world";
import type { HiddenPatterns } from "./merge-patterns.ts";
import type { Pattern } from "./pattern.ts";
import { createPatternQueries, type PatternQueries } from "./pattern-queries.ts";
import { patternSectionKind } from "./pattern-section.ts";
import { PatternStore } from "./pattern-store.ts";
import { batchOf, testDay, testSeconds, type TestStream } from "./testing-batch.ts";

const hour = 3_600_000_000_000n;
const fromNs = BigInt(testSeconds) * 1_000_000_000n;
const range = { fromNs, toNs: fromNs + 2n * hour };

function where(name: string, value: string): Matcher[] {
  return [{ name, op: "=", value, test: (text) => text === value }];
}

/** `count level pattern`, most frequent first. */
function shortly(patterns: readonly Pattern[]): string[] {
  return patterns.map(({ pattern, level, samples }) => {
    const count = samples.reduce((sum, [, n]) => sum + n, 0);
    return `${count} ${level} ${pattern}`;
  });
}

function learn(streams: readonly TestStream[], store = new PatternStore()): PatternStore {
  store.observe("t", batchOf(streams));
  return store;
}

function ask(store: PatternStore, more: { matchers?: Matcher[]; tenant?: string } = {}): string[] {
  const request = { tenant: "t", matchers: [], ...range, stepNs: hour, ...more };
  return shortly(store.query(request));
}

function times(count: number, line: (i: number) => string): string[] {
  return Array.from({ length: count }, (_, i) => line(i));
}

const twoStreams: readonly TestStream[] = [
  { labels: { app: "a" }, lines: times(5, (i) => `took ${i} ms`), level: "info" },
  { labels: { app: "b" }, lines: ["took 9 ms", "all is lost"], level: "error" },
  { labels: { app: "a" }, lines: ["took 7 ms"] },
];

test("templates are counted by level, over streams, the frequent first", () => {
  assert.deepEqual(ask(learn(twoStreams)), [
    "5 info took <_> ms",
    "1 error all is lost",
    "1 error took <_> ms",
    "1 unknown took <_> ms",
  ]);
});

test("only streams that match, only the tenant that asks", () => {
  const store = learn(twoStreams);
  assert.deepEqual(ask(store, { matchers: where("app", "b") }), [
    "1 error all is lost",
    "1 error took <_> ms",
  ]);
  assert.deepEqual(ask(store, { matchers: where("app", "nosuch") }), []);
  assert.deepEqual(ask(store, { tenant: "other" }), []);
});

test("samples stand at the start of their step, ten seconds at least", () => {
  const store = learn([{ labels: { app: "a" }, lines: times(25, (i) => `line ${i}`) }]);
  const samples = (stepNs: bigint): Pattern["samples"] =>
    store.query({ tenant: "t", matchers: [], ...range, stepNs })[0]!.samples;
  const seconds = testSeconds;
  assert.deepEqual(samples(1n), [
    [seconds, 10],
    [seconds + 10, 10],
    [seconds + 20, 5],
  ]);
  assert.deepEqual(samples(20_000_000_000n), [
    [seconds, 20],
    [seconds + 20, 5],
  ]);
});

test("lines outside the range are not counted", () => {
  const store = learn([
    { labels: { app: "a" }, lines: ["early 1"], fromSeconds: testSeconds - 60 },
    { labels: { app: "a" }, lines: ["late 1"], fromSeconds: testSeconds + 7200 },
    { labels: { app: "a" }, lines: ["in 1"] },
  ]);
  assert.deepEqual(ask(store), ["1 unknown in <_>"]);
});

test("templates without a constant word are not answered", () => {
  const store = learn([{ labels: { app: "a" }, lines: ["17 18", "19"] }]);
  assert.deepEqual(ask(store), []);
});

test("days that a segment holds already do not count again in a replay", () => {
  const store = new PatternStore();
  const streams = [
    { labels: { app: "a" }, lines: ["new 1"] },
    { labels: { app: "a" }, lines: ["old 1"], fromSeconds: testSeconds - 86_400 },
  ];
  store.observe("t", batchOf(streams), (day) => day < testDay);
  const days = { fromNs: fromNs - 48n * hour, toNs: range.toNs };
  const found = store.query({ tenant: "t", matchers: [], ...days, stepNs: hour });
  assert.deepEqual(shortly(found), ["1 unknown new <_>"]);
});

test("above its rate it learns from some lines and lets them stand for all", async () => {
  const store = new PatternStore({ linesPerSecondMax: 1_000 });
  const lines = times(10_000, (i) => `number ${i}`);
  for (let i = 0; i < 50; i++) store.observe("t", batchOf([{ labels: { app: "a" }, lines }]));
  const waiting = store.waitingLineCount;
  await store.turn();
  assert.equal(waiting, 500_000);
  assert.ok(store.waitingLineCount <= 100_000, `${store.waitingLineCount} wait`);
  while (store.waitingLineCount > 0) await store.turn();
  const toNs = range.toNs + 10n * hour;
  const [only] = store.query({ tenant: "t", matchers: [], fromNs, toNs, stepNs: 24n * hour });
  assert.deepEqual(shortly([only!]), ["500000 unknown number <_>"]);
});

test("cuts and questions do not raise the rate", async () => {
  const store = new PatternStore({ linesPerSecondMax: 1_000 });
  const lines = times(50_000, (i) => `number ${i}`);
  store.observe("t", batchOf([{ labels: { app: "a" }, lines }]));
  for (let i = 0; i < 20; i++) {
    (await store.seal("t", testDay)).done();
    ask(store);
  }
  assert.equal(store.waitingLineCount, 49_000);
  await store.turn();
  assert.equal(store.waitingLineCount, 48_800);
});

test("the background task learns turn by turn until it is stopped", async () => {
  const clock = new ManualClock({ nowNs: 0n });
  const store = learn([{ labels: { app: "a" }, lines: ["x 1"] }]);
  const stop = new AbortController();
  const running = store.run(clock, stop.signal);
  assert.equal(store.waitingLineCount, 1);
  clock.advance(1_000);
  await nextTurn();
  assert.equal(store.waitingLineCount, 0);
  // It waits for its next turn.
  await nextTurn();
  stop.abort();
  await assert.rejects(running);
});

test("memory is bounded: streams that got nothing for longest are forgotten", async () => {
  const store = new PatternStore({ patternBytesMax: 100_000 });
  for (let i = 0; i < 1_000; i++) {
    store.observe("t", batchOf([{ labels: { app: `a${i}` }, lines: [`hello from ${i}`] }]));
    await store.turn();
    assert.ok(store.heapBytes <= 110_000, `${store.heapBytes} bytes`);
  }
  assert.equal(ask(store, { matchers: where("app", "a0") }).length, 0);
  assert.equal(ask(store, { matchers: where("app", "a999") }).length, 1);
});

interface World {
  readonly store: PatternStore;
  readonly queries: PatternQueries;
  readonly segments: SegmentStore;
  /** What is deleted or expired; may be added to. */
  readonly hidden: HiddenPatterns[];
  cut(): Promise<void>;
}

/** A store whose sealed patterns go through real segments. */
function worldOf(store: PatternStore): World {
  const objects = new MemoryObjectStore(systemClock);
  const segments = new SegmentStore({ objects });
  let cuts = 0;
  const hidden: HiddenPatterns[] = [];
  const queries = createPatternQueries({
    live: store,
    hidden: async () => hidden,
    sections: (tenant, within, signal) => {
      const options = { signal, counters: newReadCounters(), warn: assert.fail };
      return segments.sections({ tenant, range: within }, patternSectionKind, options);
    },
  });
  const cut = async (): Promise<void> => {
    const sealed = await store.seal("t", testDay);
    const sections = [{ kind: patternSectionKind, bytes: sealed.bytes! }];
    const batch = batchOf([{ labels: { app: "a" }, lines: ["took 1 ms"] }]);
    const rows = [{ batch, fromRow: 0, toRow: 1 }];
    const streams = [{ labels: batch.streams[0]!.labels, rows }];
    const rest = { journal: [], replaces: [] };
    const id = String(cuts++).padStart(28, "0");
    const built = await buildSegment(
      { tenant: "t", day: testDay, streams, sections, ...rest },
      { id },
    );
    await objects.put(built.key, built.parts);
    segments.add(built.key);
    sealed.done();
  };
  return { store, queries, segments, hidden, cut };
}

async function askAll({ queries }: World, matchers: Matcher[] = []): Promise<string[]> {
  const { signal } = new AbortController();
  const found = await queries.patterns({ tenants: ["t"], matchers, range, stepNs: hour, signal });
  return shortly(found);
}

test("patterns survive in segments, and add up with what is in memory", async () => {
  const world = worldOf(learn(twoStreams));
  const before = await askAll(world);
  await world.cut();
  assert.deepEqual(ask(world.store), []);
  assert.deepEqual(await askAll(world), before);
  assert.deepEqual(await askAll({ ...world, queries: worldOf(new PatternStore()).queries }), []);
  learn(twoStreams, world.store);
  assert.equal((await askAll(world))[0], "10 info took <_> ms");
  await world.cut();
  assert.equal((await askAll(world))[0], "10 info took <_> ms");
  assert.deepEqual(await askAll(world, where("app", "b")), [
    "2 error all is lost",
    "2 error took <_> ms",
  ]);
});

test("a template that became more general takes up its earlier form", async () => {
  const lines = ["session of alice opened"];
  const world = worldOf(learn([{ labels: { app: "a" }, lines }]));
  await world.cut();
  learn([{ labels: { app: "a" }, lines: ["session of bob opened"] }], world.store);
  assert.deepEqual(await askAll(world), ["2 unknown session of <_> opened"]);
});

test("what was sealed answers until it is settled, and a failed write loses nothing", async () => {
  const store = learn(twoStreams);
  const all = ask(store);
  const sealed = await store.seal("t", testDay);
  assert.deepEqual(ask(store), all);
  assert.equal((await store.seal("t", testDay)).bytes, undefined);
  sealed.failed();
  const again = await store.seal("t", testDay);
  assert.deepEqual(again.bytes, sealed.bytes);
  assert.deepEqual(ask(store), all);
  again.done();
  assert.deepEqual(ask(store), []);
});

test("while a day is sealed, questions are answered as before", async () => {
  const streams = Array.from({ length: 40 }, (_, i) => {
    return { labels: { app: `a${i}` }, lines: [`took ${i} ms`] };
  });
  const store = learn(streams);
  const all = ask(store);
  const sealing = store.seal("t", testDay);
  assert.deepEqual(ask(store), all);
  await nextTurn();
  assert.deepEqual(ask(store), all);
  (await sealing).done();
  assert.deepEqual(ask(store), []);
});

test("what is deleted or expired is told by no pattern, in memory and in segments", async () => {
  const lines = times(40, (i) => `took ${i} ms`);
  const apps = ["a", "b"].map((app) => ({ labels: { app }, lines }));
  const world = worldOf(learn(apps));
  assert.deepEqual(await askAll(world), ["80 unknown took <_> ms"]);
  const selects: HiddenPatterns["selects"] = (labels) => labels.get("app") === "a";
  // Half of the second ten seconds is hidden: then all of them are.
  const second = 1_000_000_000n;
  world.hidden.push({ selects, range: { fromNs: 0n, toNs: fromNs + 15n * second } });
  assert.deepEqual(await askAll(world), ["60 unknown took <_> ms"]);
  await world.cut();
  assert.deepEqual(await askAll(world), ["60 unknown took <_> ms"]);
  world.hidden.push({ selects: () => true, range: { fromNs, toNs: fromNs + 40n * second } });
  assert.deepEqual(await askAll(world), []);
});
