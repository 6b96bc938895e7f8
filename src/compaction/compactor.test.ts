import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MiB, minute } from "#base";
import { dayStartNs, nsPerDay } from "#model";
import { MemoryObjectStore, type ObjectStore } from "#objectstore";
import { type ListedSegment, SegmentStore } from "#segment";
import { ManualClock, seededRandom } from "#world";
import {
  afterMs,
  expectedOf,
  idOf,
  never,
  planAll,
  putSegment,
  readAll,
  readOptions,
  readPlanned,
  testCompactor,
  testDay,
  type TestRow,
} from "./compaction-test-kit.ts";

const clock = new ManualClock({ nowMs: afterMs });

function newStore(): { objects: MemoryObjectStore; segments: SegmentStore } {
  const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  return { objects, segments: new SegmentStore({ objects }) };
}

const row = fc.record({
  app: fc.constantFrom("a", "b", "c"),
  ms: fc.integer({ min: 0, max: 6 }),
  line: fc.constantFrom("", "x", "y", "line\nwith newline", "é"),
  metadata: fc.constantFrom<Record<string, string>[]>(
    {},
    { detected_level: "info" },
    { detected_level: "warn", trace: "1" },
    { trace: "2", é: "" },
  ),
});

test("whatever is merged answers as before: every entry once, in order, by time and arrival", async () => {
  const segmentsOf = fc.array(fc.array(row, { minLength: 1, maxLength: 25 }), {
    minLength: 2,
    maxLength: 7,
  });
  const cuts = fc.record({
    blockTargetBytes: fc.constantFrom(8, 40, MiB),
    thinStreamBytes: fc.constantFrom(0, 20, MiB),
  });
  const property = fc.asyncProperty(segmentsOf, cuts, async (inputs, options) => {
    const { objects, segments } = newStore();
    for (const [n, rows] of inputs.entries()) await putSegment(objects, n, rows, { options });
    const { compactor, failures, merged } = testCompactor({ objects, segments, clock });
    await compactor.runOnce(never);
    assert.deepEqual(failures, []);
    assert.deepEqual(await readAll(segments), expectedOf(inputs));
    assert.deepEqual(await readAll(new SegmentStore({ objects })), expectedOf(inputs));
    assert.equal((await segments.figures("fake")).objectCount, 1);
    const wanted = [...expectedOf(inputs).values()].reduce((sum, own) => sum + own.length, 0);
    assert.equal(merged.at(-1)!.entryCount, wanted);
  });
  await fc.assert(property, { seed: 260, numRuns: 40 });
});

function rowsOf(app: string, times: readonly number[], line = "line"): TestRow[] {
  return times.map((ms) => ({ app, ms, line: `${line} ${ms}` }));
}

function seconds(from: number, to: number, app = "a"): TestRow[] {
  return rowsOf(
    app,
    Array.from({ length: to - from }, (_, i) => (from + i) * 1000),
  );
}

test("entries of two replicas become one set", async () => {
  const { objects, segments } = newStore();
  const rows = [...seconds(0, 200, "a"), ...seconds(0, 50, "b")];
  await putSegment(objects, 1, rows);
  await putSegment(objects, 2, rows);
  const { compactor, merged } = testCompactor({ objects, segments, clock });
  await compactor.runOnce(never);
  assert.equal(merged[0]!.droppedEntries, 250);
  assert.deepEqual(await readAll(segments), expectedOf([rows]));
});

test("a query sees everything once, whenever it was planned and whenever it reads", async () => {
  const inputs = [seconds(0, 50), seconds(30, 90), seconds(90, 120)];
  const { objects, segments } = newStore();
  for (const [n, rows] of inputs.slice(0, 3).entries()) await putSegment(objects, n, rows);
  const wanted = expectedOf([[...new Set(inputs.flat())]]);
  let looks = 0;
  // Queries between any two steps of the merge, in this store's view and in that of another process.
  const during = watched(objects, async () => {
    looks++;
    assert.deepEqual(distinct(await readAll(segments)), wanted);
    assert.deepEqual(distinct(await readAll(new SegmentStore({ objects }))), wanted);
  });
  const { compactor } = testCompactor({
    objects: during,
    segments,
    clock,
    policy: { deleteDelayMs: 10 * minute },
  });
  const plannedBefore = await planAll(segments);
  await compactor.runOnce(never);
  assert.ok(looks > 8, `${looks} looks`);
  const plannedAfter = await planAll(segments);
  assert.notDeepEqual(
    plannedAfter.map(({ facts }) => facts.source),
    plannedBefore.map(({ facts }) => facts.source),
  );
  assert.deepEqual(distinct(await readPlanned(segments, plannedBefore)), wanted);
  assert.deepEqual(await readPlanned(segments, plannedAfter), wanted);
  clock.advance(10 * minute);
  await compactor.runOnce(never);
  assert.equal((await segments.figures("fake")).objectCount, 1);
  assert.deepEqual(await readPlanned(segments, plannedAfter), wanted);
});

