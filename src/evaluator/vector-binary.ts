import { RequestError } from "#base";
import { bySignature, type Matching, resultLabels } from "./matching.ts";
import { compute, isComparison, type ValueOperator } from "./operators.ts";
import { type Matrix, newSeries, type Series } from "./series.ts";

/**
 * Arithmetic and comparisons between two vectors. Partners are looked for at each step on its own:
 * two series that match the same labels are an error only where both have a value. Throws
 * RequestError 500 in Loki's words when a match is ambiguous.
 */
export function combineVectors(
  left: Matrix,
  right: Matrix,
  options: {
    readonly op: ValueOperator;
    readonly matching: Matching;
    readonly returnBool: boolean;
  },
): Matrix {
  const { matching } = options;
  const manyIsLeft = matching.group !== "right";
  const many = bySignature(manyIsLeft ? left : right, matching);
  const ones = bySignature(manyIsLeft ? right : left, matching);
  const target = new ResultSeries(left.stepCount, matching);
  const fn = compute[options.op];
  const filters = isComparison(options.op) && !options.returnBool;

  for (const [signature, partners] of ones) {
    assertUnique(partners, left.stepCount, manyIsLeft ? "right" : "left");
    target.startSignature();
    for (const manySeries of many.get(signature) ?? []) {
      for (const oneSeries of partners) {
        const { values, present } = oneSeries;
        const out = target.seriesFor(manySeries, oneSeries);
        for (let i = 0; i < left.stepCount; i++) {
          if (present[i] === 0 || manySeries.present[i] === 0) continue;
          target.claim(out, i);
          const x = manyIsLeft ? manySeries.values[i]! : values[i]!;
          const y = manyIsLeft ? values[i]! : manySeries.values[i]!;
          const result = fn(x, y);
          if (filters && result === 0) continue;
          out.values[i] = filters ? x : result;
          out.present[i] = 1;
        }
      }
    }
  }
  return { stepCount: left.stepCount, series: target.series };
}

function assertUnique(series: readonly Series[], stepCount: number, side: string): void {
  if (series.length < 2) return;
  for (let i = 0; i < stepCount; i++) {
    let found = 0;
    for (const { present } of series) found += present[i]!;
    if (found < 2) continue;
    throw new RequestError(
      500,
      `found duplicate series on the ${side} hand-side;many-to-many matching not allowed: ` +
        "matching labels must be unique on one side",
    );
  }
}

/** Collects results by their labels; a step of one result may be claimed once. */
class ResultSeries {
  readonly series: Series[] = [];
  readonly #stepCount: number;
  readonly #matching: Matching;
  #byKey = new Map<string, Series>();
  #claimed = new Map<Series, Uint8Array>();

  constructor(stepCount: number, matching: Matching) {
    this.#stepCount = stepCount;
    this.#matching = matching;
  }

  /**
   * Results of different matching labels are only one result when a grouped match makes their
   * labels equal.
   */
  startSignature(): void {
    if (this.#matching.group !== undefined) return;
    this.#byKey = new Map();
    this.#claimed = new Map();
  }

  seriesFor(many: Series, one: Series): Series {
    const labels = resultLabels(many.labels, one.labels, this.#matching);
    let out = this.#byKey.get(labels.key);
    if (out === undefined) {
      out = newSeries(labels, this.#stepCount);
      this.#byKey.set(labels.key, out);
      this.#claimed.set(out, new Uint8Array(this.#stepCount));
      this.series.push(out);
    }
    return out;
  }

  claim(out: Series, step: number): void {
    const claimed = this.#claimed.get(out)!;
    if (claimed[step] === 0) {
      claimed[step] = 1;
      return;
    }
    throw new RequestError(
      500,
      this.#matching.group === undefined
        ? "multiple matches for labels: many-to-one matching must be explicit " +
            "(group_left/group_right)"
        : "multiple matches for labels: grouping labels must ensure unique matches",
    );
  }
}
