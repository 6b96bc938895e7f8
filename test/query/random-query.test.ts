import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RequestError } from "#base";
import type { QueryResult } from "#query";
import { MemoryLogStore, type PlainEntry } from "../support/memory-log-store.ts";
import { randomEntry, randomLogQuery, randomMetricQuery, second } from "./random-query.ts";
import { type Asked, runQuery } from "./run-query.ts";

const sizes = fc.record({
  blockRowsMax: fc.integer({ min: 1, max: 9 }),
  blockStreamsMax: fc.integer({ min: 1, max: 3 }),
});
const sources = fc.array(fc.array(randomEntry, { maxLength: 40 }), { minLength: 1, maxLength: 3 });

function storeOf(
  parts: readonly PlainEntry[][],
  options: { blockRowsMax: number; blockStreamsMax: number },
): MemoryLogStore {
  const store = new MemoryLogStore();
  for (const entries of parts) store.addSource(entries, options);
  return store;
}

/** Undefined when the query is refused. */
async function answerOf(store: MemoryLogStore, asked: Asked): Promise<QueryResult | undefined> {
  try {
    return await runQuery(store, asked);
  } catch (error) {
    assert.ok(error instanceof RequestError, `${asked.text}: ${String(error)}`);
    return undefined;
  }
}

/** No query of a few entries takes this long, however it is put together. */
const queryMsMax = 1000;

test("whatever the query and the data: an answer or a refusal, soon", async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(
      sources,
      sizes,
      fc.oneof(randomLogQuery, randomMetricQuery),
      fc.record({
        kind: fc.constantFrom("range" as const, "instant" as const),
        step: fc.integer({ min: 1, max: 30 }),
        tenants: fc.constantFrom(["t"], ["t", "u"]),
        cursor: fc.constantFrom(undefined, undefined, ""),
      }),
      async (parts, options, text, { step, kind, ...how }) => {
        const start = performance.now();
        const times = kind === "instant" ? { fromNs: 60n * second } : { fromNs: 0n };
        const asked: Asked = { text, kind, ...how, ...times, toNs: 60n * second };
        const stepNs = BigInt(step) * second;
        const result = await answerOf(storeOf(parts, options), { ...asked, stepNs });
        if (result !== undefined) answered++;
        assert.ok(performance.now() - start < queryMsMax, text);
      },
    ),
    { seed: 20260116, numRuns: 700 },
  );
  assert.ok(answered > 200, `only ${answered} queries have an answer`);
});

type Points = Map<string, Map<number, number>>;

function pointsOf(result: QueryResult, into: Points = new Map()): Points {
  assert(result.data.kind === "matrix");
  for (const { labels, timesMs, values } of result.data.series) {
    const key = JSON.stringify(labels);
    const points = into.get(key) ?? new Map<number, number>();
    into.set(key, points);
    for (const [i, time] of timesMs.entries()) points.set(time, values[i]!);
  }
  return into;
}

function assertSame(got: Points, want: Points, text: string): void {
  assert.deepEqual([...got.keys()].sort(), [...want.keys()].sort(), text);
  for (const [key, points] of want) {
    const others = got.get(key)!;
    assert.deepEqual(new Set(others.keys()), new Set(points.keys()), text);
    for (const [time, value] of points) assertClose(others.get(time)!, value, text);
  }
}

function assertClose(got: number, want: number, text: string): void {
  if (Object.is(got, want)) return;
  const difference = Math.abs(got - want);
  assert.ok(difference <= 1e-9 * Math.max(1, Math.abs(want)), `${text}: ${got}, not ${want}`);
}

test("a range query in pieces of time gives what it gives as a whole", async () => {
  await fc.assert(
    fc.asyncProperty(
      sources,
      sizes,
      randomMetricQuery,
      fc.record({
        step: fc.integer({ min: 1, max: 12 }),
        stepsInPiece: fc.integer({ min: 1, max: 5 }),
        stepCount: fc.integer({ min: 1, max: 15 }),
      }),
      async (parts, options, text, { step, stepsInPiece, stepCount }) => {
        const store = storeOf(parts, options);
        const stepNs = BigInt(step) * second;
        const asked = { text, stepNs, limits: { maxQuerySeries: 0 } };
        const at = (i: number): bigint => BigInt(i) * stepNs;
        const last = stepCount - 1;
        const whole = await answerOf(store, { ...asked, fromNs: 0n, toNs: at(last) });
        if (whole === undefined) return;
        const pieces: Points = new Map();
        for (let i = 0; i < stepCount; i += stepsInPiece) {
          const toNs = at(Math.min(i + stepsInPiece - 1, last));
          const piece = await answerOf(store, { ...asked, fromNs: at(i), toNs });
          assert(piece !== undefined, text);
          pointsOf(piece, pieces);
        }
        assertSame(pieces, pointsOf(whole), text);
      },
    ),
    { seed: 20260117, numRuns: 250 },
  );
});

const shardable: readonly [fn: string, inner: string, merge: (a: number, b: number) => number][] = [
  ["sum by (x)", 'count_over_time({app=~".+"} |= "n" [20s])', (a, b) => a + b],
  ["sum by (app)", 'bytes_rate({app=~".+"}[15s])', (a, b) => a + b],
  ["sum", 'sum_over_time({app=~".+"} | logfmt | unwrap n | __error__="" [30s])', (a, b) => a + b],
  ["max by (x)", 'max_over_time({app=~".+"} | logfmt | unwrap n | __error__="" [9s])', Math.max],
  ["min", 'min_over_time({app=~".+"} | logfmt | unwrap n | __error__="" [9s])', Math.min],
];

test("sums and extremes over shards of streams are those of the whole", async () => {
  await fc.assert(
    fc.asyncProperty(
      sources,
      sizes,
      fc.constantFrom(...shardable),
      async (parts, options, what) => {
        const [fn, inner, merge] = what;
        const asked = {
          text: `${fn} (${inner})`,
          fromNs: 0n,
          toNs: 90n * second,
          stepNs: 7n * second,
        };
        const whole = pointsOf(await runQuery(storeOf(parts, options), asked));
        const merged: Points = new Map();
        for (const shard of ["1", "2"]) {
          const own = parts.map((part) => part.filter(({ labels }) => labels["x"] === shard));
          for (const [key, points] of pointsOf(await runQuery(storeOf(own, options), asked))) {
            const known = merged.get(key) ?? new Map<number, number>();
            merged.set(key, known);
            for (const [time, value] of points) {
              const other = known.get(time);
              known.set(time, other === undefined ? value : merge(other, value));
            }
          }
        }
        assertSame(merged, whole, asked.text);
      },
    ),
    { seed: 20260118, numRuns: 150 },
  );
});
