/** Which series a rule wrote last, so that those that are gone get their staleness marker. */
import type { Labels } from "#model";
import type { OutgoingSample } from "./rule-context.ts";

export class WrittenSeries {
  #last: ReadonlyMap<string, Labels> = new Map();

  /** Markers for what was written last time and is not in `samples`; these are the last ones now. */
  replace(samples: readonly OutgoingSample[], nowMs: number): OutgoingSample[] {
    const current = new Map(samples.map(({ labels }) => [labels.key, labels]));
    const stale: OutgoingSample[] = [];
    for (const [key, labels] of this.#last) {
      if (current.has(key)) continue;
      stale.push({ labels, timeMs: nowMs, value: Number.NaN, isStale: true });
    }
    this.#last = current;
    return stale;
  }

  /** Takes over from a rule that is replaced, which then has nothing to end. */
  inherit(before: WrittenSeries): void {
    this.#last = before.#last;
    before.#last = new Map();
  }
}
