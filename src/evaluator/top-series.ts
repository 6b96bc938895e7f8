import { compareText } from "#model";
import { type LabelGrouping, LabelGroups } from "./grouping.ts";
import type { Matrix, Series } from "./series.ts";

/**
 * The `count` largest (or smallest) values of each group at each step; series keep their labels and
 * lose the steps where they were not chosen. NaN is chosen last. Among equal values the series
 * whose labels sort first wins, so that an answer does not depend on the order in which streams
 * were read.
 */
export function topSeries(
  input: Matrix,
  options: {
    readonly count: number;
    readonly smallest: boolean;
    readonly grouping: LabelGrouping;
  },
): Matrix {
  const groups = new LabelGroups(options.grouping);
  const members: Series[][] = [];
  for (const series of input.series) {
    const group = groups.numberOf(series.labels);
    const list = members[group] ?? [];
    members[group] = list;
    list.push(series);
  }
  const chosen = members.flatMap((list) => chooseInGroup(list, input.stepCount, options));
  return { stepCount: input.stepCount, series: chosen.filter((one) => one.present.includes(1)) };
}

function chooseInGroup(
  members: readonly Series[],
  stepCount: number,
  options: { readonly count: number; readonly smallest: boolean },
): Series[] {
  const sorted = [...members].sort((a, b) => compareText(a.labels.key, b.labels.key));
  const presents = sorted.map(() => new Uint8Array(stepCount));
  const ranked: number[] = [];
  for (let step = 0; step < stepCount; step++) {
    ranked.length = 0;
    for (let i = 0; i < sorted.length; i++) if (sorted[i]!.present[step] === 1) ranked.push(i);
    if (ranked.length > options.count) {
      ranked.sort((a, b) => {
        const x = sorted[a]!.values[step]!;
        const y = sorted[b]!.values[step]!;
        return compareValues(options.smallest ? x : y, options.smallest ? y : x, x, y) || a - b;
      });
      ranked.length = options.count;
    }
    for (const i of ranked) presents[i]![step] = 1;
  }
  return sorted.map(({ labels, values }, i) => ({ labels, values, present: presents[i]! }));
}

function compareValues(low: number, high: number, x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return low < high ? -1 : low > high ? 1 : 0;
}

/** Orders an instant vector by value, NaN at the end; a matrix of more steps stays as it is. */
export function sortSeries(input: Matrix, options: { readonly descending: boolean }): Matrix {
  if (input.stepCount !== 1) return input;
  const series = input.series.filter((one) => one.present[0] === 1);
  series.sort((a, b) => {
    const x = a.values[0]!;
    const y = b.values[0]!;
    return compareValues(options.descending ? y : x, options.descending ? x : y, x, y);
  });
  return { stepCount: 1, series };
}
