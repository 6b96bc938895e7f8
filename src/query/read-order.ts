import type { TimeRange } from "#model";
import type { Block } from "#storage";
import type { BlockScope } from "./block-scope.ts";

export type Direction = "forward" | "backward";

/**
 * Rows sorted by time in the direction; equal times in order of rows when forward, reversed when
 * backward.
 */
export function inDirection(
  block: Block,
  chosen: Uint32Array | undefined,
  direction: Direction,
): Uint32Array | undefined {
  const isSorted = block.streamOfRow === undefined;
  if (isSorted && direction === "forward") return chosen;
  const rows = chosen ?? Uint32Array.from({ length: block.rowCount }, (_, row) => row);
  if (!isSorted) rows.sort((a, b) => block.offsets[a]! - block.offsets[b]! || a - b);
  return direction === "forward" ? rows : rows.reverse();
}

/** In which order blocks are read, and what the next unread one may still hold. */
export class ReadOrder {
  readonly blocks: readonly BlockScope[];
  readonly #isForward: boolean;
  readonly #range: TimeRange;
  readonly #positionOf: Map<BlockScope["ref"], number>;
  readonly #rankOf: Map<BlockScope, number>;

  constructor(planned: readonly BlockScope[], options: { direction: Direction; range: TimeRange }) {
    this.#isForward = options.direction === "forward";
    this.#range = options.range;
    const byArrival = [...planned].sort(
      (a, b) => a.ref.facts.sourceOrder - b.ref.facts.sourceOrder || a.planIndex - b.planIndex,
    );
    this.#rankOf = new Map(byArrival.map((block, rank) => [block, rank]));
    this.blocks = [...planned].sort((a, b) => {
      const x = this.#boundOf(a);
      const y = this.#boundOf(b);
      if (x === y) return a.planIndex - b.planIndex;
      return x < y === this.#isForward ? -1 : 1;
    });
    this.#positionOf = new Map(this.blocks.map((block, at) => [block.ref, at]));
  }

  /** Order of arrival among all planned blocks. */
  rankOf(block: BlockScope): number {
    return this.#rankOf.get(block)!;
  }

  /** The best time any block after this one may hold, undefined when there is none. */
  boundAfter(ref: BlockScope["ref"]): bigint | undefined {
    const next = this.blocks[this.#positionOf.get(ref)! + 1];
    return next && this.#boundOf(next);
  }

  #boundOf({ ref: { facts } }: BlockScope): bigint {
    const { fromNs, toNs } = this.#range;
    if (this.#isForward) return facts.minNs > fromNs ? facts.minNs : fromNs;
    return facts.maxNs < toNs ? facts.maxNs : toNs - 1n;
  }
}
