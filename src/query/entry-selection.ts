import type { Block } from "#storage";
import type { QueryRequest } from "./engine.ts";
import type { StreamInfo } from "./stream-table.ts";

/** An entry that may come into the answer. */
export interface Candidate {
  readonly timeNs: bigint;
  /**
   * Order of arrival of its block among all blocks; with `row` it orders entries of equal times.
   */
  readonly rank: number;
  readonly row: number;
  readonly line: string;
  readonly stream: StreamInfo;
}

/** With fewer candidates than this beyond the limit it is not worth sorting them out. */
const slackCount = 256;

/**
 * Chooses the entries of an answer out of blocks that come roughly in the direction asked for: it
 * keeps candidates until no unread block can hold an entry before them, then takes them in order,
 * by `interval` and up to `limit`.
 */
export class EntrySelection {
  /** Settled entries, in the order of the answer. */
  readonly kept: Candidate[] = [];
  /** Told of candidates that are given up. */
  onDropped: (candidate: Candidate) => void = () => {};
  readonly #limit: number;
  readonly #intervalNs: bigint;
  readonly #sign: 1 | -1;
  #pending: Candidate[] = [];
  /** No entry after this time can come into the answer any more. */
  #worstNs: bigint | undefined;
  #lastKeptNs: bigint | undefined;

  constructor(options: Pick<QueryRequest, "limit" | "intervalNs" | "direction">) {
    this.#limit = options.limit;
    this.#intervalNs = options.intervalNs;
    this.#sign = options.direction === "forward" ? 1 : -1;
  }

  /**
   * For the rows of one block, to be asked in the order of the answer: may this row still come into
   * it? Once false, it is false for the rest of the block.
   */
  openBlock(block: Block): (row: number) => boolean {
    const { offsets, baseNs } = block;
    const sign = this.#sign;
    let worst = this.#worstNs;
    let worstOffset = worst === undefined ? Infinity * sign : Number(worst - baseNs);
    let left = this.#intervalNs === 0n ? this.#limit - this.kept.length : Infinity;
    return (row) => {
      if (left-- <= 0) return false;
      if (this.#worstNs !== worst && this.#worstNs !== undefined) {
        worst = this.#worstNs;
        worstOffset = Number(worst - baseNs);
      }
      return offsets[row]! * sign <= worstOffset * sign;
    };
  }

  /** Always true, so that it can end a sink. */
  add(candidate: Candidate): true {
    this.#pending.push(candidate);
    const wanted = this.#limit - this.kept.length;
    if (this.#intervalNs === 0n && this.#pending.length > 2 * wanted + slackCount) {
      this.#pending.sort(this.#compare);
      for (const dropped of this.#pending.splice(wanted)) this.onDropped(dropped);
      this.#worstNs = this.#pending.at(-1)?.timeNs;
    }
    return true;
  }

  /**
   * Takes what lies before `boundNs`, the best time of any unread block. True when the answer is
   * complete.
   */
  settle(boundNs: bigint | undefined): boolean {
    this.#pending.sort(this.#compare);
    let taken = 0;
    for (const candidate of this.#pending) {
      if (this.kept.length >= this.#limit) break;
      if (boundNs !== undefined && !this.#isBefore(candidate.timeNs, boundNs)) break;
      taken++;
      if (this.#isTooClose(candidate.timeNs)) {
        this.onDropped(candidate);
        continue;
      }
      this.kept.push(candidate);
      this.#lastKeptNs = candidate.timeNs;
    }
    this.#pending = this.#pending.slice(taken);
    return this.kept.length >= this.#limit;
  }

  #isTooClose(timeNs: bigint): boolean {
    if (this.#intervalNs === 0n || this.#lastKeptNs === undefined) return false;
    const distance = timeNs - this.#lastKeptNs;
    return (distance < 0n ? -distance : distance) < this.#intervalNs;
  }

  #isBefore(a: bigint, b: bigint): boolean {
    return this.#sign === 1 ? a < b : a > b;
  }

  readonly #compare = (a: Candidate, b: Candidate): number => {
    if (a.timeNs !== b.timeNs) return this.#isBefore(a.timeNs, b.timeNs) ? -1 : 1;
    return (a.rank - b.rank || a.row - b.row) * this.#sign;
  };
}