/** The same store, with a look before and after every step. */
function watched(objects: MemoryObjectStore, look: () => Promise<void>): ObjectStore {
  const around = async <T>(task: () => Promise<T>): Promise<T> => {
    await look();
    const result = await task();
    await look();
    return result;
  };
  return {
    name: "watched",
    get: (key, options) => around(() => objects.get(key, options)),
    put: (key, body, options) => around(() => objects.put(key, body, options)),
    delete: (key, options) => around(() => objects.delete(key, options)),
    head: (key, options) => around(() => objects.head(key, options)),
    list: (prefix, options) => objects.list(prefix, options),
    listFolders: (prefix, options) => objects.listFolders(prefix, options),
  };
}

/** As a query does with entries that two segments both have. */
function distinct(found: Map<string, string[]>): Map<string, string[]> {
  return new Map([...found].map(([app, entries]) => [app, [...new Set(entries)]]));
}

async function keysOf(objects: MemoryObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list("v1/")) keys.push(key);
  return keys;
}

test("sources are deleted after the delay and not before, also by the next process", async () => {
  const { objects, segments } = newStore();
  for (let n = 0; n < 3; n++) await putSegment(objects, n, seconds(n * 10, n * 10 + 10));
  const policy = { deleteDelayMs: 10 * minute };
  const first = testCompactor({ objects, segments, clock, policy });
  await first.compactor.runOnce(never);
  assert.equal((await keysOf(objects)).length, 4);
  assert.equal(first.compactor.status().waitingDeletes, 3);
  clock.advance(10 * minute - 1);
  await first.compactor.runOnce(never);
  assert.equal((await keysOf(objects)).length, 4);
  // The next process does not know since when they are replaced: it waits again.
  const nextSegments = new SegmentStore({ objects });
  const next = testCompactor({ objects, segments: nextSegments, clock, policy });
  await next.compactor.runOnce(never);
  clock.advance(1);
  await next.compactor.runOnce(never);
  assert.equal((await keysOf(objects)).length, 4);
  clock.advance(10 * minute);
  await next.compactor.runOnce(never);
  assert.deepEqual(await keysOf(objects), [first.merged[0]!.key]);
  assert.equal(next.deleted.length, 3);
  assert.equal(next.compactor.status().waitingDeletes, 0);
});

test("a segment merged again names what its sources replaced as long as it exists", async () => {
  const { objects, segments } = newStore();
  for (let n = 0; n < 2; n++) await putSegment(objects, n, seconds(n * 10, n * 10 + 10));
  const policy = { deleteDelayMs: 10 * minute };
  const { compactor, merged } = testCompactor({ objects, segments, clock, policy });
  await compactor.runOnce(never);
  segments.add(await putSegment(objects, 5, seconds(50, 60)));
  await compactor.runOnce(never);
  assert.deepEqual(
    merged[1]!.replaces,
    [idOf(0), idOf(1), idOf(5), idOfKey(merged[0]!.key)].sort(),
  );
  const wanted = expectedOf([seconds(0, 20), seconds(50, 60)]);
  assert.deepEqual(await readAll(new SegmentStore({ objects })), wanted);
  clock.advance(10 * minute);
  await compactor.runOnce(never);
  assert.deepEqual(await keysOf(objects), [merged[1]!.key]);
  assert.deepEqual(await readAll(new SegmentStore({ objects })), wanted);
});

function idOfKey(key: string): string {
  return /-([0-9a-f]{28})-/.exec(key)![1]!;
}

async function damage(objects: MemoryObjectStore, key: string, at: number): Promise<void> {
  const bytes = await objects.get(key);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  await objects.put(key, bytes);
}

