// Series on one axis of time, and stacked on each other; pure.
import type { SeriesAnswer } from "../api/types.ts";

export interface AlignedSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** One per time; null where the series has no sample. */
  readonly values: readonly (number | null)[];
}

export interface Aligned {
  /** Seconds, ascending, a step apart. */
  readonly times: readonly number[];
  readonly series: readonly AlignedSeries[];
}

/** Samples of a range query on the times of its steps, which begin at the first sample's grid. */
export function align(
  answers: readonly SeriesAnswer[],
  range: { readonly fromSeconds: number; readonly toSeconds: number },
  stepSeconds: number,
): Aligned {
  const count = Math.max(1, Math.floor((range.toSeconds - range.fromSeconds) / stepSeconds) + 1);
  const times = Array.from(
    { length: count },
    (_, index) => range.fromSeconds + index * stepSeconds,
  );
  const series = answers.map(({ metric, values = [] }) => {
    const row: (number | null)[] = Array.from({ length: count }, () => null);
    for (const [seconds, text] of values) {
      const index = Math.round((seconds - range.fromSeconds) / stepSeconds);
      if (index >= 0 && index < count) row[index] = finite(text);
    }
    return { metric, values: row };
  });
  return { times, series };
}

/** `NaN` and the infinities have no place on a chart. */
function finite(text: string): number | null {
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Each row on top of those before it; rows that are hidden count as nothing. */
export function stack(
  rows: readonly (readonly (number | null)[])[],
  isHidden: (index: number) => boolean,
): (number | null)[][] {
  const sums: number[] = [];
  return rows.map((row, rowIndex) =>
    row.map((value, index) => {
      if (isHidden(rowIndex) || value === null) return null;
      const sum = (sums[index] ?? 0) + value;
      sums[index] = sum;
      return sum;
    }),
  );
}
