import { newSeries, type Series } from "#evaluator";
import type { Labels } from "#model";
import type { FoldSample, WindowFold } from "./window-fold.ts";

export type TreeFunction = "sum" | "avg" | "min" | "max" | "stddev" | "stdvar" | "first" | "last";

/**
 * Functions of floats that can be put together from parts. An entry that counts for many steps is
 * added to the O(log n) nodes of a segment tree over the steps that cover exactly those steps; the
 * value of a step is what lies on the path from its leaf to the root. Nothing is ever subtracted,
 * so sums stay as accurate as if each window were added up by itself. When no entry counts for two
 * steps the leaves are enough. Sums are compensated (Neumaier), deviations merged by Chan's method.
 * (Bottom-up segment tree with interval update and point query.)
 */
export class TreeFold implements WindowFold {
  readonly heldBytes: number;
  readonly #fn: TreeFunction;
  readonly #stepCount: number;
  /** Index of the leaf of step 0; 0 when there are only leaves. */
  readonly #leaves: number;
  readonly #divisor: number;
  readonly #counts: Float64Array;
  /** Sum, extreme, value, or mean. */
  readonly #main: Float64Array;
  /** Compensation, time, or sum of squared differences. */
  readonly #extra: Float64Array;

  constructor(
    stepCount: number,
    options: { fn: TreeFunction; disjoint: boolean; divisor: number },
  ) {
    const nodeCount = options.disjoint ? stepCount : 2 * stepCount;
    this.#fn = options.fn;
    this.#stepCount = stepCount;
    this.#leaves = options.disjoint ? 0 : stepCount;
    this.#divisor = options.divisor;
    this.#counts = new Float64Array(nodeCount);
    this.#main = new Float64Array(nodeCount);
    this.#extra = new Float64Array(nodeCount);
    this.heldBytes = nodeCount * 24 + stepCount * 9;
  }

  add(fromStep: number, toStep: number, { value, time }: FoldSample): void {
    const extra = this.#fn === "first" || this.#fn === "last" ? time : 0;
    if (this.#leaves === 0) {
      this.#merge(fromStep, 1, value, extra);
      return;
    }
    let from = fromStep + this.#leaves;
    let to = toStep + this.#leaves;
    while (from < to) {
      if (from % 2 === 1) this.#merge(from++, 1, value, extra);
      if (to % 2 === 1) this.#merge(--to, 1, value, extra);
      from >>= 1;
      to >>= 1;
    }
  }

  /**
   * Adds a part of `count` entries to a node. What `main` and `extra` are depends on the function.
   */
  #merge(node: number, count: number, main: number, extra: number): void {
    const held = this.#counts[node]!;
    this.#counts[node] = held + count;
    switch (this.#fn) {
      case "sum":
      case "avg":
        this.#mergeSum(node, main, extra);
        break;
      case "min":
        this.#replaceIf(
          node,
          held === 0 || gives(main < this.#main[node]!, this.#main[node]!),
          main,
          extra,
        );
        break;
      case "max":
        this.#replaceIf(
          node,
          held === 0 || gives(main > this.#main[node]!, this.#main[node]!),
          main,
          extra,
        );
        break;
      case "first":
        this.#replaceIf(node, held === 0 || extra < this.#extra[node]!, main, extra);
        break;
      case "last":
        this.#replaceIf(node, held === 0 || extra >= this.#extra[node]!, main, extra);
        break;
      case "stddev":
      case "stdvar":
        this.#mergeDeviation(node, { held, count, mean: main, squares: extra });
        break;
      default:
        this.#fn satisfies never;
    }
  }

  #mergeSum(node: number, value: number, compensation: number): void {
    const sum = this.#main[node]!;
    const next = sum + value;
    const lost = Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    this.#extra[node]! += lost + compensation;
    this.#main[node] = next;
  }

  #replaceIf(node: number, condition: boolean, main: number, extra: number): void {
    if (!condition) return;
    this.#main[node] = main;
    this.#extra[node] = extra;
  }

  #mergeDeviation(
    node: number,
    part: { held: number; count: number; mean: number; squares: number },
  ): void {
    const total = part.held + part.count;
    const delta = part.mean - this.#main[node]!;
    this.#main[node]! += (delta * part.count) / total;
    this.#extra[node]! += part.squares + (delta * delta * part.held * part.count) / total;
  }

  finish(labels: Labels): Series {
    const series = newSeries(labels, this.#stepCount);
    const scratch = this.#leaves === 0 ? undefined : this.#pathFold();
    for (let step = 0; step < this.#stepCount; step++) {
      const value = scratch === undefined ? this.#valueOf(step) : scratch(step);
      if (value === undefined) continue;
      series.present[step] = 1;
      series.values[step] = value;
    }
    return series;
  }

  /**
   * Node 0 belongs to no step when the tree has inner nodes: it is where a path is put together.
   */
  #pathFold(): (step: number) => number | undefined {
    return (step) => {
      this.#counts[0] = 0;
      this.#main[0] = 0;
      this.#extra[0] = 0;
      // Entries of equal times lie in the same nodes, so first and last never meet a tie here.
      for (let node = step + this.#leaves; node > 0; node >>= 1) {
        const count = this.#counts[node]!;
        if (count > 0) this.#merge(0, count, this.#main[node]!, this.#extra[node]!);
      }
      return this.#valueOf(0);
    };
  }

  #valueOf(node: number): number | undefined {
    const count = this.#counts[node]!;
    if (count === 0) return undefined;
    const main = this.#main[node]!;
    switch (this.#fn) {
      case "sum":
        return this.#sumOf(node) / this.#divisor;
      case "avg":
        return this.#sumOf(node) / count;
      case "min":
      case "max":
      case "first":
      case "last":
        return main;
      case "stdvar":
        return this.#extra[node]! / count;
      case "stddev":
        return Math.sqrt(this.#extra[node]! / count);
      default:
        return this.#fn satisfies never;
    }
  }

  /** An infinite sum has a meaningless compensation. */
  #sumOf(node: number): number {
    const sum = this.#main[node]!;
    return Number.isFinite(sum) ? sum + this.#extra[node]! : sum;
  }
}

/** A NaN is only kept while there is nothing else. */
function gives(isBetter: boolean, held: number): boolean {
  return isBetter || Number.isNaN(held);
}