for (const [where, at] of [
  ["block", 20],
  ["footer", -100],
] as const) {
  test(`a segment with a damaged ${where} is left out, never deleted, and told of once`, async () => {
    const { objects, segments } = newStore();
    const keys: string[] = [];
    for (let n = 0; n < 5; n++)
      keys.push(await putSegment(objects, n, seconds(n * 10, n * 10 + 9)));
    await damage(objects, keys[1]!, at);
    const { compactor, leftOut, merged, failures } = testCompactor({ objects, segments, clock });
    await compactor.runOnce(never);
    await compactor.runOnce(never);
    assert.deepEqual(failures, []);
    assert.deepEqual(
      leftOut.map(({ segment }) => segment.key),
      [keys[1]],
    );
    // Nothing is merged across it.
    assert.deepEqual(await keysOf(objects), [keys[0]!, keys[1]!, merged[0]!.key].sort());
  });
}

test("after a crash a merged segment that does not read back goes, and its sources stay", async () => {
  const { objects, segments } = newStore();
  for (let n = 0; n < 3; n++) await putSegment(objects, n, seconds(n * 10, n * 10 + 10));
  const wanted = expectedOf([seconds(0, 30)]);
  const policy = { deleteDelayMs: 10 * minute };
  const first = testCompactor({ objects, segments, clock, policy });
  await first.compactor.runOnce(never);
  await damage(objects, first.merged[0]!.key, 20);
  const nextSegments = new SegmentStore({ objects });
  const next = testCompactor({ objects, segments: nextSegments, clock });
  await next.compactor.runOnce(never);
  assert.deepEqual(await readAll(nextSegments), wanted);
  await next.compactor.runOnce(never);
  assert.deepEqual(await readAll(nextSegments), wanted);
  assert.deepEqual(await keysOf(objects), [next.merged[0]!.key]);
  // The same inputs give the same object.
  assert.equal(next.merged[0]!.key, first.merged[0]!.key);
});

test("journal ranges are joined, those of dropped records go", async () => {
  const { objects, segments } = newStore();
  const at = (journalId: string, fromSequence: number, toSequence: number) => ({
    journal: [{ journalId, fromSequence, toSequence }],
  });
  await putSegment(objects, 1, seconds(0, 5), at("a", 1, 10));
  await putSegment(objects, 2, seconds(5, 9), at("a", 10, 20));
  await putSegment(objects, 3, seconds(9, 12), at("b", 1, 10));
  const firstSequenceOf = (id: string): number | undefined => (id === "b" ? 10 : undefined);
  const { compactor } = testCompactor({ objects, segments, clock, firstSequenceOf });
  await compactor.runOnce(never);
  assert.deepEqual(await segments.coveredSequences("fake", testDay), at("a", 1, 20).journal);
});

test("sections of other rooms are merged by whom it concerns, unknown ones dropped", async () => {
  const { objects, segments } = newStore();
  for (let n = 0; n < 3; n++) {
    const sections = [200, 201].map((kind) => ({ kind, bytes: Buffer.from(`${kind}:${n} `) }));
    await putSegment(objects, n, seconds(n * 10, n * 10 + 10), { sections });
  }
  const mergeSection = (kind: number, all: readonly Buffer[]): Buffer | undefined =>
    kind === 200 ? Buffer.concat(all) : undefined;
  const { compactor } = testCompactor({ objects, segments, clock, mergeSection });
  await compactor.runOnce(never);
  const start = dayStartNs(testDay);
  const select = { tenant: "fake", range: { fromNs: start, toNs: start + nsPerDay } };
  const of = async (kind: number): Promise<string[]> =>
    (await segments.sections(select, kind, readOptions())).map((one) => one.toString());
  assert.deepEqual(await of(200), ["200:0 200:1 200:2 "]);
  assert.deepEqual(await of(201), []);
});

test("segments that retention is about to drop are left alone", async () => {
  const { objects, segments } = newStore();
  for (let n = 0; n < 4; n++) await putSegment(objects, n, seconds(n * 10, n * 10 + 10));
  const isLeaving = ({ id }: ListedSegment): boolean => id <= idOf(1);
  const { compactor, merged } = testCompactor({ objects, segments, clock, isLeaving });
  await compactor.runOnce(never);
  assert.deepEqual(
    merged[0]!.inputs.map(({ id }) => id),
    [idOf(2), idOf(3)],
  );
});

