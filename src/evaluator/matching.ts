import { type LabelPair, Labels } from "#model";
import { groupLabels, type LabelGrouping } from "./grouping.ts";
import type { Matrix, Series } from "./series.ts";

/** How two vectors find their partners. Undefined stands for: on all labels. */
export interface Matching {
  /** `on (names)`; otherwise `ignoring (names)`. */
  readonly on: boolean;
  readonly names: readonly string[];
  /** The side with many elements per match. */
  readonly group: "left" | "right" | undefined;
  /** Labels copied from the "one" side. */
  readonly include: readonly string[];
}

export const matchOnAllLabels: Matching = {
  on: false,
  names: [],
  group: undefined,
  include: [],
};

/** The labels that a match compares: those of `on`, or all but those of `ignoring`. */
export function matchedLabels(labels: Labels, matching: Matching): Labels {
  return groupLabels(labels, groupingOf(matching));
}

export function groupingOf(matching: Matching): LabelGrouping {
  return { without: !matching.on, names: matching.names };
}

/** Series of a matrix by the labels they match with. */
export function bySignature(matrix: Matrix, matching: Matching): Map<string, Series[]> {
  const map = new Map<string, Series[]>();
  for (const series of matrix.series) {
    const { key } = matchedLabels(series.labels, matching);
    const list = map.get(key);
    if (list === undefined) map.set(key, [series]);
    else list.push(series);
  }
  return map;
}

/**
 * Labels of a result: the matching ones, or for a grouped match those of the "many" side with the
 * included ones.
 */
export function resultLabels(many: Labels, one: Labels, matching: Matching): Labels {
  if (matching.group === undefined) return matchedLabels(many, matching);
  if (matching.include.length === 0) return many;
  const pairs: LabelPair[] = many.pairs.filter(([name]) => !matching.include.includes(name));
  for (const name of matching.include) {
    const value = one.get(name);
    if (value !== undefined && value !== "") pairs.push([name, value]);
  }
  return Labels.of(pairs);
}
