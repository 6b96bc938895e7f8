import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "#base";
import { Labels, nsPerDay, timestampMaxNs, timestampMinNs } from "#model";
import type { LogStore, ReadOptions, StreamSelect } from "#storage";
import { newReadCounters, PeriodStore } from "#storage";

const midnight = 20_000n * nsPerDay;

/** Says what ranges it was asked for; has nothing, or does not answer. */
class AskedStore implements LogStore {
  readonly ranges: (readonly [bigint, bigint])[] = [];
  failure: Error | undefined;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  #ask({ range }: StreamSelect): void {
    this.ranges.push([range.fromNs - midnight, range.toNs - midnight]);
    if (this.failure !== undefined) throw this.failure;
  }

  plan: LogStore["plan"] = async (select) => {
    this.#ask(select);
    return { blocks: [], skippedBlocks: 1, segmentsConsidered: 1, warnings: [] };
  };

  async *read(): ReturnType<LogStore["read"]> {
    // Nothing was planned.
  }

  series: LogStore["series"] = async (select) => {
    this.#ask(select);
    return [Labels.from({ app: this.#name })];
  };

  labelNames: LogStore["labelNames"] = async (select) => {
    this.#ask(select);
    return [this.#name];
  };

  labelValues: LogStore["labelValues"] = async (select) => {
    this.#ask(select);
    return [this.#name];
  };

  volumes: LogStore["volumes"] = async (select) => {
    this.#ask(select);
    return [];
  };
}

function options(): ReadOptions & { readonly warnings: string[] } {
  const warnings: string[] = [];
  return {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (message) => warnings.push(message),
    warnings,
  };
}

function select(fromNs: bigint, toNs: bigint, tenant = "a"): StreamSelect {
  return { tenant, matchers: [], range: { fromNs: midnight + fromNs, toNs: midnight + toNs } };
}

function setUp(): { old: AskedStore; young: AskedStore; store: PeriodStore } {
  const old = new AskedStore("old");
  const young = new AskedStore("young");
  const store = new PeriodStore({
    periods: [
      { fromNs: midnight, toNs: undefined, store: young, name: "young" },
      { fromNs: timestampMinNs, toNs: midnight, store: old, name: "old" },
    ],
    mayLeaveOut: (tenant) => tenant === "patient",
  });
  return { old, young, store };
}

const noSkip = { lineTerms: [] };

const splits: readonly (readonly [
  what: string,
  from: bigint,
  to: bigint,
  old: readonly (readonly [bigint, bigint])[],
  young: readonly (readonly [bigint, bigint])[],
])[] = [
  ["a range on both sides", -5n, 5n, [[-5n, 0n]], [[0n, 5n]]],
  ["a range that ends where the next period begins", -5n, 0n, [[-5n, 0n]], []],
  ["a range that begins with the period", 0n, 5n, [], [[0n, 5n]]],
  ["the last instant", -1n, 1n, [[-1n, 0n]], [[0n, 1n]]],
  ["an empty range", 0n, 0n, [], []],
];

for (const [what, from, to, wantOld, wantYoung] of splits) {
  test(`each period is asked for its own part: ${what}`, async () => {
    const { old, young, store } = setUp();
    const plan = await store.plan(select(from, to), noSkip, options());
    assert.deepEqual([old.ranges, young.ranges], [wantOld, wantYoung]);
    assert.equal(plan.segmentsConsidered, wantOld.length + wantYoung.length);
    await store.volumes(select(from, to), options());
    assert.deepEqual(old.ranges, [...wantOld, ...wantOld]);
  });
}

test("all of time is asked for when all of time is wanted", async () => {
  const { old, young, store } = setUp();
  const range = { fromNs: timestampMinNs, toNs: timestampMaxNs };
  await store.plan({ tenant: "a", matchers: [], range }, noSkip, options());
  assert.deepEqual(old.ranges, [[timestampMinNs - midnight, 0n]]);
  assert.deepEqual(young.ranges, [[0n, timestampMaxNs - midnight]]);
});

test("answers of the periods are united", async () => {
  const { store } = setUp();
  const both = select(-1n, 1n);
  assert.deepEqual(await store.labelNames(both, options()), ["old", "young"]);
  assert.deepEqual(await store.labelValues(both, "x", options()), ["old", "young"]);
  assert.equal((await store.series(both, options())).length, 2);
  assert.deepEqual(await store.labelNames(select(-2n, -1n), options()), ["old"]);
});

test("neighbours of one store are asked once", async () => {
  const one = new AskedStore("one");
  const store = new PeriodStore({
    periods: [
      { fromNs: timestampMinNs, toNs: midnight, store: one, name: "a" },
      { fromNs: midnight, toNs: midnight + 5n, store: one, name: "b" },
      { fromNs: midnight + 5n, toNs: undefined, store: new AskedStore("two"), name: "c" },
    ],
    mayLeaveOut: () => false,
  });
  await store.plan(select(-3n, 9n), noSkip, options());
  assert.deepEqual(one.ranges, [[-3n, 5n]]);
});

test("a store that is down fails the query, or is named in a warning", async () => {
  const { old, store } = setUp();
  old.failure = new StoreError("unavailable", "no route to bucket");
  const asked = options();
  await assert.rejects(store.plan(select(-1n, 1n), noSkip, asked), /no route to bucket/);
  await assert.rejects(store.labelNames(select(-1n, 1n), asked), /no route to bucket/);
  const patient = select(-1n, 1n, "patient");
  const { warnings } = await store.plan(patient, noSkip, asked);
  const want = "old left out, its object store does not answer: no route to bucket";
  assert.deepEqual(warnings, [want]);
  assert.deepEqual(await store.labelNames(patient, asked), ["young"]);
  assert.deepEqual(asked.warnings, [want]);
});

test("other failures are never left out", async () => {
  const { old, store } = setUp();
  for (const failure of [new StoreError("denied", "wrong key"), new Error("a bug")]) {
    old.failure = failure;
    const patient = select(-1n, 1n, "patient");
    await assert.rejects(store.plan(patient, noSkip, options()), failure);
    await assert.rejects(store.volumes(patient, options()), failure);
  }
});
