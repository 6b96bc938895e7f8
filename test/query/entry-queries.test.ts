import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "#config";
import { type ContextRequest, createEntryQueries, createExplainer } from "#query";
import { ManualClock } from "#world";
import { MemoryLogStore, type PlainEntry } from "../support/memory-log-store.ts";

const clock = new ManualClock({ nowMs: 0 });
const common = {
  tenants: ["t"],
  limits: defaultLimits,
  signal: new AbortController().signal,
};

/** Two streams that take turns, ten entries a nanosecond. */
const entries: PlainEntry[] = Array.from({ length: 200 }, (_, i) => ({
  tenant: "t",
  labels: { app: i % 2 === 0 ? "a" : "b" },
  timeNs: BigInt(Math.floor(i / 10)),
  line: `l${i}`,
  metadata: i % 3 === 0 ? { id: "1" } : {},
}));

function stores(): MemoryLogStore[] {
  const split = new MemoryLogStore();
  split.addSource(entries.slice(0, 120), { blockRowsMax: 7 });
  split.addSource(entries.slice(100), { blockRowsMax: 5, blockStreamsMax: 2 });
  return [MemoryLogStore.of(entries), split];
}

async function exported(store: MemoryLogStore, text: string): Promise<string[]> {
  const lines: string[] = [];
  const queries = createEntryQueries({ store, clock });
  const request = { ...common, text, fromNs: 0n, toNs: 100n, direction: "forward" as const };
  for await (const list of queries.export(request)) lines.push(...list.map(({ line }) => line));
  return lines;
}

test("an export holds every entry once, in order of time", async () => {
  for (const store of stores()) {
    assert.deepEqual(
      (await exported(store, '{app="a"}')).join(" "),
      entries
        .filter((_, i) => i % 2 === 0)
        .map(({ line }) => line)
        .join(" "),
    );
    assert.equal((await exported(store, '{app=~"a|b"} |~ "l1.*"')).length, 111);
    assert.deepEqual((await exported(store, '{app=~"a|b"} | distinct by app')).sort(), [
      "l0",
      "l1",
    ]);
  }
});

test("an export takes no metric query and ends when its client goes", async () => {
  const [store] = stores();
  await assert.rejects(exported(store!, 'rate({app="a"}[1m])'), { status: 400 });
  const controller = new AbortController();
  const queries = createEntryQueries({ store: stores()[1]!, clock });
  const request = {
    ...common,
    text: '{app="a"}',
    fromNs: 0n,
    toNs: 100n,
    signal: controller.signal,
  };
  await assert.rejects(
    async () => {
      for await (const _ of queries.export({ ...request, direction: "backward" })) {
        controller.abort();
      }
    },
    { status: 499 },
  );
});

const asked: ContextRequest = {
  ...common,
  text: '{app=~"a|b"}',
  fromNs: 0n,
  toNs: 100n,
  timeNs: 5n,
  line: "l54",
  stream: new Map(),
  beforeCount: 3,
  afterCount: 3,
  scope: "stream",
};

const contexts: readonly [what: string, change: Partial<ContextRequest>, want: string][] = [
  ["the entry's stream, within equal times", {}, "l48 l50 l52 [l54] l56 l58 l60"],
  ["everything", { scope: "query" }, "l5x l5x l5x [l54] l56 l58 l6x"],
  ["nothing before", { beforeCount: 0, afterCount: 1 }, "[l54] l56"],
  ["the first of the time", { line: undefined, beforeCount: 1, afterCount: 0 }, "l4x [l50]"],
  [
    "a stream pinned",
    { line: undefined, stream: new Map([["app", "b"]]), beforeCount: 1, afterCount: 1 },
    "l49 [l51] l53",
  ],
  ["the start of the range", { timeNs: 0n, line: "l2" }, "l0 [l2] l4 l6 l8"],
  ["the end of the data", { timeNs: 19n, line: "l197" }, "l191 l193 l195 [l197] l199"],
  ["a range that ends", { toNs: 6n, line: "l58" }, "l52 l54 l56 [l58]"],
];
for (const [what, change, want] of contexts) {
  test(`context: ${what}`, async () => {
    for (const store of stores()) {
      const queries = createEntryQueries({ store, clock });
      const { before, entry, after } = await queries.context({ ...asked, ...change });
      const text = [
        ...before.map(({ line }) => line),
        `[${entry.line}]`,
        ...after.map(({ line }) => line),
      ].join(" ");
      if (!want.includes("x")) assert.equal(text, want);
      else assert.equal(text.split(" ").length, want.split(" ").length);
    }
  });
}

test("before and after everything are what lies left and right of the entry in one order", async () => {
  const [store] = stores();
  const queries = createEntryQueries({ store: store!, clock });
  const all = { ...asked, scope: "query" as const, beforeCount: 1000, afterCount: 1000 };
  const { before, after } = await queries.context(all);
  const names = [...before, ...after].map(({ line }) => line);
  assert.equal(new Set(names).size, 199);
  assert.equal(names.includes("l54"), false);
});

test("there is no context without the entry", async () => {
  const queries = createEntryQueries({ store: stores()[0]!, clock });
  await assert.rejects(queries.context({ ...asked, line: "other" }), { status: 404 });
  await assert.rejects(queries.context({ ...asked, text: '{app="a"} | limit 1' }), { status: 400 });
});

test("explain names plan, stages and columns, and reads nothing", async () => {
  const store = MemoryLogStore.of(entries, { blockRowsMax: 10 });
  const explainer = createExplainer({ store, clock });
  const request = {
    ...common,
    kind: "range" as const,
    fromNs: 0n,
    toNs: 100n,
    stepNs: 10n,
    intervalNs: 0n,
    limit: 100,
    direction: "backward" as const,
  };
  const text =
    'sum by (app) (rate({app="a"} |= "needle" | json | status="503" | line_format "x" [1m]))';
  const metric = await explainer.explain({ ...request, text });
  assert.equal(metric.plan?.kind, "range");
  assert.deepEqual(
    metric.reads[0]!.stages.map(({ stage, runs, labelsRead }) => [stage, runs, labelsRead]),
    [
      ['|= "needle"', "block", []],
      ["| json", "row", ["app", "status"]],
      ['| status="503"', "row", ["app"]],
      ['| line_format "x"', "no", ["app"]],
    ],
  );
  assert.deepEqual(metric.reads[0]!.skipTerms, [["needle"]]);
  assert.equal(metric.reads[0]!.streams, 1);

  const counted = await explainer.explain({ ...request, text: 'count_over_time({app="a"}[1m])' });
  assert.equal(counted.reads[0]!.bytesByColumn.lines, 0);
  const log = await explainer.explain({ ...request, text: '{app="a"} | json | limit 5' });
  assert.deepEqual(log.answerStages, ["| limit 5"]);
  assert.equal(log.reads[0]!.blocks.read, 10);
  assert.equal(log.reads[0]!.metadata, "all");
  assert.equal(store.reads, 0);
});
