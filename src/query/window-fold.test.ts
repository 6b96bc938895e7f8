import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Labels } from "#model";
import { counterRateOf, quantileOf, SampleFold, type SampleWindow } from "./sample-fold.ts";
import { instantGrid, rangeGrid, stepTimesMs, WindowSteps } from "./step-grid.ts";
import { TreeFold, type TreeFunction } from "./tree-fold.ts";
import { CountFold } from "./window-fold.ts";

const checks = { seed: 20260110, numRuns: 300 };

test("a window holds what is after its start and not after its end, to the nanosecond", () => {
  fc.assert(
    fc.property(
      fc.record({
        start: fc.bigInt(-(10n ** 6n), 2n ** 61n),
        step: fc.bigInt(1n, 10n ** 12n),
        count: fc.integer({ min: 1, max: 50 }),
        range: fc.bigInt(1n, 10n ** 13n),
        offset: fc.bigInt(-(10n ** 10n), 10n ** 10n),
        base: fc.bigInt(-(10n ** 13n), 10n ** 13n),
        nudge: fc.integer({ min: -2, max: 2 }),
        border: fc.nat(49),
      }),
      ({ start, step, count, range, offset, base, nudge, border }) => {
        const grid = { startNs: start, stepNs: step, stepCount: count };
        const windows = new WindowSteps(grid, { rangeNs: range, offsetNs: offset });
        const baseNs = start + base;
        windows.setBase(baseNs);
        // Times close to a border of some window.
        const at = start + BigInt(border % count) * step - offset - (nudge % 2 === 0 ? range : 0n);
        const timeNs = at + BigInt(nudge);
        const entryOffset = Number(timeNs - baseNs);
        const from = windows.firstStep(entryOffset);
        const to = windows.endStep(entryOffset);
        for (let i = 0; i < count; i++) {
          const end = start + BigInt(i) * step - offset;
          const inside = timeNs <= end && timeNs > end - range;
          assert.equal(i >= from && i < to, inside, `step ${i}`);
          if (!inside) continue;
          assert.ok(timeNs >= windows.entryRange.fromNs && timeNs < windows.entryRange.toNs);
        }
      },
    ),
    checks,
  );
});

test("range queries are aligned to their step when split", () => {
  const range = { fromNs: 7_000_000_001n, toNs: 21_000_000_001n, stepNs: 7_000_000_000n };
  assert.deepEqual(
    [...stepTimesMs(rangeGrid({ ...range, aligned: true }))],
    [7e3, 14e3, 21e3, 28e3],
  );
  assert.deepEqual([...stepTimesMs(rangeGrid({ ...range, aligned: false }))], [7e3, 14e3, 21e3]);
  assert.deepEqual([...stepTimesMs(instantGrid(-1n))], [-1]);
});

interface Sample {
  readonly from: number;
  readonly to: number;
  readonly time: number;
  readonly value: number;
}

const stepCount = 13;
const samples = fc.array(
  fc
    .tuple(fc.nat(stepCount - 1), fc.integer({ min: 1, max: stepCount }), fc.integer({ max: 9 }))
    .map(([from, length, value]) => ({
      from,
      to: Math.min(stepCount, from + length),
      time: from * 20 + length,
      value,
    })),
  { maxLength: 40 },
);

/** What each function gives for the samples of a window, spelled out. */
const naive: Record<TreeFunction, (window: Sample[]) => number> = {
  sum: (window) => window.reduce((sum, { value }) => sum + value, 0),
  avg: (window) => naive.sum(window) / window.length,
  min: (window) => Math.min(...window.map(({ value }) => value)),
  max: (window) => Math.max(...window.map(({ value }) => value)),
  stdvar: (window) => {
    const mean = naive.avg(window);
    return window.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / window.length;
  },
  stddev: (window) => Math.sqrt(naive.stdvar(window)),
  first: (window) => window.reduce((best, one) => (one.time < best.time ? one : best)).value,
  last: (window) => window.reduce((best, one) => (one.time >= best.time ? one : best)).value,
};

