import assert from "node:assert/strict";
import { test } from "node:test";
import { utcZone } from "#gofmt";
import { brailleRows } from "./chart.ts";
import { samplesText } from "./print-samples.ts";
import { shortNumber } from "./sample-series.ts";
import { sparkline } from "./sparkline.ts";

const text = (mode: "chart" | "table", result: unknown, columns = 60): string[] => {
  const timeLayout = "15:04:05";
  return samplesText(result, { mode, columns, zone: utcZone, timeLayout }).split("\n");
};

const series = (app: string, values: readonly number[]): object => ({
  metric: { app, env: "prod" },
  values: values.map((value, i) => [1_714_557_600 + i * 60, String(value)]),
});

for (const [value, want] of [
  [0, "0"],
  [7, "7"],
  [0.25, "0.25"],
  [1234, "1.23k"],
  [999_000, "999k"],
  [1_500_000, "1.5M"],
  [-20_000, "-20k"],
  [2e-7, "2.0e-7"],
  [Number.POSITIVE_INFINITY, "Inf"],
  [Number.NaN, "NaN"],
] as const) {
  test(`${value} is written ${want} on an axis`, () => assert.equal(shortNumber(value), want));
}

test("a sparkline has a block a number, gaps, and keeps peaks when there is less room", () => {
  assert.equal(sparkline([0, 1, 2, 7, Number.NaN, 7], { width: 10 }), "▁▂▃█ █");
  assert.equal(sparkline([0, 0, 7, 0, 0, 0], { width: 3 }), "▁█▁");
  assert.equal(sparkline([5, 5], { width: 3, max: 5 }), "██");
  assert.equal(sparkline([], { width: 3 }), "");
});

test("dots of braille fill what is below the curve", () => {
  const area = { columns: 2, rows: 2, low: 0, high: 7 };
  assert.deepEqual(brailleRows([0, 7, 7, Number.NaN], area), ["⢸⡇", "⣸⡇"]);
});

test("one series is a chart with axes and a summary", () => {
  const lines = text("chart", [series("a", [0, 10, 20, 30])]);
  assert.equal(lines[0], '{app="a", env="prod"}');
  assert.match(lines[1]!, /^ *30 ┤ +⢸?⣿+$/);
  assert.match(lines[12]!, /^ +0 ┤.*⣿$/);
  assert.match(lines[14]!, /^ +10:00:00 +10:01:30 +10:03:00$/);
  assert.equal(lines[15], "min 0   mean 15   max 30   last 30");
  for (const line of lines) assert.ok(line.length <= 60, line);
});

test("several series are a line each on one scale, the largest first, what they share above", () => {
  assert.deepEqual(text("chart", [series("a", [1, 1]), series("b", [7, 0])]), [
    'all: {env="prod"}',
    "           min  max  last  10:00:00 to 10:01:00",
    '{app="b"}  0    7    0     ████▁▁▁▁',
    '{app="a"}  1    1    1     ▂▂▂▂▂▂▂▂',
    "",
  ]);
});

test("one moment is bars, an empty result says so", () => {
  const vector = [
    { metric: { app: "a" }, value: [1_714_557_600, "5"] },
    { metric: { app: "b" }, value: [1_714_557_600, "10"] },
  ];
  assert.deepEqual(text("chart", vector, 34), [
    '{app="b"}  10  ███████████████████',
    '{app="a"}  5   ██████████',
    "",
  ]);
  assert.deepEqual(text("chart", []), ["no series", ""]);
  assert.deepEqual(text("chart", [1_714_557_600, "3"], 20), ["{}  3  █████████████", ""]);
});

test("a table has labels as columns and a row for each point, by time", () => {
  assert.deepEqual(text("table", [series("a", [1, 2]), series("b", [3])]), [
    "time      app  env   value",
    "10:00:00  a    prod  1",
    "10:00:00  b    prod  3",
    "10:01:00  a    prod  2",
    "",
  ]);
});
