import type { SegmentFooter } from "./footer.ts";

/** Streams, runs and values looked at between two turns of the event loop: some milliseconds. */
const unitsPerTurn = 200_000;

/** What a footer costs besides, in such units: small segments are dear. */
const unitsPerFooter = 2_000;

/** Keeps work over many footers from holding up everything else. */
export class Turns {
  #spent = 0;

  /** `units` are streams, runs or values that were looked at. True: now await `nextTurn`. */
  spend(units: number): boolean {
    this.#spent += units;
    if (this.#spent < unitsPerTurn) return false;
    this.#spent = 0;
    return true;
  }

  /** All streams and runs of a footer were looked at. */
  spendFooter(footer: SegmentFooter): boolean {
    return this.spend(unitsPerFooter + footer.streams.count + footer.blocks.runs.streams.length);
  }
}
