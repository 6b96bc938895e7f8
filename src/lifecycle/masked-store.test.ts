import assert from "node:assert/strict";
import { test } from "node:test";
import { hour } from "#base";
import { makeMatcher } from "#logql";
import { Labels, type TimeRange } from "#model";
import { ManualClock, seededRandom, SimulatedDisk } from "#world";
import { MemoryObjectStore } from "#objectstore";
import { maskOfRequest } from "./delete-request.ts";
import {
  entriesOf,
  everything,
  never,
  nsOf,
  readOptions,
  type TestEntry,
  TestLife,
  textOf,
} from "./lifecycle-test-kit.ts";
import type { Mask } from "./mask.ts";
import { MaskedStore, without } from "./masked-store.ts";

const startMs = Date.UTC(2026, 0, 10, 6);
const apps = ["a", "b", "c"] as const;
const words = ["alpha", "beta", "gamma"] as const;

interface Rule {
  readonly app: string | undefined;
  readonly word: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
}

function maskOf(rule: Rule, number: number): Mask {
  const selector = rule.app === undefined ? `{app=~".+"}` : `{app="${rule.app}"}`;
  const query = rule.word === undefined ? selector : `${selector} |= "${rule.word}"`;
  return maskOfRequest({ ...rule, id: `${number}`, query }, () => 0n);
}

function hides({ app, word, startMs: from, endMs }: Rule, entry: TestEntry): boolean {
  return (
    (app === undefined || entry.app === app) &&
    (word === undefined || entry.line.includes(word)) &&
    entry.ns >= nsOf(from) &&
    entry.ns <= nsOf(endMs)
  );
}

async function life(entries: readonly TestEntry[]): Promise<TestLife> {
  const clock = new ManualClock({ nowMs: startMs + 2 * hour });
  const random = seededRandom(7);
  const files = new SimulatedDisk({ seed: 1 }).asProcess();
  const objects = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const opened = await TestLife.open({ files, objects, clock, random });
  const half = entries.length >> 1;
  await opened.push(entries.slice(0, half));
  await opened.ingester.flush(never);
  await opened.push(entries.slice(half));
  return opened;
}

test("what masks hide is missing from head and segments, and nothing else", async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = seededRandom(seed);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random.fraction() * of.length)]!;
    const entries = Array.from({ length: 60 }, (_, i): TestEntry => {
      const ns = nsOf(startMs + Math.floor(random.fraction() * hour));
      return { tenant: "t", app: pick(apps), ns, line: `${pick(words)} ${i}` };
    });
    const rules = Array.from({ length: 3 }, (): Rule => {
      const from = startMs + Math.floor(random.fraction() * hour);
      return {
        app: pick([...apps, undefined]),
        word: pick([...words, undefined]),
        startMs: from,
        endMs: from + Math.floor(random.fraction() * hour),
      };
    });
    await using opened = await closing(life(entries));
    const store = new MaskedStore(opened.stored, async () => rules.map(maskOf));
    const wanted = entries.filter((entry) => !rules.some((rule) => hides(rule, entry)));
    const found = await entriesOf(store, "t");
    assert.deepEqual(found, wanted.map(textOf).sort(), `seed ${seed}`);
    const selected = await entriesOf(store, "t", everything, [makeMatcher("app", "=", "a")]);
    assert.deepEqual(
      selected,
      found.filter((text) => text.startsWith("t a ")),
      `seed ${seed}`,
    );
  }
});

async function closing(opening: Promise<TestLife>): Promise<TestLife & AsyncDisposable> {
  const opened = await opening;
  return Object.assign(opened, { [Symbol.asyncDispose]: () => opened.journal.close() });
}

function entry(app: string, ms: number, line: string): TestEntry {
  return { tenant: "t", app, ns: nsOf(startMs + ms), line };
}

const some: readonly TestEntry[] = [
  entry("a", 0, "one"),
  entry("a", 1000, "two"),
  entry("b", 0, "one"),
  entry("b", 1000, "two"),
];

test("blocks that no mask touches pass through as they are", async () => {
  await using opened = await closing(life(some));
  const masks = [maskOf({ app: "a", word: "one", startMs, endMs: startMs + 10 }, 1)];
  const store = new MaskedStore(opened.stored, async () => masks);
  const select = { tenant: "t", matchers: [], range: everything };
  const plan = await store.plan(select, { lineTerms: [] }, readOptions());
  const inner = await opened.stored.plan(select, { lineTerms: [] }, readOptions());
  for (const { facts } of plan.blocks) {
    const isTouched = facts.streams.some(({ labels }) => labels.get("app") === "a");
    assert.equal(facts.hasHiddenRows === true, isTouched && facts.minNs === nsOf(startMs));
  }
  assert.equal(plan.blocks.length, inner.blocks.length);
  const none = new MaskedStore(opened.stored, async () => []);
  const untouched = await none.plan(select, { lineTerms: [] }, readOptions());
  assert.ok(untouched.blocks.every(({ facts }) => facts.hasHiddenRows === undefined));
});

test("a stream that is hidden as a whole is in no index answer", async () => {
  await using opened = await closing(life(some));
  const masks = [maskOf({ app: "a", word: undefined, startMs, endMs: startMs + 1000 }, 1)];
  const store = new MaskedStore(opened.stored, async () => masks);
  const select = { tenant: "t", matchers: [], range: everything };
  const labels = await store.series(select, readOptions());
  assert.deepEqual(labels.map(String), [String(Labels.from({ app: "b" }))]);
  assert.deepEqual(await store.labelNames(select, readOptions()), ["app"]);
  assert.deepEqual(await store.labelValues(select, "app", readOptions()), ["b"]);
  const volumes = await store.volumes(select, readOptions());
  assert.deepEqual(
    volumes.map(({ entryCount }) => entryCount),
    [2],
  );
  const plan = await store.plan(select, { lineTerms: [] }, readOptions());
  assert.ok(plan.blocks.every(({ facts }) => facts.streams.length === 1));
});

test("when what is hidden cannot be known, nothing is answered", async () => {
  await using opened = await closing(life(some));
  const store = new MaskedStore(opened.stored, () => Promise.reject(new Error("no store")));
  const select = { tenant: "t", matchers: [], range: everything };
  await assert.rejects(store.plan(select, { lineTerms: [] }, readOptions()), /no store/);
  await assert.rejects(store.series(select, readOptions()), /no store/);
  await assert.rejects(store.volumes(select, readOptions()), /no store/);
});

const range = (from: number, to: number): TimeRange => ({ fromNs: BigInt(from), toNs: BigInt(to) });
const holes: readonly (readonly [string, readonly TimeRange[], readonly TimeRange[]])[] = [
  ["none", [], [range(10, 20)]],
  ["all", [range(0, 30)], []],
  ["the beginning", [range(5, 15)], [range(15, 20)]],
  ["the end", [range(15, 25)], [range(10, 15)]],
  ["the middle", [range(12, 14)], [range(10, 12), range(14, 20)]],
  ["two that overlap", [range(13, 16), range(12, 14)], [range(10, 12), range(16, 20)]],
  ["outside", [range(0, 10), range(20, 30)], [range(10, 20)]],
];
for (const [name, of, left] of holes) {
  test(`a range without ${name}`, () => assert.deepEqual(without(range(10, 20), of), left));
}
