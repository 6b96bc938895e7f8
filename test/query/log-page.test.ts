import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { QueryResult } from "#query";
import { MemoryLogStore, type PlainEntry } from "../support/memory-log-store.ts";
import { type Asked, runQuery } from "./run-query.ts";

const entry: fc.Arbitrary<PlainEntry> = fc.record({
  tenant: fc.constantFrom("t", "u"),
  labels: fc.constantFrom({ app: "a" }, { app: "b" }, { app: "c", x: "1" }),
  // Few times, so that groups of equal times are large.
  timeNs: fc.bigInt(0n, 6n),
  line: fc.constantFrom("one", "two", "three", "four", "so"),
  metadata: fc.constantFrom({}, { id: "1" }),
});

/** How the store looks when a page is asked for: where every entry lives, and how often. */
const layout = fc.record({
  places: fc.array(fc.nat({ max: 7 }), { minLength: 80, maxLength: 80 }),
  blockRowsMax: fc.integer({ min: 1, max: 9 }),
  blockStreamsMax: fc.integer({ min: 1, max: 3 }),
  /** Share of the late entries that have arrived. */
  arrived: fc.integer({ min: 0, max: 10 }),
});
type Layout = typeof layout extends fc.Arbitrary<infer T> ? T : never;

/** Each entry goes to the sources whose bit is set in its place, the first one if none is. */
function storeOf(entries: readonly PlainEntry[], { places, ...sizes }: Layout): MemoryLogStore {
  const store = new MemoryLogStore();
  for (const bit of [1, 2, 4]) {
    const own = entries.filter((_, i) => {
      const place = places[i % places.length]!;
      return (place & bit) !== 0 || (place === 0 && bit === 1);
    });
    store.addSource(own, sizes);
  }
  return store;
}

function identity(one: PlainEntry): string {
  const { tenant, labels, timeNs, line, metadata } = one;
  return JSON.stringify([tenant, labels["app"], String(timeNs), line, metadata?.["id"] ?? ""]);
}

function entriesOf({ data }: QueryResult): string[] {
  assert(data.kind === "streams");
  const found: { position: number; text: string }[] = [];
  for (const { labels, entries } of data.streams) {
    const names = Object.fromEntries(labels);
    for (const { timeNs, line, position } of entries) {
      const tenant = names["__tenant_id__"] ?? "t";
      const parts = [tenant, names["app"], String(timeNs), line, names["id"] ?? ""];
      found.push({ position, text: JSON.stringify(parts) });
    }
  }
  return found.sort((a, b) => a.position - b.position).map(({ text }) => text);
}

const asked: Asked = { text: '{app=~"a|c"} |= "o"', tenants: ["t", "u"], fromNs: 1n, toNs: 6n };

function isWanted({ labels, timeNs, line }: PlainEntry): boolean {
  return labels["app"] !== "b" && line.includes("o") && timeNs >= 1n && timeNs < 6n;
}

test("pages overlap nowhere and lose nothing while entries move, double and arrive", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 80 }),
      fc.array(entry, { maxLength: 10 }),
      fc.array(layout, { minLength: 1, maxLength: 4 }),
      fc.record({
        limit: fc.integer({ min: 1, max: 12 }),
        direction: fc.constantFrom("forward" as const, "backward" as const),
      }),
      async (early, late, layouts, how) => {
        const pages: string[][] = [];
        let cursor: string | undefined = "";
        for (let i = 0; cursor !== undefined; i++) {
          assert.ok(i < 200, "paging ends");
          const now = layouts[i % layouts.length]!;
          const count = Math.max(now.arrived, Math.min(i, 10));
          const store = storeOf([...early, ...late.slice(0, i === 0 ? 0 : count)], now);
          const result = await runQuery(store, { ...asked, ...how, cursor });
          cursor = result.nextCursor;
          pages.push(entriesOf(result));
        }
        const got = pages.flat();
        assert.equal(new Set(got).size, got.length, "no entry comes twice");
        for (const page of pages) assert.ok(page.length <= how.limit);
        for (const one of early.filter(isWanted)) {
          assert.ok(got.includes(identity(one)), `lost ${identity(one)}`);
        }
        const wanted = new Set([...early, ...late].filter(isWanted).map(identity));
        for (const one of got) assert.ok(wanted.has(one), `made up ${one}`);
        const times = got.map((text) => Number((JSON.parse(text) as string[])[2]));
        const sign = how.direction === "forward" ? 1 : -1;
        assert.ok(times.every((time, i) => i === 0 || (time - times[i - 1]!) * sign >= 0));
      },
    ),
    { seed: 20260115, numRuns: 300 },
  );
});

const ticks: PlainEntry[] = Array.from({ length: 40 }, (_, i) => ({
  tenant: "t",
  labels: { app: "a" },
  timeNs: BigInt(i >> 1),
  line: `o${i}`,
}));
const forward = { text: '{app="a"}', direction: "forward", limit: 5 } as const;

test("a page ends between times when it can, and keeps the order of arrival", async () => {
  const store = MemoryLogStore.of(ticks, { blockRowsMax: 7 });
  const first = await runQuery(store, { ...forward, cursor: "" });
  assert.deepEqual(
    entriesOf(first).map((text) => (JSON.parse(text) as string[])[3]),
    ["o0", "o1", "o2", "o3"],
  );
  assert.ok(store.reads <= 2, `${store.reads} blocks read`);
  const whole = await runQuery(store, { ...forward, limit: 40, cursor: "" });
  assert.equal(whole.nextCursor, undefined);
  assert.equal(entriesOf(whole).length, 40);
});

test("the range is that of the first page", async () => {
  const store = MemoryLogStore.of(ticks);
  const first = await runQuery(store, { ...forward, cursor: "", fromNs: 0n, toNs: 4n });
  const rest = { ...forward, cursor: first.nextCursor!, fromNs: 90n, toNs: 99n };
  const second = await runQuery(store, rest);
  assert.equal(entriesOf(second).length, 4);
  assert.equal(second.nextCursor, undefined);
});

test("a cursor is good for its own query alone", async () => {
  const store = MemoryLogStore.of(ticks);
  const { nextCursor = "" } = await runQuery(store, { ...forward, cursor: "" });
  const refused: readonly [change: Partial<Asked>, message: RegExp][] = [
    [{ text: '{app="a"} |= "o"' }, /another query or tenant/],
    [{ tenants: ["u"] }, /another query or tenant/],
    [{ direction: "backward" }, /it reads forward, not backward/],
    [{ cursor: nextCursor.slice(0, -9) }, /damaged/],
    [{ cursor: `${nextCursor}x` }, /damaged/],
    [{ cursor: `2${nextCursor.slice(1)}` }, /damaged/],
    [{ cursor: "x".repeat(5000) }, /damaged/],
    [{ intervalNs: 5n }, /^cursor cannot be combined with interval$/],
    [{ text: '{app="a"} | limit 3' }, /another query|cannot be combined with '\| limit 3'/],
    [{ text: 'rate({app="a"}[1m])', cursor: "" }, /^cursor is for log queries only$/],
  ];
  for (const [change, message] of refused) {
    const query = { ...forward, cursor: nextCursor, ...change };
    await assert.rejects(runQuery(store, query), { status: 400, message });
  }
  await runQuery(store, { ...forward, text: '{ app = "a" }', cursor: nextCursor });
});
