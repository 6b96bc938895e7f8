import type { LogEntry } from "./answers.ts";
import { withoutSeen } from "./query-pages.ts";

/** Entries of the newest timestamp that are remembered: more in one nanosecond are not expected. */
const rememberedCountMax = 10_000;

/** Where a tail that lost its connection goes on, without gaps and without repetitions. */
export class TailPosition {
  #fromNs: bigint;
  /** Entries of the time `#fromNs` that were given already. */
  #newest: LogEntry[] = [];
  #isResuming = false;

  constructor(fromNs: bigint) {
    this.#fromNs = fromNs;
  }

  /**
   * Called when a connection is opened: where it starts. When it goes on after an earlier one, what
   * comes first may repeat entries of this time.
   */
  open(): { readonly fromNs: bigint; readonly isResumed: boolean } {
    this.#isResuming = this.#newest.length > 0;
    return { fromNs: this.#fromNs, isResumed: this.#isResuming };
  }

  /** `entries` in order of time; gives those that are new. */
  take(entries: readonly LogEntry[]): readonly LogEntry[] {
    const fresh = this.#isResuming ? withoutSeen(entries, this.#newest) : entries;
    for (const entry of fresh) {
      if (entry.timeNs < this.#fromNs) continue;
      if (entry.timeNs > this.#fromNs) {
        this.#fromNs = entry.timeNs;
        this.#newest = [];
        this.#isResuming = false;
      }
      if (this.#newest.length < rememberedCountMax) this.#newest.push(entry);
    }
    return fresh;
  }
}
