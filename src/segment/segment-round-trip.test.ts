import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareText, dayStartNs, Labels, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { type ColumnNeeds, newReadCounters, type ReadOptions } from "#storage";
import { systemClock } from "#world";
import { segmentStreamsOf, type TestEntry } from "./plain-entries.ts";
import { buildSegment, type SegmentOptions } from "./build-segment.ts";
import { SegmentStore } from "./segment-store.ts";

const day = 20_513;
const startNs = dayStartNs(day);
const id = "019ad5c3e800" + "0123456789abcdef";
const range = { fromNs: startNs, toNs: startNs + nsPerDay };
const everything: ColumnNeeds = { lines: true, lengths: true, metadata: "all" };

interface TestStream {
  readonly labels: Readonly<Record<string, string>>;
  readonly entries: readonly TestEntry[];
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

/** All entries as text, by stream, in the order the store gives them. */
async function readAll(store: SegmentStore): Promise<Map<string, string[]>> {
  const options = readOptions();
  const select = { tenant: "fake", matchers: [], range };
  const { blocks, warnings } = await store.plan(select, { lineTerms: [] }, options);
  assert.deepEqual(warnings, []);
  const found = new Map<string, string[]>();
  for await (const block of store.read(blocks, everything, options)) {
    const { facts } = block.ref;
    for (let row = 0; row < block.rowCount; row++) {
      const stream = facts.streams[block.streamOfRow?.[row] ?? 0]!;
      const metadata: Record<string, string> = {};
      for (const column of block.metadata) {
        const value = column.ids[row]!;
        if (value !== 0) metadata[column.name] = column.values.text(value - 1);
      }
      assert.equal(block.lengths![row], block.lines!.view(row).length);
      const timeNs = block.baseNs + BigInt(block.offsets[row]!);
      const entry = textOf({ timeNs, line: block.lines!.text(row), metadata });
      const name = stream.labels.toString();
      found.set(name, [...(found.get(name) ?? []), entry]);
    }
  }
  assert.deepEqual(options.warnings, []);
  return found;
}

function textOf(entry: TestEntry): string {
  const metadata = Object.entries(entry.metadata ?? {}).sort((a, b) => compareText(a[0], b[0]));
  return JSON.stringify([entry.timeNs.toString(), entry.line, metadata]);
}

/** What must come back: sorted by time, arrival kept, identical entries once. */
function expected(streams: readonly TestStream[]): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  for (const { labels, entries } of streams) {
    if (entries.length === 0) continue;
    const sorted = [...entries].sort((a, b) => Number(a.timeNs - b.timeNs));
    wanted.set(Labels.from(labels).toString(), [...new Set(sorted.map((one) => textOf(one)))]);
  }
  return wanted;
}

async function roundTrip(
  streams: readonly TestStream[],
  options: Partial<SegmentOptions> = {},
): Promise<void> {
  const objects = new MemoryObjectStore(systemClock);
  const input = { tenant: "fake", day, streams: segmentStreamsOf(streams) };
  const built = await buildSegment({ ...input, journal: [], replaces: [] }, { id, ...options });
  await objects.put(built.key, built.parts);
  const found = await readAll(new SegmentStore({ objects }));
  assert.deepEqual(found, expected(streams));
}

const at = (offset: number | bigint): bigint => startNs + BigInt(offset);

const cases: { name: string; streams: TestStream[] }[] = [
  { name: "nothing at all", streams: [] },
  {
    name: "lines that are empty, have newlines or are not ASCII",
    streams: [
      {
        labels: { app: "a" },
        entries: ["", "\n", "a\nb\n", "für", "🦊\u{10ffff}", " "].map((line, i) => ({
          timeNs: at(i),
          line,
        })),
      },
    ],
  },
  {
    name: "a line of a mebibyte",
    streams: [{ labels: {}, entries: [{ timeNs: at(5), line: "x".repeat(1024 * 1024) }] }],
  },
  {
    name: "equal times keep their order of arrival, identical entries come once",
    streams: [
      {
        labels: { app: "a" },
        entries: Array.from({ length: 200 }, (_, i) => ({
          timeNs: at((i % 3) * 1_000_000),
          line: `line ${(i * 7) % 40}`,
          metadata: { level: i % 2 === 0 ? "info" : "warn" },
        })),
      },
    ],
  },
  {
    name: "one value of metadata per row, some without, and a name of its own per row",
    streams: [
      {
        labels: { app: "a" },
        entries: Array.from({ length: 500 }, (_, i) => ({
          timeNs: at(i * 1000),
          line: `l${i}`,
          metadata: {
            ...(i % 5 === 0 ? {} : { trace_id: `t${i}` }),
            detected_level: ["info", "warn"][i % 2]!,
            ...(i % 50 === 0 ? { [`name ${i}`]: "" } : {}),
          },
        })),
      },
    ],
  },
  {
    name: "first and last nanosecond of the day",
    streams: [
      {
        labels: { app: "a" },
        entries: [0n, nsPerDay - 1n].map((offset) => ({ timeNs: at(offset), line: "edge" })),
      },
    ],
  },
  {
    name: "many thin streams",
    streams: Array.from({ length: 300 }, (_, s) => ({
      labels: { app: `a${s % 7}`, pod: `p${s}` },
      entries: Array.from({ length: 1 + (s % 4) }, (_, i) => ({
        timeNs: at(s * 1_000_000_000 + i),
        line: `stream ${s} line ${i}`,
      })),
    })),
  },
];

for (const { name, streams } of cases) {
  test(`comes back: ${name}`, () => roundTrip(streams));
  test(`comes back from small blocks: ${name}`, () =>
    roundTrip(streams, { blockTargetBytes: 300, thinStreamBytes: 100 }));
}

const entries = fc.array(
  fc.record({
    timeNs: fc
      .oneof(
        fc.nat(3),
        fc.nat(86_399).map((s) => s * 1e9),
        fc.nat(86_399_999_999_999),
      )
      .map((offset) => at(offset)),
    line: fc.oneof(fc.constantFrom("", "same", "a\nb"), fc.string({ unit: "grapheme" })),
    metadata: fc.dictionary(fc.constantFrom("level", "trace", "ü"), fc.string({ maxLength: 3 }), {
      noNullPrototype: true,
    }),
  }),
  { maxLength: 40 },
);

test("any entries come back, whatever the size of blocks", async () => {
  const streams = fc.uniqueArray(
    fc.record({ labels: fc.record({ app: fc.stringMatching(/^[a-z]{1,3}$/) }), entries }),
    { maxLength: 6, selector: (stream) => stream.labels.app },
  );
  const sizes = fc.record({
    blockTargetBytes: fc.integer({ min: 1, max: 500 }),
    thinStreamBytes: fc.integer({ min: 0, max: 500 }),
    level: fc.constantFrom(1, 3),
  });
  const property = fc.asyncProperty(streams, sizes, roundTrip);
  await fc.assert(property, { seed: 7, numRuns: 150 });
});
