/**
 * testdata/golden-1.seg was written by version 1 and must be readable forever. SKALD_WRITE_GOLDEN=1
 * writes it anew, which is only right for a new version under a new name.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { isStoreError } from "#base";
import { dayStartNs, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { newReadCounters } from "#storage";
import { systemClock } from "#world";
import { buildSegment } from "./build-segment.ts";
import { inspectSegment } from "./inspect-segment.ts";
import { segmentStreamsOf, type TestEntry } from "./plain-entries.ts";
import { formatSegmentKey, parseSegmentKey } from "./segment-key.ts";
import { SegmentStore } from "./segment-store.ts";

const day = 20_513;
const start = dayStartNs(day);
const file = (name: string): URL => new URL(`./testdata/${name}`, import.meta.url);

/** A fat stream in two blocks, thin ones in a shared one, every kind of line and metadata. */
function goldenStreams(): { labels: Record<string, string>; entries: TestEntry[] }[] {
  const fat = Array.from({ length: 120 }, (_, i) => ({
    timeNs: start + BigInt(i) * 250_000_000n,
    line: `level=${i % 7 === 0 ? "error" : "info"} request=${(i * 7919) % 1000} path=/api/v1/items`,
    metadata: {
      detected_level: i % 7 === 0 ? "error" : "info",
      ...(i % 3 === 0 ? {} : { trace_id: `trace-${i}` }),
    },
  }));
  const odd = ["", "two\nlines", "für 🦊", "plain"].map((line, i) => ({
    timeNs: start + 86_399_999_999_990n + BigInt(i),
    line,
  }));
  const thin = Array.from({ length: 6 }, (_, s) => ({
    labels: { app: "thin", pod: `pod-${s}` },
    entries: [{ timeNs: start + BigInt(s) * 1_000_000_007n, line: `from pod ${s}` }],
  }));
  return [
    { labels: { app: "fat", namespace: "prod" }, entries: fat },
    { labels: { app: "odd" }, entries: odd },
    ...thin,
  ];
}

async function writeGolden(): Promise<void> {
  const built = await buildSegment(
    {
      tenant: "golden",
      day,
      streams: segmentStreamsOf(goldenStreams()),
      journal: [{ journalId: "journal-3", fromSequence: 17, toSequence: 42 }],
      replaces: ["019ad5c3e7ff0123456789abcdef"],
    },
    { id: "019ad5c3e8000123456789abcdef", blockTargetBytes: 2500, thinStreamBytes: 1000 },
  );
  const bytes = Buffer.concat(built.parts);
  writeFileSync(file("golden-1.seg"), bytes);
  writeFileSync(file("golden-1.txt"), `${inspectSegment(built.key, bytes).lines.join("\n")}\n`);
}

if (process.env["SKALD_WRITE_GOLDEN"] === "1") await writeGolden();

const golden = readFileSync(file("golden-1.seg"));
const description = readFileSync(file("golden-1.txt"), "utf8");
const key = /^segment (.*)$/m.exec(description)![1]!;

/** Every entry as text, sorted. */
function textsOf(
  streams: readonly { labels: Record<string, string>; entries: readonly TestEntry[] }[],
): string[] {
  return streams
    .flatMap(({ labels, entries }) =>
      entries.map(({ timeNs, line, metadata }) =>
        JSON.stringify([labels, `${timeNs}`, line, metadata ?? {}]),
      ),
    )
    .sort();
}

