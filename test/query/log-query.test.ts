import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryLogStore, type PlainEntry } from "../support/memory-log-store.ts";
import { brief, runQuery } from "./run-query.ts";

const entry = fc.record({
  tenant: fc.constant("t"),
  labels: fc.constantFrom({ app: "a" }, { app: "b" }, { app: "c", x: "1" }),
  timeNs: fc.bigInt(0n, 40n),
  line: fc.constantFrom("one", "two", "three"),
  metadata: fc.constantFrom({}, { id: "1" }),
});

interface Picked {
  readonly direction: "forward" | "backward";
  readonly limit: number;
  readonly interval: number;
  readonly from: bigint;
  readonly to: bigint;
}

const asked: fc.Arbitrary<Picked> = fc.record({
  direction: fc.constantFrom("forward", "backward"),
  limit: fc.integer({ min: 1, max: 30 }),
  interval: fc.constantFrom(0, 0, 1, 5),
  from: fc.bigInt(0n, 20n),
  to: fc.bigInt(20n, 41n),
});

/**
 * Times of the answer and, for each, the lines that may stand there; ties between streams are open.
 */
function naiveTimes(sources: readonly PlainEntry[][], picked: Picked): bigint[] {
  const distinct = new Map<string, PlainEntry>();
  for (const one of sources.flat()) {
    distinct.set(JSON.stringify([one.labels, String(one.timeNs), one.line, one.metadata]), one);
  }
  const times = [...distinct.values()]
    .filter(({ labels, timeNs }) => labels["app"] !== "b" && timeNs >= picked.from)
    .filter(({ timeNs, line }) => timeNs < picked.to && line.includes("o"))
    .map(({ timeNs }) => timeNs)
    .sort((a, b) => Number(picked.direction === "forward" ? a - b : b - a));
  const kept: bigint[] = [];
  for (const time of times) {
    const last = kept.at(-1);
    const distance = last === undefined ? Infinity : Math.abs(Number(time - last));
    if (picked.interval === 0 || distance >= picked.interval) kept.push(time);
  }
  return kept.slice(0, picked.limit);
}

test("limit, direction and interval over blocks and sources that overlap anyhow", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(entry, { maxLength: 40 }), { minLength: 1, maxLength: 3 }),
      asked,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 3 }),
      async (sources, picked, blockRowsMax, blockStreamsMax) => {
        const store = new MemoryLogStore();
        for (const entries of sources) store.addSource(entries, { blockRowsMax, blockStreamsMax });
        const { data } = await runQuery(store, {
          text: '{app=~"a|c"} |= "o"',
          fromNs: picked.from,
          toNs: picked.to,
          intervalNs: BigInt(picked.interval),
          limit: picked.limit,
          direction: picked.direction,
        });
        assert(data.kind === "streams");
        const all = data.streams.flatMap(({ entries }) => entries);
        all.sort((a, b) => a.position - b.position);
        const want = naiveTimes(sources, picked);
        // An empty range still asks for its one nanosecond.
        if (picked.from === picked.to) return;
        assert.deepEqual(
          all.map(({ timeNs }) => timeNs),
          want,
        );
      },
    ),
    { seed: 20260111, numRuns: 200 },
  );
});

const ties: PlainEntry[] = ["first", "second", "third"].map((line) => ({
  tenant: "t",
  labels: { app: "a" },
  timeNs: 5n,
  line,
}));

for (const [direction, want] of [
  ["forward", ["5 first", "5 second", "5 third"]],
  ["backward", ["5 third", "5 second", "5 first"]],
] as const) {
  test(`${direction}: equal times go by arrival, in and over blocks and sources`, async () => {
    for (const blockRowsMax of [1, 10]) {
      const { data } = await runQuery(MemoryLogStore.of(ties, { blockRowsMax }), {
        text: '{app="a"}',
        direction,
      });
      assert.deepEqual(brief(data), [["app=a", ...want]]);
    }
    const store = new MemoryLogStore();
    store.addSource(ties.slice(0, 1));
    store.addSource(ties.slice(0, 2));
    store.addSource(ties);
    const { data } = await runQuery(store, { text: '{app="a"}', direction });
    assert.deepEqual(brief(data), [["app=a", ...want]]);
  });
}

test("reading stops as soon as no unread block can hold a better entry", async () => {
  const entries = Array.from({ length: 90 }, (_, i) => ({ ...ties[0]!, timeNs: BigInt(i) }));
  const store = MemoryLogStore.of(entries, { blockRowsMax: 10 });
  const { stats } = await runQuery(store, { text: '{app="a"}', limit: 12 });
  assert.equal(store.reads, 2);
  assert.equal(stats.blocksPlanned, 9);
  assert.equal(stats.blocksRead, 2);
  assert.equal(stats.entriesReturned, 12);
});

test("entries are grouped by effective labels; categories are kept apart when asked", async () => {
  const store = MemoryLogStore.of([
    { tenant: "t", labels: { app: "a" }, timeNs: 1n, line: "id=7", metadata: {} },
    { tenant: "t", labels: { app: "a" }, timeNs: 2n, line: "x", metadata: { id: "7" } },
  ]);
  const text = '{app="a"} | logfmt id | keep app, id';
  const joined = await runQuery(store, { text: '{app="a"} | logfmt | keep app, id' });
  assert.deepEqual(brief(joined.data), [["app=a id=7", "2 x", "1 id=7"]]);
  const { data } = await runQuery(store, { text, categorizeLabels: true });
  assert(data.kind === "streams");
  assert.equal(data.streams.length, 2);
});

test("several tenants: each result carries its tenant, and one can be chosen", async () => {
  const store = MemoryLogStore.of([
    { tenant: "t", labels: { app: "a" }, timeNs: 1n, line: "same" },
    { tenant: "u", labels: { app: "a" }, timeNs: 1n, line: "same" },
  ]);
  const tenants = ["t", "u"];
  const both = await runQuery(store, { text: '{app="a"}', tenants });
  assert.deepEqual(brief(both.data), [
    ["__tenant_id__=t app=a", "1 same"],
    ["__tenant_id__=u app=a", "1 same"],
  ]);
  const one = await runQuery(store, { text: '{app="a",__tenant_id__!="t"}', tenants });
  assert.deepEqual(brief(one.data), [["__tenant_id__=u app=a", "1 same"]]);
});