for (const fn of Object.keys(naive) as TreeFunction[]) {
  test(`${fn} of windows that overlap anyhow`, () => {
    fc.assert(
      fc.property(samples, (all) => {
        const fold = new TreeFold(stepCount, { fn, disjoint: false, divisor: 1 });
        for (const one of all) fold.add(one.from, one.to, { ...one, count: 1 });
        const got = fold.finish(Labels.empty);
        for (let step = 0; step < stepCount; step++) {
          const window = all.filter(({ from, to }) => from <= step && step < to);
          assert.equal(got.present[step], Number(window.length > 0));
          if (window.length === 0) continue;
          const want = naive[fn](window);
          assert.ok(Math.abs(got.values[step]! - want) <= 1e-9 * Math.abs(want) + 1e-12);
        }
      }),
      checks,
    );
  });
}

test("counts and bytes come out exact, empty lines count as entries", () => {
  const fold = new CountFold(3, { weighted: true, divisor: 2 });
  fold.add(0, 2, { time: 0, value: 10, count: 1 });
  fold.add(1, 2, { time: 0, value: 4, count: 1 });
  const empty = new CountFold(2, { weighted: true, divisor: 1 });
  empty.add(1, 2, { time: 0, value: 0, count: 1 });
  const { values, present } = fold.finish(Labels.empty);
  assert.deepEqual(
    [[...values], [...present]],
    [
      [5, 7, 0],
      [1, 1, 0],
    ],
  );
  assert.deepEqual([...empty.finish(Labels.empty).present], [0, 1]);
});

test("NaN gives way to any other extreme but spoils a sum", () => {
  for (const [fn, want] of [
    ["min", 3],
    ["max", 5],
    ["sum", Number.NaN],
  ] as const) {
    const fold = new TreeFold(1, { fn, disjoint: true, divisor: 1 });
    for (const value of [Number.NaN, 5, Number.NaN, 3])
      fold.add(0, 1, { time: 0, value, count: 1 });
    assert.equal(fold.finish(Labels.empty).values[0], want);
  }
});

function windowOf(
  values: number[],
  times = values.map((_, i) => i * 1e9),
): {
  times: Float64Array;
  values: Float64Array;
  from: number;
  to: number;
  step: number;
} {
  const columns = { times: Float64Array.from(times), values: Float64Array.from(values) };
  return { ...columns, from: 0, to: values.length, step: 0 };
}

test("quantiles lie between neighbours, NaN sorts first", () => {
  assert.equal(quantileOf(0.5, windowOf([4, 1, 3, 2])), 2.5);
  assert.equal(quantileOf(1.5, windowOf([1])), Infinity);
  assert.equal(quantileOf(1, windowOf([5, Number.NaN, -Infinity])), 5);
});

test("a counter's rate undoes resets and reaches for the borders", () => {
  const inner = { startTime: -1e9, endTime: 3e9 };
  assert.equal(counterRateOf(windowOf([10, 20, 5]), inner), 7.5);
  assert.equal(counterRateOf(windowOf([7]), inner), 0);
});

test("samples that arrive out of order are put in order once", () => {
  const fold = new SampleFold(2, {
    valueOf: ({ values, from, to }) => Number([...values.subarray(from, to)].join("")),
    hold: () => {},
    isOrderFree: false,
  });
  for (const [time, value] of [
    [3, 1],
    [1, 2],
    [2, 3],
    [2, 4],
  ] as const) {
    fold.add(time === 1 ? 0 : 1, 2, { time, value, count: 1 });
  }
  assert.deepEqual([...fold.finish(Labels.empty).values], [2, 2341]);
});

test("quantiles are the same whether samples are sorted by time or by steps", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ time: fc.integer({ min: -40, max: 120 }), value: fc.integer() })),
      fc.bigInt(1n, 30n),
      fc.bigInt(1n, 70n),
      (samples, stepNs, rangeNs) => {
        const grid = { startNs: 0n, stepNs, stepCount: 7 };
        const windows = new WindowSteps(grid, { rangeNs, offsetNs: 0n });
        windows.setBase(0n);
        const finished = [true, false].map((isOrderFree) => {
          const valueOf = (window: SampleWindow): number => quantileOf(0.7, window);
          const fold = new SampleFold(grid.stepCount, { valueOf, hold: () => {}, isOrderFree });
          for (const { time, value } of samples) {
            const from = windows.firstStep(time);
            const to = windows.endStep(time);
            if (from < to) fold.add(from, to, { time, value, count: 1 });
          }
          return fold.finish(Labels.empty);
        });
        assert.deepEqual(finished[0], finished[1]);
      },
    ),
    checks,
  );
});
