import assert from "node:assert/strict";
import { test } from "node:test";
import { dayStartNs, type Matcher, nsPerDay, type TimeRange } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { type BlockRef, newReadCounters } from "#storage";
import { systemClock } from "#world";
import { buildSegment } from "./build-segment.ts";
import { segmentStreamsOf } from "./plain-entries.ts";
import { SegmentStore } from "./segment-store.ts";

const day = 20_513;
const start = dayStartNs(day);
const second = 1_000_000_000n;
const wholeDay: TimeRange = { fromNs: start, toNs: start + nsPerDay };

/** Entries at the seconds 10 to 19 of two streams, in one segment. */
async function storeOfTwo(): Promise<SegmentStore> {
  const objects = new MemoryObjectStore(systemClock);
  const streams = ["a", "b"].map((app) => ({
    labels: { app },
    entries: Array.from({ length: 10 }, (_, i) => ({
      timeNs: start + BigInt(10 + i) * second,
      line: `${app} ${i}`,
    })),
  }));
  const input = { tenant: "fake", day, streams: segmentStreamsOf(streams) };
  const id = "0".repeat(11) + "100000000000000aa";
  const built = await buildSegment({ journal: [], replaces: [], ...input }, { id });
  await objects.put(built.key, built.parts);
  return new SegmentStore({ objects });
}

function app(op: "=" | "!=", value: string): Matcher {
  return { name: "app", op, value, test: (text) => (text === value) === (op === "=") };
}

async function refsOf(
  store: SegmentStore,
  matchers: readonly Matcher[],
  range = wholeDay,
): Promise<readonly BlockRef[]> {
  const options = {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (message: string) => assert.fail(message),
  };
  return (await store.plan({ tenant: "fake", matchers, range }, { lineTerms: [] }, options)).blocks;
}

function entriesOf(refs: readonly BlockRef[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { facts } of refs) {
    for (const { labels, entryCount } of facts.streams) {
      found[labels.toString()] = (found[labels.toString()] ?? 0) + entryCount;
    }
  }
  return found;
}

test("a selector that comes again gets the same refs, whatever the range around the segment", async () => {
  const store = await storeOfTwo();
  const first = await refsOf(store, [app("=", "a")]);
  assert.deepEqual(entriesOf(first), { '{app="a"}': 10 });
  assert.equal((await refsOf(store, [app("=", "a")]))[0], first[0]);
  const justAround = { fromNs: start + 10n * second, toNs: start + 19n * second + 1n };
  assert.equal((await refsOf(store, [app("=", "a")], justAround))[0], first[0]);
});

test("selectors that differ in their operator or value alone have plans of their own", async () => {
  const store = await storeOfTwo();
  assert.deepEqual(entriesOf(await refsOf(store, [app("=", "a")])), { '{app="a"}': 10 });
  assert.deepEqual(entriesOf(await refsOf(store, [app("!=", "a")])), { '{app="b"}': 10 });
  assert.deepEqual(entriesOf(await refsOf(store, [app("=", "b")])), { '{app="b"}': 10 });
  assert.deepEqual(entriesOf(await refsOf(store, [app("=", 'a"app!="b')])), {});
});

test("a range that cuts the segment is planned for itself, before and after the whole", async () => {
  const store = await storeOfTwo();
  const isPlanned = async (range: TimeRange): Promise<boolean> =>
    (await refsOf(store, [app("=", "a")], range)).length > 0;
  const behind = { fromNs: start + 20n * second, toNs: start + 30n * second };
  const upToFirst = { fromNs: start, toNs: start + 10n * second };
  const first = { fromNs: start, toNs: start + 10n * second + 1n };
  for (let round = 0; round < 2; round++) {
    assert.equal(await isPlanned(behind), false);
    assert.equal(await isPlanned(upToFirst), false);
    assert.equal(await isPlanned(first), true);
    assert.equal(await isPlanned(wholeDay), true);
  }
});
