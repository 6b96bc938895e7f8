import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "#world";
import { MemoryLogStore, type PlainEntry } from "../support/memory-log-store.ts";
import { type Asked, brief, runQuery } from "./run-query.ts";

const second = 1_000_000_000n;

const entry = fc.record({
  tenant: fc.constant("t"),
  labels: fc.constantFrom({ app: "a", x: "1" }, { app: "a", x: "2" }, { app: "b", x: "1" }),
  timeNs: fc.bigInt(0n, 60n).map((time) => time * second),
  line: fc.integer({ min: 0, max: 9 }).map((n) => `n=${n}`),
  metadata: fc.constantFrom({}, {}, { id: "1" }),
});

interface Shape {
  readonly fn: string;
  readonly log: string;
  readonly value: (window: readonly PlainEntry[]) => number;
}

const n = ({ line }: PlainEntry): number => Number(line.slice(2));
const total = (window: readonly PlainEntry[]): number =>
  window.reduce((sum, one) => sum + n(one), 0);

const shapes: readonly Shape[] = [
  { fn: "count_over_time", log: "", value: (window) => window.length },
  { fn: "bytes_over_time", log: "", value: (window) => 3 * window.length },
  { fn: "sum_over_time", log: " | logfmt | unwrap n", value: total },
  { fn: "max_over_time", log: " | logfmt | unwrap n", value: (w) => Math.max(...w.map(n)) },
];

/** `sum by (x) (fn({app="a"}…[range]))` spelled out: distinct entries, windows by comparison. */
function naive(
  sources: readonly PlainEntry[][],
  shape: Shape,
  grid: { range: bigint; offset: bigint; times: readonly bigint[] },
): [string, ...string[]][] {
  const distinct = new Map<string, PlainEntry>();
  for (const one of sources.flat()) {
    distinct.set(JSON.stringify([one.labels, String(one.timeNs), one.line, one.metadata]), one);
  }
  return ["1", "2"].flatMap((x): [string, ...string[]][] => {
    const points = grid.times.flatMap((time) => {
      const end = time - grid.offset;
      const window = [...distinct.values()].filter(
        ({ labels, timeNs }) =>
          labels["app"] === "a" && labels["x"] === x && timeNs <= end && timeNs > end - grid.range,
      );
      return window.length === 0 ? [] : [`${time / 1_000_000n} ${shape.value(window)}`];
    });
    return points.length === 0 ? [] : [[`x=${x}`, ...points]];
  });
}

test("windows over blocks and sources that overlap anyhow", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(entry, { maxLength: 30 }), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(...shapes),
      fc.record({
        step: fc.integer({ min: 1, max: 30 }),
        range: fc.integer({ min: 1, max: 40 }),
        offset: fc.integer({ min: 0, max: 9 }),
        blockRowsMax: fc.integer({ min: 1, max: 9 }),
        blockStreamsMax: fc.integer({ min: 1, max: 3 }),
      }),
      async (sources, shape, { step, range, offset, ...sizes }) => {
        const store = new MemoryLogStore();
        for (const entries of sources) store.addSource(entries, sizes);
        const outer = shape.fn === "max_over_time" ? "max" : "sum";
        const inner = `${shape.fn}({app="a"}${shape.log} [${range}s] offset ${offset}s)`;
        const { data } = await runQuery(store, {
          text: `${outer} by (x) (${inner})`,
          fromNs: 3n * second,
          toNs: 70n * second,
          stepNs: BigInt(step) * second,
          limits: { splitQueriesByIntervalMs: 0 },
        });
        const times: bigint[] = [];
        for (let t = 3; t <= 70; t += step) times.push(BigInt(t) * second);
        const grid = { range: BigInt(range) * second, offset: BigInt(offset) * second, times };
        assert.deepEqual(brief(data), naive(sources, shape, grid));
      },
    ),
    { seed: 20260112, numRuns: 300 },
  );
});

const ticks: PlainEntry[] = Array.from({ length: 60 }, (_, i) => ({
  tenant: "t",
  labels: { app: i % 2 === 0 ? "a" : "b" },
  timeNs: BigInt(i) * second,
  line: `n=${i}`,
}));
const instant = { kind: "instant", toNs: 60n * second, fromNs: 60n * second } as const;

test("what the facts of blocks tell is not read", async () => {
  const store = MemoryLogStore.of(ticks, { blockRowsMax: 5 });
  const { data, stats } = await runQuery(store, {
    ...instant,
    text: "sum by (app) (count_over_time({app=~`.+`}[40s]))",
  });
  assert.deepEqual(brief(data), ["app=a: 19", "app=b: 20"]);
  assert.equal(stats.blocksPlanned, 8);
  assert.equal(stats.blocksRead, 1);
  assert.deepEqual(store.readNeeds[0], { ...store.readNeeds[0], lines: false, lengths: false });
});

