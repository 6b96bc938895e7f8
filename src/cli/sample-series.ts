/** The result of a metric query as series of points, whichever of Loki's three shapes it has. */
import { Labels } from "#model";
import { labelsOf, listOf, objectOf } from "./answers.ts";

export interface SamplePoint {
  readonly timeMs: number;
  readonly value: number;
  /** As the server wrote it. */
  readonly text: string;
}

export interface SampleSeries {
  readonly labels: Labels;
  /** In order of time. */
  readonly points: readonly SamplePoint[];
}

/** `result` of a matrix, a vector or a scalar. */
export function readSamples(result: unknown): SampleSeries[] {
  const list = listOf(result, "result");
  if (list.length === 2 && typeof list[0] === "number") {
    return [{ labels: Labels.empty, points: [pointOf(list)] }];
  }
  return list.map((one) => {
    const series = objectOf(one, "a series");
    const value = series["value"];
    const points =
      value === undefined ? listOf(series["values"], "values").map(pointOf) : [pointOf(value)];
    return { labels: labelsOf(series["metric"] ?? {}, "metric"), points };
  });
}

function pointOf(value: unknown): SamplePoint {
  const [seconds, text] = listOf(value, "a sample");
  return { timeMs: Number(seconds) * 1000, value: numberOf(String(text)), text: String(text) };
}

function numberOf(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

/** `1234567` → `1.23M`, for axes and legends: at most six characters. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "Inf");
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.001 || size >= 1e15) return value.toExponential(1);
  const step = suffixes.find(({ from }) => size >= from);
  const scaled = step === undefined ? value : value / step.from;
  const digits = Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
  const text = size < 1 ? scaled.toPrecision(2) : scaled.toFixed(digits);
  const short = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return `${short}${step?.suffix ?? ""}`;
}

const suffixes = [
  { from: 1e12, suffix: "T" },
  { from: 1e9, suffix: "G" },
  { from: 1e6, suffix: "M" },
  { from: 1e3, suffix: "k" },
] as const;
