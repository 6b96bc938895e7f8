/**
 * Skip filters through the store. testdata/golden-2.seg holds filters as they were first written
 * and must be readable forever; SKALD_WRITE_GOLDEN=2 writes it anew, which is only right under a
 * new name.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { dayStartNs, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { type LabelTerm, newReadCounters, type ReadOptions } from "#storage";
import { seededRandom, systemClock } from "#world";
import { type BuiltSegment, buildSegment, type SegmentOptions } from "./build-segment.ts";
import { inspectSegment } from "./inspect-segment.ts";
import { segmentStreamsOf, type TestEntry } from "./plain-entries.ts";
import { SegmentStore } from "./segment-store.ts";

const day = 20_513;
const start = dayStartNs(day);
const id = "019ad5c3e8000123456789abcdef";
const file = (name: string): URL => new URL(`./testdata/${name}`, import.meta.url);

/** Lines with ids that nobody else has, told apart by the stream's name. */
function linesOf(app: string, count: number, seed: number): TestEntry[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => ({
    timeNs: start + BigInt(i) * 1_000_000_000n,
    line: `level=info app=${app} msg="request handled" trace=${random.bytes(12).toString("hex")}`,
  }));
}

const apps = ["alpha", "bravo", "charlie"];
const streams = apps.map((app, i) => ({ labels: { app }, entries: linesOf(app, 500, i + 1) }));
/** The last one has metadata. */
streams[2]!.entries = streams[2]!.entries.map((entry, i) => ({
  ...entry,
  metadata: { order: `order-${i * 7}`, kind: "retail" },
}));

