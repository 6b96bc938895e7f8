import assert from "node:assert/strict";
import { test } from "node:test";
import { dayStartNs, type EntryBatch, Labels, type Matcher, nsPerDay } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { newReadCounters, type ReadOptions } from "#storage";
import { buildSegment } from "./build-segment.ts";
import { SegmentStore } from "./segment-store.ts";

const day = 20_513;
const second = Number(dayStartNs(day) / 1_000_000_000n);
const streamCount = 600;

const options: ReadOptions = {
  signal: new AbortController().signal,
  counters: newReadCounters(),
  warn: (message) => assert.fail(message),
};

/** One line per stream: stream i at second i; `odd` is on every other one only. */
async function storeOf(labels: readonly Labels[]): Promise<SegmentStore> {
  const count = labels.length;
  const batch: EntryBatch = {
    rowCount: count,
    streams: [],
    bytes: Buffer.from("x"),
    lineStarts: new Uint32Array(count),
    lineEnds: new Uint32Array(count).fill(1),
    epochSeconds: Float64Array.from(labels, (_, i) => second + i),
    nanos: new Uint32Array(count),
    metadataOfRow: new Uint32Array(count),
    metadata: { bytes: Buffer.alloc(0), starts: new Uint32Array(2), count: 1 },
  };
  const streams = labels.map((one, i) => ({
    labels: one,
    rows: [{ batch, fromRow: i, toRow: i + 1 }],
  }));
  const built = await buildSegment(
    { tenant: "t", day, streams, journal: [], replaces: [] },
    { id: "019ad5c3e8000123456789abcdef" },
  );
  const objects = new MemoryObjectStore({ nowMs: () => 0 });
  await objects.put(built.key, built.parts);
  return new SegmentStore({ objects });
}

const labels = Array.from({ length: streamCount }, (_, i) =>
  Labels.from({ app: `a${i % 7}`, pod: `p${i}`, ...(i % 2 === 1 ? { odd: "yes" } : {}) }),
);
const store = await storeOf(labels);

function matcher(name: string, op: Matcher["op"], value: string): Matcher {
  const tests: Record<Matcher["op"], (text: string) => boolean> = {
    "=": (text) => text === value,
    "!=": (text) => text !== value,
    "=~": (text) => new RegExp(`^(?:${value})$`).test(text),
    "!~": (text) => !new RegExp(`^(?:${value})$`).test(text),
  };
  return { name, op, value, test: tests[op] };
}

const ranges: readonly [from: number, to: number][] = [
  [0, 86_400],
  [100, 200],
  [0, 1],
  [3, 3],
];
const questions: readonly Matcher[][] = [
  [],
  [matcher("app", "=", "a3")],
  [matcher("app", "!=", "a3")],
  [matcher("app", "=", "none")],
  [matcher("app", "!=", "none")],
  [matcher("odd", "=", "")],
  [matcher("odd", "!=", "")],
  [matcher("nothing", "=", "")],
  [matcher("nothing", "!=", "")],
  [matcher("app", "=~", "a[12]"), matcher("odd", "=", "yes")],
  [matcher("pod", "!~", "p1.*"), matcher("app", "!=", "a0")],
];

for (const [from, to] of ranges) {
  for (const matchers of questions) {
    const text = matchers.map(({ name, op, value }) => `${name}${op}"${value}"`).join(", ");
    test(`{${text}} from second ${from} to ${to}: as looking at every stream`, async () => {
      const start = dayStartNs(day);
      const range = {
        fromNs: start + BigInt(from) * 1_000_000_000n,
        toNs: to === 86_400 ? start + nsPerDay : start + BigInt(to) * 1_000_000_000n,
      };
      const select = { tenant: "t", matchers, range };
      const expected = labels.filter(
        (one, i) => i >= from && i < to && matchers.every((m) => m.test(one.get(m.name) ?? "")),
      );
      const series = await store.series(select, options);
      assert.deepEqual(series.map(({ key }) => key).sort(), expected.map(({ key }) => key).sort());
      const names = new Set(expected.flatMap(({ pairs }) => pairs.map(([name]) => name)));
      assert.deepEqual(await store.labelNames(select, options), [...names].sort());
      for (const name of ["app", "pod", "odd", "nothing"]) {
        const values = new Set(expected.map((one) => one.get(name)));
        values.delete(undefined);
        assert.deepEqual(
          await store.labelValues(select, name, options),
          [...values].map(String).sort(),
        );
      }
      const { blocks } = await store.plan(select, { lineTerms: [] }, options);
      const planned = blocks.flatMap(({ facts }) => facts.streams.map((one) => one.labels.key));
      assert.deepEqual(planned.sort(), expected.map(({ key }) => key).sort());
    });
  }
}
