import { LruMap } from "#base";
import type { Labels } from "#model";

/** Label sets remembered; a query over more distinct sets makes them anew. */
const setCountMax = 8192;
/** Text that the remembered keys may hold, in UTF-16 units. */
const keyLengthMax = 8 * 1024 * 1024;
/** After so many questions it is decided whether remembering is worth its price. */
const trialCount = 512;
const usefulHitShare = 0.25;

/** Gives rows with equal labels the same object, across blocks, as long as rows do share labels. */
export class LabelInterner {
  readonly #sets = new LruMap<string, Labels>({
    weightMax: keyLengthMax,
    weigh: (_, key) => Math.max(key.length, keyLengthMax / setCountMax),
  });
  readonly #baseKeys = new LruMap<string, string>({ weightMax: setCountMax });
  readonly #keyOfSet = new WeakMap<Labels, string>();
  #nextKey = 0;
  #askedCount = 0;
  #hitCount = 0;

  /** False when the rows seen hardly ever had the labels of another row. */
  get isUseful(): boolean {
    return this.#askedCount < trialCount || this.#hitCount > this.#askedCount * usefulHitShare;
  }

  /** A short text for a set of stored labels, equal for equal sets while remembered. */
  baseKey(labels: Labels): string {
    const known = this.#keyOfSet.get(labels);
    if (known !== undefined) return known;
    let key = this.#baseKeys.get(labels.key);
    if (key === undefined) {
      key = `${this.#nextKey++}`;
      this.#baseKeys.set(labels.key, key);
    }
    this.#keyOfSet.set(labels, key);
    return key;
  }

  get(key: string): Labels | undefined {
    const labels = this.#sets.get(key);
    this.#askedCount++;
    if (labels !== undefined) this.#hitCount++;
    return labels;
  }

  set(key: string, labels: Labels): void {
    this.#sets.set(key, labels);
  }
}