function build(options: Partial<SegmentOptions> = {}): Promise<BuiltSegment> {
  return buildSegment(
    {
      tenant: "golden",
      day,
      streams: segmentStreamsOf(streams),
      journal: [],
      replaces: ["019ad5c3e7ff0123456789abcdef"],
    },
    { id, thinStreamBytes: 1000, ...options },
  );
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

async function storeOf(key: string, bytes: Buffer): Promise<SegmentStore> {
  const objects = new MemoryObjectStore(systemClock);
  await objects.put(key, bytes);
  return new SegmentStore({ objects });
}

const select = {
  tenant: "golden",
  matchers: [],
  range: { fromNs: start, toNs: start + nsPerDay },
};

interface Found {
  readonly lines: string[];
  readonly skippedBlocks: number;
  readonly skippedBy: ReadonlyMap<string, number>;
}

/** Lines that hold the text, read from the blocks that are left. */
async function find(store: SegmentStore, text: string, options = readOptions()): Promise<Found> {
  const skip = { lineTerms: [[Buffer.from(text)]] };
  const plan = await store.plan(select, skip, options);
  for (const warning of plan.warnings) options.warn(warning);
  const needs = { lines: true, lengths: false, metadata: [] };
  const lines: string[] = [];
  for await (const block of store.read(plan.blocks, needs, options)) {
    lines.push(...block.lines!.texts().filter((line) => line.includes(text)));
  }
  const { skippedBlocks, skippedBy = new Map<string, number>() } = plan;
  return { lines, skippedBlocks, skippedBy };
}

const someLine = streams[1]!.entries[77]!.line;
const someTrace = someLine.slice(someLine.indexOf("trace=") + 6);

const claims: { text: string; lineCount: number; skippedBy: Record<string, number> }[] = [
  { text: "nowhere", lineCount: 0, skippedBy: { trigrams: 3 } },
  { text: "bravo", lineCount: 500, skippedBy: { trigrams: 2 } },
  { text: someTrace, lineCount: 1, skippedBy: { trigrams: 2 } },
  { text: "request", lineCount: 1500, skippedBy: {} },
  { text: "b", lineCount: 1500, skippedBy: {} },
];
for (const { text, lineCount, skippedBy } of claims) {
  test(`${JSON.stringify(text)} leaves out ${JSON.stringify(skippedBy)}`, async () => {
    const { key, parts } = await build();
    const found = await find(await storeOf(key, Buffer.concat(parts)), text);
    const all = streams.flatMap(({ entries }) => entries.map(({ line }) => line));
    const wanted = all.filter((line) => line.includes(text));
    assert.ok(wanted.length >= Math.min(1, lineCount));
    assert.deepEqual(found.lines, wanted);
    assert.deepEqual(Object.fromEntries(found.skippedBy), skippedBy);
    const sum = Object.values(skippedBy).reduce((total, count) => total + count, 0);
    assert.equal(found.skippedBlocks, sum);
  });
}

const labelClaims: { term: LabelTerm; skippedBlocks: number }[] = [
  { term: { name: "order", value: "order-77", lines: undefined }, skippedBlocks: 2 },
  { term: { name: "order", value: "order-78", lines: undefined }, skippedBlocks: 3 },
  { term: { name: "kind", value: "retail", lines: undefined }, skippedBlocks: 2 },
  { term: { name: "kind", value: "order-77", lines: undefined }, skippedBlocks: 3 },
  { term: { name: "app", value: "alpha", lines: undefined }, skippedBlocks: 2 },
  { term: { name: "app", value: "", lines: undefined }, skippedBlocks: 0 },
  { term: { name: "trace", value: someTrace, lines: undefined }, skippedBlocks: 3 },
  { term: { name: "trace", value: someTrace, lines: [someTrace] }, skippedBlocks: 2 },
  { term: { name: "trace", value: someTrace, lines: [someTrace, "info"] }, skippedBlocks: 0 },
  { term: { name: "trace", value: "x", lines: ["x"] }, skippedBlocks: 0 },
  { term: { name: "order", value: "order-77", lines: ["nowhere"] }, skippedBlocks: 2 },
].map(({ term: { name, value, lines }, skippedBlocks }) => ({
  term: { name, value, lines: lines?.map((text) => Buffer.from(text)) },
  skippedBlocks,
}));
for (const { term, skippedBlocks } of labelClaims) {
  const where = term.lines === undefined ? "" : ` parsed from ${term.lines.join(" or ")}`;
  test(`${term.name}="${term.value}"${where} leaves out ${skippedBlocks} blocks`, async () => {
    const { key, parts } = await build();
    const store = await storeOf(key, Buffer.concat(parts));
    const plan = await store.plan(select, { lineTerms: [], labelTerms: [term] }, readOptions());
    assert.equal(plan.skippedBlocks, skippedBlocks);
    assert.equal(plan.skippedBy?.get("labels") ?? 0, skippedBlocks);
  });
}

test("no value that metadata has is ever ruled out", async () => {
  const { key, parts } = await build();
  const store = await storeOf(key, Buffer.concat(parts));
  for (const { metadata } of streams[2]!.entries) {
    const term = { name: "order", value: metadata!["order"]!, lines: undefined };
    const plan = await store.plan(select, { lineTerms: [], labelTerms: [term] }, readOptions());
    assert.equal(plan.blocks.length, 1);
  }
});

test("footer and small filters cost one GET, and none when asked again", async () => {
  const { key, parts } = await build();
  const store = await storeOf(key, Buffer.concat(parts));
  for (const getRequests of [1, 0]) {
    const options = readOptions();
    await find(store, "nowhere", options);
    assert.equal(options.counters.getRequests, getRequests);
  }
});

test("filters are fetched apart when the footer is known, when they can help", async () => {
  const { key, parts } = await build();
  const store = await storeOf(key, Buffer.concat(parts));
  const gets: number[] = [];
  for (const text of ["", "ab", "nowhere", "nowhere"]) {
    const options = readOptions();
    await store.plan(select, { lineTerms: [[Buffer.from(text)]] }, options);
    gets.push(options.counters.getRequests);
  }
  assert.deepEqual(gets, [1, 0, 1, 0]);
});

const depths: { filters: SegmentOptions["filters"]; reasons: string[] }[] = [
  { filters: "none", reasons: [] },
  { filters: "trigrams", reasons: ["trigrams"] },
  { filters: "all", reasons: ["trigrams"] },
];
for (const { filters, reasons } of depths) {
  test(`a segment with ${filters} rules out by ${JSON.stringify(reasons)}`, async () => {
    const { key, parts } = await build({ filters: filters! });
    const { skippedBy } = await find(await storeOf(key, Buffer.concat(parts)), "nowhere");
    assert.deepEqual([...skippedBy.keys()], reasons);
  });
}

async function writeGolden(): Promise<void> {
  const built = await build();
  const bytes = Buffer.concat(built.parts);
  writeFileSync(file("golden-2.seg"), bytes);
  writeFileSync(file("golden-2.txt"), `${inspectSegment(built.key, bytes).lines.join("\n")}\n`);
}
if (process.env["SKALD_WRITE_GOLDEN"] === "2") await writeGolden();

const golden = readFileSync(file("golden-2.seg"));
const description = readFileSync(file("golden-2.txt"), "utf8");
const goldenKey = /^segment (.*)$/m.exec(description)![1]!;

test("the golden filters rule out what they ever ruled out", async () => {
  const { lines, problems } = inspectSegment(goldenKey, golden);
  assert.equal(`${lines.join("\n")}\n`, description);
  assert.deepEqual(problems, []);
  const store = await storeOf(goldenKey, golden);
  for (const { text, lineCount, skippedBy } of claims.slice(0, 4)) {
    const found = await find(store, text);
    assert.equal(found.lines.length, lineCount);
    assert.deepEqual(Object.fromEntries(found.skippedBy), skippedBy);
  }
});

test("a damaged filter is found by inspection, told by the query, and loses nothing", async () => {
  const filters = [...description.matchAll(/skip filter of [\w ]+ at (\d+): (\d+) of/g)];
  assert.equal(filters.length, 7);
  for (const [, offset, size] of filters) {
    for (let at = 0; at < Number(size); at += 97) {
      const damaged = Buffer.from(golden);
      damaged[Number(offset) + at]! ^= 4;
      assert.equal(inspectSegment(goldenKey, damaged).problems.length, 1);
      const options = readOptions();
      const { lines } = await find(await storeOf(goldenKey, damaged), someTrace, options);
      assert.deepEqual(lines, [someLine]);
      assert.match(options.warnings[0]!, /^skip filter left out: .* crc /);
    }
  }
});