const queries: readonly [text: string, want: unknown][] = [
  ["1 + 2 * 3", 7],
  ["vector(2) > 3 or vector(1)", [": 1"]],
  ["absent_over_time({app=`z`,x!=`y`}[1m])", ["app=z: 1"]],
  ["absent_over_time({app=`a`}[1m])", []],
  ["topk(1, sum by (app) (count_over_time({app=~`.+`}[1m])))", ["app=b: 30"]],
  [
    "sort_desc(sum by (app) (sum_over_time({app=~`.+`} | logfmt | unwrap n [1m])))",
    ["app=b: 900", "app=a: 870"],
  ],
  ["max_over_time({app=~`.+`} | logfmt | unwrap n [1m]) by (app)", ["app=a: 58", "app=b: 59"]],
  ["first_over_time({app=`a`} | logfmt | unwrap n [10s])", ["app=a: 52"]],
  ["quantile_over_time(0.5, {app=`a`} | logfmt | unwrap n [10s])", ["app=a: 55"]],
];
for (const [text, want] of queries) {
  test(text, async () => {
    const { data } = await runQuery(MemoryLogStore.of(ticks, { blockRowsMax: 7 }), {
      ...instant,
      text,
    });
    assert.deepEqual(brief(data), want);
  });
}

const refusals: readonly [asked: Asked, status: number, message: RegExp][] = [
  [{ text: "{" }, 400, /^parse error/],
  [{ text: "{app=`a`}", kind: "instant" }, 400, /^log queries are not supported/],
  [{ text: "{app=`a`}", limit: 5001 }, 400, /limit > max_entries_limit_per_query \(5001 > 5000\)$/],
  [{ text: "{app=`a`}", fromNs: 2n, toNs: 1n }, 400, /^end timestamp must not be before/],
  [{ text: "vector(1)", stepNs: 0n }, 400, /^zero or negative query resolution/],
  [
    { text: "vector(1)", toNs: 11_001n * second, stepNs: second },
    400,
    /^exceeded maximum resolution of 11,000 points/,
  ],
  [
    { text: "rate({app=`a`}[2h])", limits: { maxQueryRangeMs: 60_000 } },
    400,
    /^\[interval\] value exceeds limit: \[2h\] > \[1m\]$/,
  ],
  [
    { text: "rate({app=`a`}[1h])", limits: { maxQueryLengthMs: 60_000 } },
    400,
    /^the query time range exceeds the limit \(query length: 1h0m0.0000001s, limit: 1m\)$/,
  ],
  [{ text: "{app=`a`,b=`c`}", limits: { maxStreamsMatchersPerQuery: 1 } }, 400, /\(2 > 1\)$/],
  [{ text: "{app=`a`}", limits: { requiredLabels: ["env"] } }, 400, /\[env\], labels .* \[app\]$/],
  [
    {
      text: "{app =`a`}",
      limits: { blockedQueries: [{ pattern: '{app="a"}', regex: false, types: [], hash: 0 }] },
    },
    400,
    /^query blocked by policy$/,
  ],
  [
    {
      text: "count_over_time({app=~`.+`}[1m])",
      ...instant,
      limits: { maxQuerySeries: 1, maxQuerySeriesAction: "error" },
    },
    400,
    /^maximum number of series \(1\) reached/,
  ],
  [
    {
      text: "topk(1, count_over_time({app=~`.+`}[1m]))",
      ...instant,
      limits: { maxQuerySeries: 1, maxQuerySeriesAction: "error" },
    },
    400,
    /^maximum number of series/,
  ],
  [
    { text: "count_over_time({app=`a`} | logfmt | n > 1s [1m])", ...instant },
    400,
    /^pipeline error: 'LabelFilterErr' for series: '\{__error__="LabelFilterErr"/,
  ],
  [{ text: "{app=`a`}", queryMemoryBytesMax: 300, toNs: second * 9n }, 400, /more memory/],
];
for (const [asked, status, message] of refusals) {
  test(`${asked.text} is refused: ${message.source}`, async () => {
    await assert.rejects(runQuery(MemoryLogStore.of(ticks), asked), { status, message });
  });
}

test("at the limit a query passes, beyond it series can be cut with a warning", async () => {
  const text = "count_over_time({app=~`.+`}[1m])";
  const limits = { maxQuerySeries: 2 };
  const { warnings } = await runQuery(MemoryLogStore.of(ticks), { ...instant, text, limits });
  assert.deepEqual(warnings, []);
  const cut = await runQuery(MemoryLogStore.of(ticks), {
    ...instant,
    text,
    limits: { maxQuerySeries: 1, maxQuerySeriesAction: "error" },
    seriesLimit: "truncate",
  });
  assert.deepEqual(brief(cut.data), ["app=a: 29"]);
  assert.match(cut.warnings[0]!, /the first 1 of 2 series/);
});

test("a cancelled query ends with 499, one that takes too long with 504", async () => {
  const aborted = AbortSignal.abort();
  const store = MemoryLogStore.of(ticks, { blockRowsMax: 1 });
  await assert.rejects(runQuery(store, { text: "{app=`a`}", signal: aborted }), { status: 499 });
  const clock = new ManualClock({ nowMs: 0 });
  const slow = runQuery(store, { text: "{app=`a`}", toNs: 60n * second, clock });
  clock.advance(60_000);
  await assert.rejects(slow, { status: 504 });
});
