import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newSeries } from "#evaluator";
import { Labels } from "#model";
import type { Block, BlockFacts } from "#storage";
import type { BlockScope } from "./block-scope.ts";
import { addRuns } from "./count-runs.ts";
import { SeriesTable } from "./series-table.ts";
import { type StepGrid, WindowSteps } from "./step-grid.ts";
import { CountFold } from "./window-fold.ts";

const checks = { seed: 20260111, numRuns: 300 };

interface Case {
  readonly runs: readonly (readonly number[])[];
  readonly selected: readonly boolean[];
  readonly grid: StepGrid;
  readonly rangeNs: bigint;
  readonly weighsBytes: boolean;
  /** Rows whose number is a multiple of it pass a search; 0: there was none. */
  readonly passingEach: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  runs: fc.array(fc.array(fc.nat(400), { minLength: 1, maxLength: 60 }), {
    minLength: 1,
    maxLength: 4,
  }),
  selected: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  grid: fc.record({
    startNs: fc.bigInt(-100n, 400n),
    stepNs: fc.bigInt(1n, 90n),
    stepCount: fc.integer({ min: 1, max: 12 }),
  }),
  rangeNs: fc.bigInt(1n, 200n),
  weighsBytes: fc.boolean(),
  passingEach: fc.nat(3),
});

function blockOf({ runs, selected, passingEach }: Case): { block: Block; scope: BlockScope } {
  const rowCount = runs.flat().length;
  const streams = runs.map((times, i) => ({
    labels: Labels.of([["app", `a${i}`]]),
    entryCount: times.length,
    lineBytes: 0,
    minNs: 0n,
    maxNs: 400n,
  }));
  const facts: BlockFacts = {
    entryCount: rowCount,
    lineBytes: 0,
    minNs: 0n,
    maxNs: 400n,
    isAscii: true,
    hasInnerNewline: false,
    streams,
    levelCounts: new Map(),
    source: "test",
    sourceOrder: 0,
  };
  const streamOfRow = Uint32Array.from(runs.flatMap((times, i) => times.map(() => i)));
  const block: Block = {
    ref: { facts },
    rowCount,
    baseNs: 0n,
    offsets: Float64Array.from(runs.flatMap((times) => [...times].sort((a, b) => a - b))),
    streamOfRow: runs.length === 1 ? undefined : streamOfRow,
    lines: undefined,
    lengths: Uint32Array.from({ length: rowCount }, (_, row) => (row * 7) % 13),
    metadata: [],
    ...(passingEach === 0
      ? {}
      : {
          passing: Uint8Array.from({ length: rowCount }, (_, row) =>
            Number(row % passingEach === 0),
          ),
        }),
  };
  const chosen = Uint8Array.from(runs, (_, i) => Number(selected[i]));
  const scope: BlockScope = {
    ref: block.ref,
    tenant: "t",
    planIndex: 0,
    streams: chosen.includes(0) ? chosen : undefined,
    shared: undefined,
  };
  return { block, scope };
}

test("counting by runs is counting row by row", () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { grid, weighsBytes } = one;
      const { stepCount } = grid;
      const windows = new WindowSteps(grid, { rangeNs: one.rangeNs, offsetNs: 0n });
      const { block, scope } = blockOf(one);
      windows.setBase(block.baseNs);
      const newFold = (): CountFold => new CountFold(stepCount, { weighted: true, divisor: 1 });
      const table = new SeriesTable({
        grouping: { without: false, names: ["app"] },
        isMulti: false,
        isIdentity: true,
        newFold,
        hold: () => {},
      });
      const counted = addRuns(block, scope, { windows, table, weighsBytes });

      const folds = new Map<string, CountFold>();
      const expected = { seen: 0, passed: 0 };
      for (let row = 0; row < block.rowCount; row++) {
        const stream = block.streamOfRow?.[row] ?? 0;
        if (scope.streams?.[stream] === 0) continue;
        const from = windows.firstStep(block.offsets[row]!);
        const to = windows.endStep(block.offsets[row]!);
        if (from >= to) continue;
        expected.seen++;
        if (block.passing?.[row] === 0) continue;
        expected.passed++;
        const { labels } = scope.ref.facts.streams[stream]!;
        const fold = folds.get(labels.key) ?? newFold();
        folds.set(labels.key, fold);
        const value = weighsBytes ? block.lengths![row]! : 1;
        fold.add(from, to, { time: 0, value, count: 1 });
      }
      assert.deepEqual(counted, expected);
      const { series } = table.finish(stepCount);
      assert.equal(series.length, folds.size);
      for (const got of series) {
        const wanted = folds.get(got.labels.key)?.finish(got.labels);
        assert.deepEqual(got, wanted ?? newSeries(got.labels, stepCount));
      }
    }),
    checks,
  );
});
