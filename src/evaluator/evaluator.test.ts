import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "#model";
import { compileRegex } from "#regex";
import { type AggregateFunction, aggregate } from "./aggregate.ts";
import { expandTemplate, replaceLabel } from "./label-replace.ts";
import type { Matching } from "./matching.ts";
import { matchOnAllLabels } from "./matching.ts";
import { compute, type SetOperator, type ValueOperator } from "./operators.ts";
import { combineWithScalar } from "./scalar-binary.ts";
import { constantMatrix, type Matrix, newSeries } from "./series.ts";
import { combineSets } from "./set-operators.ts";
import { sortSeries, topSeries } from "./top-series.ts";
import { combineVectors } from "./vector-binary.ts";

/** Rows like `a=1 b=2: 3 _ 5`: labels, then a value by step, `_` for none. */
function matrix(...rows: string[]): Matrix {
  const series = rows.map((row) => {
    const [labels = "", values = ""] = row.split(":");
    const pairs = labels.split(" ").filter((pair) => pair !== "");
    const columns = values.trim().split(/ +/);
    const one = newSeries(
      Labels.of(pairs.map((pair) => pair.split("=") as [string, string])),
      columns.length,
    );
    for (const [i, text] of columns.entries()) {
      if (text === "_") continue;
      one.present[i] = 1;
      one.values[i] = Number(text);
    }
    return one;
  });
  return { stepCount: series[0]?.values.length ?? 1, series };
}

function show({ series }: Matrix): string[] {
  return series.map(({ labels, values, present }) => {
    const name = labels.pairs.map((pair) => pair.join("=")).join(" ");
    const texts = Array.from(values, (value, i) => (present[i] === 1 ? value : "_"));
    return `${name}: ${texts.join(" ")}`;
  });
}

const abc = matrix("a=1 b=1: 1 2 _", "a=1 b=2: 3 NaN _", "a=2 b=1: 5 6 _");

const aggregations: [AggregateFunction, string[], string[]][] = [
  ["sum", ["a"], ["a=1: 4 NaN _", "a=2: 5 6 _"]],
  ["avg", [], [": 3 NaN _"]],
  ["min", [], [": 1 2 _"]],
  ["max", ["a"], ["a=1: 3 2 _", "a=2: 5 6 _"]],
  ["count", ["b"], ["b=1: 2 2 _", "b=2: 1 1 _"]],
  ["stdvar", ["a"], ["a=1: 1 NaN _", "a=2: 0 0 _"]],
  ["stddev", ["a"], ["a=1: 1 NaN _", "a=2: 0 0 _"]],
];

for (const [fn, names, want] of aggregations) {
  test(`${fn} by (${names.join()})`, () => {
    assert.deepEqual(show(aggregate(abc, { fn, grouping: { without: false, names } })), want);
  });
}

test("without removes labels, a missing label is left out", () => {
  const grouping = { without: true, names: ["b", "x"] };
  assert.deepEqual(show(aggregate(abc, { fn: "count", grouping })), ["a=1: 2 2 _", "a=2: 1 1 _"]);
});

test("sums are compensated and infinities stay infinite", () => {
  const grouping = { without: false, names: [] };
  const input = matrix("a=1: 1e100 Infinity", "a=2: 1 1", "a=3: -1e100 2", "a=4: 1 3");
  assert.deepEqual(show(aggregate(input, { fn: "sum", grouping })), [": 2 Infinity"]);
});

test("topk picks at every step, NaN last, equal values by labels", () => {
  const input = matrix("a=1: NaN 1", "a=2: 2 1", "a=3: 3 0");
  const options = { count: 2, grouping: { without: false, names: [] } };
  assert.deepEqual(show(topSeries(input, { ...options, smallest: false })), [
    "a=1: _ 1",
    "a=2: 2 1",
    "a=3: 3 _",
  ]);
  assert.deepEqual(show(topSeries(input, { ...options, count: 1, smallest: true })), [
    "a=2: 2 _",
    "a=3: _ 0",
  ]);
});

test("sort orders instant vectors with NaN at the end", () => {
  const input = matrix("a=1: NaN", "a=2: 1", "a=3: 2");
  assert.deepEqual(show(sortSeries(input, { descending: true })), ["a=3: 2", "a=2: 1", "a=1: NaN"]);
  assert.deepEqual(show(sortSeries(input, { descending: false })), [
    "a=2: 1",
    "a=3: 2",
    "a=1: NaN",
  ]);
});

