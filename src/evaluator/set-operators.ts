import { bySignature, type Matching, matchedLabels } from "./matching.ts";
import type { SetOperator } from "./operators.ts";
import { type Matrix, newSeries, type Series } from "./series.ts";

/**
 * `and` keeps left elements with a partner, `unless` those without; `or` adds to the left elements
 * the right ones without a partner. Partners are looked for at each step on its own; values come
 * from where the element comes from.
 */
export function combineSets(
  left: Matrix,
  right: Matrix,
  options: { readonly op: SetOperator; readonly matching: Matching },
): Matrix {
  const { stepCount } = left;
  switch (options.op) {
    case "and":
      return { stepCount, series: keepWhere(left, right, { ...options, hasPartner: 1 }) };
    case "unless":
      return { stepCount, series: keepWhere(left, right, { ...options, hasPartner: 0 }) };
    case "or": {
      const added = keepWhere(right, left, { ...options, hasPartner: 0 });
      return { stepCount, series: joinEqual(left.series, added, stepCount) };
    }
    default:
      return options.op satisfies never;
  }
}

function keepWhere(
  kept: Matrix,
  partners: Matrix,
  options: { readonly matching: Matching; readonly hasPartner: 0 | 1 },
): Series[] {
  const presentOfKey = new Map<string, Uint8Array>();
  for (const [key, series] of bySignature(partners, options.matching)) {
    const present = new Uint8Array(kept.stepCount);
    for (const one of series)
      for (let i = 0; i < present.length; i++) present[i]! |= one.present[i]!;
    presentOfKey.set(key, present);
  }
  const nowhere = new Uint8Array(kept.stepCount);
  return kept.series.map(({ labels, values, present }) => {
    const partner = presentOfKey.get(matchedLabels(labels, options.matching).key) ?? nowhere;
    const mask = present.map((bit, i) => (partner[i] === options.hasPartner ? bit : 0));
    return { labels, values, present: mask };
  });
}

/** A series that comes from the left at some steps and from the right at others is one series. */
function joinEqual(left: readonly Series[], added: readonly Series[], stepCount: number): Series[] {
  const out = [...left];
  const indexOfKey = new Map(left.map((series, i) => [series.labels.key, i]));
  for (const series of added) {
    if (!series.present.includes(1)) continue;
    const at = indexOfKey.get(series.labels.key);
    if (at === undefined) {
      out.push(series);
      continue;
    }
    const joined = newSeries(series.labels, stepCount);
    for (let i = 0; i < stepCount; i++) {
      const from = out[at]!.present[i] === 1 ? out[at]! : series;
      joined.values[i] = from.values[i]!;
      joined.present[i] = from.present[i]!;
    }
    out[at] = joined;
  }
  return out;
}
