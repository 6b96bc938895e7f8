import assert from "node:assert/strict";
import { test } from "node:test";
import { dayStartNs, Labels, type Matcher, type MatchOp, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { newReadCounters, type ReadOptions } from "#storage";
import { systemClock } from "#world";
import { type BuiltSegment, buildSegment, type SegmentInput } from "./build-segment.ts";
import { segmentStreamsOf, type TestEntry } from "./plain-entries.ts";
import { SegmentStore } from "./segment-store.ts";

const day = 20_513;
const start = dayStartNs(day);
const wholeDay = { fromNs: start, toNs: start + nsPerDay };
const linesOnly = { lines: true, lengths: false, metadata: [] };
const second = 1_000_000_000n;

function idOf(n: number): string {
  return n.toString(16).padStart(12, "0") + "00000000000000aa";
}

type Streams = { labels: Record<string, string>; entries: TestEntry[] }[];

async function put(
  objects: MemoryObjectStore,
  n: number,
  streams: Streams,
  more: Partial<SegmentInput> = {},
): Promise<BuiltSegment> {
  const input = { tenant: "fake", day, streams: segmentStreamsOf(streams) };
  const built = await buildSegment(
    { journal: [], replaces: [], ...input, ...more },
    { id: idOf(n) },
  );
  await objects.put(built.key, built.parts);
  return built;
}

function entriesAt(line: string, seconds: readonly number[]): TestEntry[] {
  return seconds.map((s) => ({ timeNs: start + BigInt(s) * second, line: `${line} ${s}` }));
}

function matcher(name: string, op: MatchOp, value: string): Matcher {
  const regex = new RegExp(`^(?:${value})$`);
  const isPositive = op === "=" || op === "=~";
  const holds = op.endsWith("~")
    ? (text: string) => regex.test(text)
    : (text: string) => text === value;
  return { name, op, value, test: (text) => holds(text) === isPositive };
}

function readOptions(): ReadOptions & { warnings: string[] } {
  const warnings: string[] = [];
  return {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (message) => warnings.push(message),
    warnings,
  };
}

async function linesOf(
  store: SegmentStore,
  matchers: readonly Matcher[] = [],
  range = wholeDay,
  options = readOptions(),
): Promise<string[]> {
  const select = { tenant: "fake", matchers, range };
  const plan = await store.plan(select, { lineTerms: [] }, options);
  for (const warning of plan.warnings) options.warn(warning);
  const lines: string[] = [];
  for await (const block of store.read(plan.blocks, linesOnly, options)) {
    lines.push(...block.lines!.texts());
  }
  return lines;
}

const streams: Streams = [
  { labels: { app: "a", env: "prod" }, entries: entriesAt("a-prod", [1, 5]) },
  { labels: { app: "a", env: "dev" }, entries: entriesAt("a-dev", [2]) },
  { labels: { app: "b" }, entries: entriesAt("b", [3, 9]) },
];

const selections: { matchers: Matcher[]; lines: string[] }[] = [
  { matchers: [], lines: ["a-dev 2", "a-prod 1", "a-prod 5", "b 3", "b 9"] },
  { matchers: [matcher("app", "=", "a")], lines: ["a-dev 2", "a-prod 1", "a-prod 5"] },
  { matchers: [matcher("app", "!=", "a")], lines: ["b 3", "b 9"] },
  { matchers: [matcher("env", "=", "")], lines: ["b 3", "b 9"] },
  { matchers: [matcher("env", "!=", "")], lines: ["a-dev 2", "a-prod 1", "a-prod 5"] },
  { matchers: [matcher("env", "=~", "prod|")], lines: ["a-prod 1", "a-prod 5", "b 3", "b 9"] },
  { matchers: [matcher("env", "!~", "d.*")], lines: ["a-prod 1", "a-prod 5", "b 3", "b 9"] },
  { matchers: [matcher("nope", "=", "x")], lines: [] },
  { matchers: [matcher("nope", "!=", "x"), matcher("app", "=~", "b")], lines: ["b 3", "b 9"] },
];
for (const { matchers, lines } of selections) {
  const text = matchers.map(({ name, op, value }) => `${name}${op}"${value}"`).join(", ");
  test(`{${text}} gives ${JSON.stringify(lines)}`, async () => {
    const objects = new MemoryObjectStore(systemClock);
    await put(objects, 1, streams);
    const found = await linesOf(new SegmentStore({ objects }), matchers);
    assert.deepEqual(
      found.sort((a, b) => a.localeCompare(b)),
      lines,
    );
  });
}

test("facts of a shared block are those of the streams that were asked for", async () => {
  const objects = new MemoryObjectStore(systemClock);
  const level = (name: string): TestEntry[] =>
    entriesAt(name, [1, 2]).map((entry) => ({ ...entry, metadata: { detected_level: name } }));
  await put(objects, 1, [
    { labels: { app: "a" }, entries: level("info") },
    { labels: { app: "b" }, entries: level("warn") },
  ]);
  const store = new SegmentStore({ objects });
  const select = { tenant: "fake", matchers: [matcher("app", "=", "b")], range: wholeDay };
  const { blocks } = await store.plan(select, { lineTerms: [] }, readOptions());
  const { facts } = blocks[0]!;
  assert.equal(facts.entryCount, 2);
  assert.equal(facts.lineBytes, "warn 1".length * 2);
  assert.deepEqual([...facts.levelCounts], [["warn", 2]]);
  assert.equal(facts.minNs, start + second);
  assert.equal(facts.maxNs, start + 2n * second);
});

test("label questions respect the range", async () => {
  const objects = new MemoryObjectStore(systemClock);
  await put(objects, 1, streams);
  const store = new SegmentStore({ objects });
  const range = { fromNs: start + 2n * second, toNs: start + 5n * second };
  const select = { tenant: "fake", matchers: [], range };
  const options = readOptions();
  const series = await store.series(
    { ...select, range: { ...range, toNs: range.fromNs + 1n } },
    options,
  );
  assert.deepEqual(
    series.map((labels) => labels.toString()),
    ['{app="a", env="dev"}', '{app="a", env="prod"}'],
  );
  assert.deepEqual(await store.labelNames(select, options), ["app", "env"]);
  const late = { ...select, range: { fromNs: start + 6n * second, toNs: start + 60n * second } };
  assert.deepEqual(await store.labelNames(late, options), ["app"]);
  assert.deepEqual(await store.labelValues(late, "app", options), ["b"]);
  assert.deepEqual(await store.labelValues(select, "env", options), ["dev", "prod"]);
  assert.deepEqual(await store.labelValues(select, "nope", options), []);
});

test("volumes count a run that the range cuts by its share", async () => {
  const objects = new MemoryObjectStore(systemClock);
  const entries = entriesAt(
    "x",
    Array.from({ length: 100 }, (_, i) => i + 100),
  );
  await put(objects, 1, [{ labels: { app: "a" }, entries }]);
  const store = new SegmentStore({ objects });
  const select = {
    tenant: "fake",
    matchers: [],
    range: { ...wholeDay, toNs: start + 125n * second },
  };
  const [volume] = await store.volumes(select, readOptions());
  assert.deepEqual(volume, {
    labels: volume!.labels,
    entryCount: 25,
    lineBytes: 126,
    blockCount: 1,
  });
});

test("a replaced segment is not read, also where its replacement has nothing", async () => {
  const objects = new MemoryObjectStore(systemClock);
  await put(objects, 1, [{ labels: { app: "a" }, entries: entriesAt("deleted", [1, 2]) }]);
  await put(objects, 2, [{ labels: { app: "a" }, entries: entriesAt("other", [3]) }]);
  await put(objects, 3, [{ labels: { app: "a" }, entries: entriesAt("merged", [50]) }], {
    replaces: [idOf(1)],
    journal: [{ journalId: "here", fromSequence: 5, toSequence: 9 }],
  });
  const store = new SegmentStore({ objects });
  const early = { fromNs: start, toNs: start + 10n * second };
  assert.deepEqual(await linesOf(store, [], early), ["other 3"]);
  assert.deepEqual(await store.coveredSequences("fake", day), [
    { journalId: "here", fromSequence: 5, toSequence: 9 },
  ]);
  assert.deepEqual(await store.coveredSequences("fake", day + 1), []);
});

test("added segments are seen at once, those of others after a refresh, gone ones too", async () => {
  const objects = new MemoryObjectStore(systemClock);
  const store = new SegmentStore({ objects });
  assert.deepEqual(await linesOf(store), []);
  const first = await put(objects, 1, [{ labels: { app: "a" }, entries: entriesAt("one", [1]) }]);
  store.add(first.key);
  assert.deepEqual(await linesOf(store), ["one 1"]);
  const merged = await put(objects, 2, [{ labels: { app: "a" }, entries: entriesAt("two", [1]) }], {
    replaces: [idOf(1)],
  });
  assert.deepEqual(await linesOf(store), ["one 1"]);
  await store.refresh();
  assert.deepEqual(await linesOf(store), ["two 1"]);
  assert.deepEqual(await store.figures("fake"), {
    objectCount: 2,
    bytes: first.sizeBytes + merged.sizeBytes,
  });
  const other = new SegmentStore({ objects });
  assert.equal((await other.segments("fake")).length, 2);
  const third = await put(objects, 3, [{ labels: {}, entries: entriesAt("three", [1]) }], {
    replaces: [idOf(1), idOf(2)],
  });
  await objects.delete(first.key);
  await objects.delete(merged.key);
  const options = readOptions();
  assert.deepEqual(await linesOf(other, [], wholeDay, options), ["three 1"]);
  assert.deepEqual(options.warnings, []);
  store.remove(third.key);
  assert.deepEqual(await store.tenants(), ["fake"]);
});

test("a corrupt block is left out and named, the rest read; a footer likewise", async () => {
  const objects = new MemoryObjectStore(systemClock);
  const big = (name: string): TestEntry[] =>
    Array.from({ length: 2000 }, (_, i) => ({
      timeNs: start + BigInt(i),
      line: `${name} ${i} ${"x".repeat(40)}`,
    }));
  const built = await put(objects, 1, [
    { labels: { app: "a" }, entries: big("a") },
    { labels: { app: "b" }, entries: big("b") },
  ]);
  const damaged = Buffer.concat(built.parts);
  damaged[100]! ^= 1;
  await objects.put(built.key, damaged);
  const options = readOptions();
  const lines = await linesOf(new SegmentStore({ objects }), [], wholeDay, options);
  assert.equal(lines.length, 2000);
  assert.ok(lines[0]!.startsWith("b 0 "));
  assert.equal(options.warnings.length, 1);
  assert.match(
    options.warnings[0]!,
    /^block 0 of v1\/fake.*at byte 8 .*crc \d+ expected but \d+ c/,
  );
  damaged[damaged.length - 40]! ^= 1;
  await objects.put(built.key, damaged);
  const after = readOptions();
  assert.deepEqual(await linesOf(new SegmentStore({ objects }), [], wholeDay, after), []);
  assert.match(after.warnings[0]!, /^segment left out: v1\/fake.*crc/);
});

test("counting needs three GETs at most: footer, and the small columns side by side", async () => {
  const objects = new MemoryObjectStore(systemClock);
  const many = Array.from({ length: 40 }, (_, s) => ({
    labels: { app: `app-${s}` },
    entries: Array.from({ length: 900 }, (_, i) => ({
      timeNs: start + BigInt(i * 7919 + s),
      line: `${s} ${i} ${Labels.from({ n: `${i * s}` }).fingerprint}${"-".repeat(60)}`,
    })),
  }));
  const built = await put(objects, 1, many);
  const store = new SegmentStore({ objects });
  const options = readOptions();
  const select = { tenant: "fake", matchers: [], range: wholeDay };
  const { blocks } = await store.plan(select, { lineTerms: [] }, options);
  const needs = { lines: false, lengths: false, metadata: [] };
  let rows = 0;
  for await (const block of store.read(blocks, needs, options)) rows += block.rowCount;
  assert.equal(rows, 36_000);
  assert.ok(options.counters.getRequests <= 3, `${options.counters.getRequests} GETs`);
  assert.ok(options.counters.fetchedBytes < built.sizeBytes / 3);
  await store.plan(select, { lineTerms: [] }, options);
  assert.equal(options.counters.cacheHits, 1);
});

test("a reader that stops early leaves nothing behind", async () => {
  const objects = new MemoryObjectStore(systemClock);
  await put(objects, 1, streams);
  const store = new SegmentStore({ objects });
  const options = readOptions();
  const select = { tenant: "fake", matchers: [], range: wholeDay };
  const { blocks } = await store.plan(select, { lineTerms: [] }, options);
  for await (const block of store.read(blocks, linesOnly, options)) {
    assert.ok(block.rowCount > 0);
    break;
  }
  const aborted = { ...options, signal: AbortSignal.abort(new Error("enough")) };
  await assert.rejects(store.plan(select, { lineTerms: [] }, aborted), /enough/);
  const rest = store.read(blocks, linesOnly, aborted);
  await assert.rejects(async () => {
    for await (const block of rest) assert.fail(`got ${block.rowCount} rows`);
  }, /enough/);
});