const numbers: [number, ValueOperator, number, number][] = [
  [1, "/", 0, Number.NaN],
  [-7, "%", 3, -1],
  [5, "%", 0, Number.NaN],
  [2, "^", 0.5, Math.SQRT2],
  [1, "^", Number.NaN, 1],
  [3, ">", 2, 1],
  [1, "==", 2, 0],
  [1e308, "*", 10, Infinity],
];
for (const [a, op, b, want] of numbers) {
  test(`${a} ${op} ${b} is ${want}`, () => assert.equal(compute[op](a, b), want));
}

test("a comparison with a number filters and keeps the vector's value, bool gives 1 or 0", () => {
  const filter = { op: ">", scalarIsLeft: true, returnBool: false } as const;
  assert.deepEqual(show(combineWithScalar(abc, 3, filter)), [
    "a=1 b=1: 1 2 _",
    "a=1 b=2: _ _ _",
    "a=2 b=1: _ _ _",
  ]);
  assert.deepEqual(show(combineWithScalar(abc, 3, { ...filter, returnBool: true })), [
    "a=1 b=1: 1 1 _",
    "a=1 b=2: 0 0 _",
    "a=2 b=1: 0 0 _",
  ]);
});

const onA: Matching = { on: true, names: ["a"], group: undefined, include: [] };

test("one-to-one matches keep the matching labels", () => {
  const right = matrix("a=1 c=x: 10 20 30", "a=3: 1 1 1");
  const left = matrix("a=1 b=1: 1 2 _", "a=2: 1 1 1");
  const options = { op: "+", matching: onA, returnBool: false } as const;
  assert.deepEqual(show(combineVectors(left, right, options)), ["a=1: 11 22 _"]);
});

test("group_left keeps the many side's labels and copies from the one side", () => {
  const right = matrix("a=1 c=x: 10 20 30");
  const matching: Matching = { ...onA, group: "left", include: ["c", "b"] };
  const options = { op: "*", matching, returnBool: false } as const;
  const left = matrix("a=1 b=1 d=1: 1 2 _", "a=1 b=1 d=2: 3 _ _");
  assert.deepEqual(show(combineVectors(left, right, options)), [
    "a=1 c=x d=1: 10 40 _",
    "a=1 c=x d=2: 30 _ _",
  ]);
});

test("ambiguous matches are errors only where both have a value", () => {
  const options = { op: "+", matching: onA, returnBool: false } as const;
  const one = matrix("a=1: 1 1");
  const apart = matrix("a=1 b=1: 1 _", "a=1 b=2: _ 2");
  assert.deepEqual(show(combineVectors(apart, one, options)), ["a=1: 2 3"]);
  const both = matrix("a=1 b=1: 1 _", "a=1 b=2: 1 2");
  assert.throws(() => combineVectors(both, one, options), {
    status: 500,
    message: /^multiple matches for labels: many-to-one matching must be explicit/,
  });
  assert.throws(() => combineVectors(one, both, options), {
    message: /^found duplicate series on the right hand-side;many-to-many/,
  });
  const left = { ...options, matching: { ...onA, group: "right" } as const };
  assert.throws(() => combineVectors(both, one, left), { message: /on the left hand-side/ });
});

const sets: [SetOperator, string[]][] = [
  ["and", ["a=1: 1 _ _"]],
  ["unless", ["a=1: _ 2 _"]],
  ["or", ["a=1: 1 2 30", "a=2: 7 7 7"]],
];
for (const [op, want] of sets) {
  test(`${op} looks for partners at each step`, () => {
    const left = matrix("a=1: 1 2 _");
    const right = matrix("a=1: 10 _ 30", "a=2: 7 7 7");
    assert.deepEqual(show(combineSets(left, right, { op, matching: matchOnAllLabels })), want);
  });
}

const expansions: [string, string][] = [
  ["$1-$2", "x-y"],
  ["${1}_", "x_"],
  ["$1_", ""],
  ["$name", "x"],
  ["$$1 $", "$1 $"],
  ["${", "${"],
];
for (const [template, want] of expansions) {
  test(`the replacement ${template} gives ${JSON.stringify(want)}`, () => {
    assert.equal(expandTemplate(template, ["xy", "x", "y"], ["name", undefined]), want);
  });
}

test("label_replace sets, removes, and sees a missing label as empty", () => {
  const options = { target: "t", replacement: "$1", source: "a" };
  const regex = compileRegex("(1?).*", { anchored: true });
  assert.deepEqual(show(replaceLabel(matrix("a=1: 1", "t=x: 2"), { ...options, regex })), [
    "a=1 t=1: 1",
    ": 2",
  ]);
});

test("a constant vector has a value at every step", () => {
  assert.deepEqual(show(constantMatrix(2, 3)), [": 2 2 2"]);
});