test("bounds that keys do not tell: streams and line bytes", async () => {
  for (const policy of [{ streamsMax: 3 }, { lineBytesMax: 400 }]) {
    const { objects, segments } = newStore();
    const inputs: TestRow[][] = [];
    for (let n = 0; n < 4; n++) {
      inputs.push(seconds(n * 20, n * 20 + 20, `app${n}`));
      await putSegment(objects, n, inputs[n]!);
    }
    const { compactor, leftOut, failures } = testCompactor({ objects, segments, clock, policy });
    await compactor.runOnce(never);
    assert.deepEqual(failures, []);
    assert.ok(leftOut.length > 0 || (await keysOf(objects)).length > 1, JSON.stringify(policy));
    assert.deepEqual(await readAll(segments), expectedOf(inputs));
  }
});

test("a merge holds two blocks per input, however long the streams are", async () => {
  const { objects, segments } = newStore();
  const random = seededRandom(7);
  const inputs: TestRow[][] = [];
  for (let n = 0; n < 6; n++) {
    const rows: TestRow[] = [];
    for (const app of ["fat", "fatter", "thin1", "thin2", "thin3"]) {
      const count = app.startsWith("fat") ? 3000 : 30;
      for (let i = 0; i < count; i++) {
        const ms = Math.floor(random.fraction() * 86_400_000);
        rows.push({ app, ms, line: `line ${n} ${i} of ${app}` });
      }
    }
    inputs.push(rows);
    const options = { blockTargetBytes: 2048, thinStreamBytes: 2000 };
    await putSegment(objects, n, rows, { options });
  }
  const { compactor, merged } = testCompactor({ objects, segments, clock });
  await compactor.runOnce(never);
  const { blocksRead, blocksHeldMax, readEntries } = merged[0]!;
  assert.equal(readEntries, inputs.flat().length);
  assert.ok(blocksRead > 300, `${blocksRead} blocks`);
  assert.ok(blocksHeldMax <= 3 * inputs.length, `${blocksHeldMax} blocks in memory`);
  assert.deepEqual(await readAll(segments), expectedOf(inputs));
});

test("what fails for one day is told, and the next round tries again", async () => {
  const { objects, segments } = newStore();
  for (let n = 0; n < 3; n++) await putSegment(objects, n, seconds(n * 10, n * 10 + 10));
  const { compactor, failures, merged } = testCompactor({ objects, segments, clock });
  const put = objects.put.bind(objects);
  objects.put = () => Promise.reject(new Error("no room"));
  await compactor.runOnce(never);
  assert.equal(failures.length, 1);
  assert.equal(merged.length, 0);
  assert.deepEqual(await readAll(segments), expectedOf([seconds(0, 30)]));
  objects.put = put;
  await compactor.runOnce(never);
  assert.equal(merged.length, 1);
  const { state, mergedSegments, lastSuccessMs } = compactor.status();
  assert.deepEqual([state, mergedSegments, lastSuccessMs], ["idle", 3, clock.nowMs()]);
});

test("the background task goes round by round and ends when aborted", async () => {
  const { objects, segments } = newStore();
  const own = new ManualClock({ nowMs: afterMs });
  const { compactor, merged } = testCompactor({ objects, segments, clock: own });
  const stop = new AbortController();
  const ended = compactor.run(stop.signal).catch((error: unknown) => error);
  for (let n = 0; n < 2; n++) {
    segments.add(await putSegment(objects, n, seconds(n * 10, n * 10 + 10)));
  }
  while (merged.length === 0) await own.advanceAndSettle(60_000);
  stop.abort();
  await ended;
  assert.equal(merged.length, 1);
});

test("a merged segment keeps its place among those that are not merged", async () => {
  const { objects, segments } = newStore();
  const inputs = [1, 2, 3, 4, 5].map((n) => rowsOf("a", [7, 8], `of ${n}`));
  for (const [n, rows] of inputs.entries()) await putSegment(objects, n, rows);
  const isLeaving = ({ id }: ListedSegment): boolean => id === idOf(0) || id === idOf(4);
  const { compactor, merged } = testCompactor({ objects, segments, clock, isLeaving });
  await compactor.runOnce(never);
  assert.equal(merged[0]!.inputs.length, 3);
  assert.deepEqual(await readAll(segments), expectedOf(inputs));
});