async function readEntries(bytes: Buffer, warnings: string[]): Promise<string[]> {
  const objects = new MemoryObjectStore(systemClock);
  await objects.put(key, bytes);
  const store = new SegmentStore({ objects });
  const options = {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (message: string) => warnings.push(message),
  };
  const range = { fromNs: start, toNs: start + nsPerDay };
  const select = { tenant: "golden", matchers: [], range };
  const plan = await store.plan(select, { lineTerms: [] }, options);
  warnings.push(...plan.warnings);
  const needs = { lines: true, lengths: false, metadata: "all" } as const;
  const texts: string[] = [];
  for await (const block of store.read(plan.blocks, needs, options)) {
    for (let row = 0; row < block.rowCount; row++) {
      const { labels } = block.ref.facts.streams[block.streamOfRow?.[row] ?? 0]!;
      const metadata: Record<string, string> = {};
      for (const { name, ids, values } of block.metadata) {
        if (ids[row] !== 0) metadata[name] = values.text(ids[row]! - 1);
      }
      const timeNs = block.baseNs + BigInt(block.offsets[row]!);
      texts.push(
        JSON.stringify([labels.toRecord(), `${timeNs}`, block.lines!.text(row), metadata]),
      );
    }
  }
  return texts.sort();
}

test("the golden segment gives its entries", async () => {
  const warnings: string[] = [];
  assert.deepEqual(await readEntries(golden, warnings), textsOf(goldenStreams()));
  assert.deepEqual(warnings, []);
});

test("the golden segment is described as ever", () => {
  const { lines, problems } = inspectSegment(key, golden);
  assert.equal(`${lines.join("\n")}\n`, description);
  assert.deepEqual(problems, []);
  assert.equal(formatSegmentKey(parseSegmentKey(key)), key);
});

test("any bit flipped is found by inspection", () => {
  for (let at = 0; at < golden.length; at++) {
    const damaged = Buffer.from(golden);
    damaged[at]! ^= 1 << (at % 8);
    const { problems } = inspectSegment(key, damaged);
    assert.ok(problems.length > 0, `flip at byte ${at} went unseen`);
    assert.match(problems[0]!, /^v1\/golden.* at byte \d+ \(.*\): /);
  }
});

test("a flipped bit costs a block or the segment, with a warning, no other entries", async () => {
  const whole = new Set(textsOf(goldenStreams()));
  for (let at = 8; at < golden.length; at += 37) {
    const damaged = Buffer.from(golden);
    damaged[at]! ^= 1 << (at % 8);
    const warnings: string[] = [];
    const found = await readEntries(damaged, warnings);
    assert.ok(warnings.length > 0, `flip at byte ${at} went unseen`);
    assert.ok(found.length < whole.size);
    for (const text of found) assert.ok(whole.has(text), `flip at byte ${at} gave ${text}`);
  }
});

test("a cut segment is corrupt wherever it is cut", async () => {
  for (let size = 0; size < golden.length; size += 41) {
    const cut = golden.subarray(0, size);
    assert.ok(inspectSegment(key, cut).problems.length > 0, `cut at ${size} went unseen`);
    const warnings: string[] = [];
    assert.deepEqual(await readEntries(cut, warnings), []);
    assert.match(warnings[0]!, /bytes expected but/);
  }
});

test("a segment under the key of another tenant, day or id is refused", async () => {
  for (const change of [{ tenant: "fake" }, { id: "f".repeat(28) }]) {
    const objects = new MemoryObjectStore(systemClock);
    const wrong = { ...parseSegmentKey(key), ...change };
    await objects.put(formatSegmentKey(wrong), golden);
    const options = {
      signal: new AbortController().signal,
      counters: newReadCounters(),
      warn: () => assert.fail("nothing to read"),
    };
    const range = { fromNs: start, toNs: start + nsPerDay };
    const select = { tenant: wrong.tenant, matchers: [], range };
    const store = new SegmentStore({ objects });
    const { blocks, warnings } = await store.plan(select, { lineTerms: [] }, options);
    assert.deepEqual(blocks, []);
    assert.match(warnings[0]!, /written as tenant golden/);
  }
});

test("a file that is no segment is a problem, not a crash", () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(31), Buffer.alloc(5000, 0xff)]) {
    const { problems } = inspectSegment("some-file", bytes);
    assert.ok(problems.length > 0);
  }
  try {
    parseSegmentKey("some-file");
    assert.fail("parsed");
  } catch (error) {
    assert.ok(isStoreError(error, "corrupt"));
  }
});
