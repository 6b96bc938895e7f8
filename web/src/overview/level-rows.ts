// Counts by level over time, from series with a `detected_level`; pure.
import type { SeriesAnswer } from "../api/types.ts";
import { align } from "../chart/stack.ts";
import { type Level, levelOf, levels } from "../lines/entry.ts";

export interface LevelRow {
  readonly level: Level;
  readonly total: number;
  /** One per time. */
  readonly values: readonly number[];
}

export interface LevelRows {
  /** Seconds; where each step begins. */
  readonly times: readonly number[];
  /** Loud levels first; only those that occur. */
  readonly rows: readonly LevelRow[];
  readonly total: number;
}

export interface Steps {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly stepSeconds: number;
}

/** Spellings of one level count together. A value at a time counts the step before it. */
export function levelRows(series: readonly SeriesAnswer[], steps: Steps): LevelRows {
  const { fromSeconds, toSeconds, stepSeconds } = steps;
  const range = { fromSeconds: fromSeconds + stepSeconds, toSeconds };
  const aligned = align(series, range, stepSeconds);
  const sums = new Map<Level, number[]>();
  for (const { metric, values } of aligned.series) {
    const level = levelOf(metric["detected_level"]);
    const row = sums.get(level) ?? aligned.times.map(() => 0);
    for (const [index, value] of values.entries()) row[index]! += value ?? 0;
    sums.set(level, row);
  }
  const rows = levels.flatMap((level) => {
    const values = sums.get(level);
    if (values === undefined) return [];
    return [{ level, values, total: values.reduce((sum, value) => sum + value, 0) }];
  });
  return {
    times: aligned.times.map((seconds) => seconds - stepSeconds),
    rows,
    total: rows.reduce((sum, { total }) => sum + total, 0),
  };
}
