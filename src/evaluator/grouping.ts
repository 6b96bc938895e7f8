import { Labels } from "#model";

/** `by (names)`, or `without (names)`. */
export interface LabelGrouping {
  readonly without: boolean;
  readonly names: readonly string[];
}

/**
 * What is left of the labels. A label with an empty value is a label: it makes another group than
 * none.
 */
export function groupLabels(labels: Labels, grouping: LabelGrouping): Labels {
  const kept = labels.pairs.filter(([name]) => grouping.names.includes(name) !== grouping.without);
  if (kept.length === labels.size) return labels;
  return kept.length === 0 ? Labels.empty : Labels.ofSorted(kept);
}

/**
 * Groups things by what is left of their labels; numbers of the groups, in order of first
 * appearance.
 */
export class LabelGroups {
  readonly #numberOfKey = new Map<string, number>();
  readonly labels: Labels[] = [];
  readonly #grouping: LabelGrouping;

  constructor(grouping: LabelGrouping) {
    this.#grouping = grouping;
  }

  numberOf(labels: Labels): number {
    const left = groupLabels(labels, this.#grouping);
    let number = this.#numberOfKey.get(left.key);
    if (number === undefined) {
      number = this.labels.length;
      this.#numberOfKey.set(left.key, number);
      this.labels.push(left);
    }
    return number;
  }
}

/** No grouping: everything is one group without labels. */
export const oneGroup: LabelGrouping = { without: false, names: [] };
