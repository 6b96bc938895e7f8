import assert from "node:assert/strict";
import { test } from "node:test";
import { dayStartNs, type EntryBatch, Labels, type Matcher, nsPerDay } from "#model";
import { ManualClock } from "#world";
import { Head } from "./head.ts";
import { HeadBlocks } from "./head-blocks.ts";
import { HeadStore } from "./head-store.ts";

const day = 20_513;
const dayNs = dayStartNs(day);
const daySecond = Number(dayNs / 1_000_000_000n);

function batchOf(labels: readonly Labels[], second: number): EntryBatch {
  const count = labels.length;
  return {
    rowCount: count,
    streams: labels.map((one, i) => ({ labels: one, fromRow: i, toRow: i + 1 })),
    bytes: Buffer.from("a line"),
    lineStarts: new Uint32Array(count),
    lineEnds: new Uint32Array(count).fill(6),
    epochSeconds: new Float64Array(count).fill(daySecond + second),
    nanos: new Uint32Array(count),
    metadataOfRow: new Uint32Array(count),
    metadata: { bytes: Buffer.alloc(0), starts: new Uint32Array(2), count: 1 },
  };
}

const labels = Array.from({ length: 300 }, (_, i) =>
  Labels.from({ app: `a${i % 5}`, pod: `p${i}`, ...(i % 3 === 0 ? { third: "yes" } : {}) }),
);

function matcher(name: string, op: Matcher["op"], value: string): Matcher {
  const regex = new RegExp(`^(?:${value})$`);
  const isRegex = op === "=~" || op === "!~";
  const passes = (text: string): boolean => (isRegex ? regex.test(text) : text === value);
  return { name, op, value, test: (text) => passes(text) === (op === "=" || op === "=~") };
}

const questions: readonly Matcher[][] = [
  [],
  [matcher("app", "=", "a3")],
  [matcher("app", "!=", "a3")],
  [matcher("app", "=~", "a[12]"), matcher("third", "=", "yes")],
  [matcher("third", "=", "")],
  [matcher("third", "!=", "")],
  [matcher("none", "=", "")],
  [matcher("none", "=~", ".+")],
  [matcher("pod", "!~", "p1.*"), matcher("app", "!=", "a0")],
];

for (const matchers of questions) {
  const text = matchers.map(({ name, op, value }) => `${name}${op}"${value}"`).join(", ");
  test(`{${text}}: as looking at every stream, also of what comes after the first question`, async () => {
    const head = new Head({ clock: new ManualClock({ nowMs: daySecond * 1000 }) });
    const store = new HeadStore({ head, blocks: new HeadBlocks({ hashSeed: 1 }) });
    let present: Labels[] = [];
    for (const [round, some] of [labels.slice(0, 100), labels, labels.slice(50, 60)].entries()) {
      head.apply({ tenant: "t", batch: batchOf(some, round), sequence: round + 1 });
      present = [...new Set([...present, ...some])];
      const expected = present.filter((one) =>
        matchers.every((m) => m.test(one.get(m.name) ?? "")),
      );
      const range = { fromNs: dayNs, toNs: dayNs + nsPerDay };
      const select = { tenant: "t", matchers, range };
      const keys = expected.map(({ key }) => key).sort();
      const series = await store.series(select);
      assert.deepEqual(series.map(({ key }) => key).sort(), keys);
      const names = new Set(expected.flatMap(({ pairs }) => pairs.map(([name]) => name)));
      assert.deepEqual(await store.labelNames(select), [...names].sort());
      for (const name of ["app", "pod", "third", "none"]) {
        const values = new Set(expected.map((one) => one.get(name)));
        values.delete(undefined);
        assert.deepEqual(await store.labelValues(select, name), [...values].map(String).sort());
      }
      const { blocks } = await store.plan(select);
      const planned = blocks.flatMap(({ facts }) => facts.streams.map((one) => one.labels.key));
      assert.deepEqual(planned.sort(), keys);
    }
  });
}

test("only streams with entries in the range count", async () => {
  const head = new Head({ clock: new ManualClock({ nowMs: daySecond * 1000 }) });
  const store = new HeadStore({ head, blocks: new HeadBlocks({ hashSeed: 1 }) });
  head.apply({ tenant: "t", batch: batchOf(labels.slice(0, 2), 5), sequence: 1 });
  head.apply({ tenant: "t", batch: batchOf(labels.slice(2, 4), 9), sequence: 2 });
  const range = { fromNs: dayNs + 9_000_000_000n, toNs: dayNs + 10_000_000_000n };
  const select = { tenant: "t", matchers: [], range };
  assert.deepEqual(await store.labelValues(select, "pod"), ["p2", "p3"]);
});

test("a plan reads what was there when it was made, and equal plans share their facts", async () => {
  const head = new Head({ clock: new ManualClock({ nowMs: daySecond * 1000 }) });
  const store = new HeadStore({ head, blocks: new HeadBlocks({ hashSeed: 1 }) });
  head.apply({ tenant: "t", batch: batchOf(labels, 1), sequence: 1 });
  const select = { tenant: "t", matchers: [], range: { fromNs: dayNs, toNs: dayNs + nsPerDay } };
  const first = await store.plan(select);
  assert.equal((await store.plan(select)).blocks[0], first.blocks[0]);
  head.apply({ tenant: "t", batch: batchOf(labels, 2), sequence: 2 });
  const second = await store.plan(select);
  assert.notEqual(second.blocks[0], first.blocks[0]);
  const rowsOf = async (blocks: typeof first.blocks): Promise<number> => {
    let rows = 0;
    for await (const block of store.read(blocks)) rows += block.rowCount;
    return rows;
  };
  assert.equal(await rowsOf(first.blocks), labels.length);
  assert.equal(await rowsOf(second.blocks), 2 * labels.length);
});
