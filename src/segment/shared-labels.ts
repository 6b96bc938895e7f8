import type { Labels } from "#model";

/** Label sets that are shared; then it starts anew. Some 50 MiB of them. */
const sharedMax = 100_000;

/** Equal label sets as one: the footers of a day all have the same streams. */
export class SharedLabels {
  readonly #byKey = new Map<string, Labels>();

  /** An equal label set that was here before, or this one. */
  of(labels: Labels): Labels {
    const known = this.#byKey.get(labels.key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= sharedMax) this.#byKey.clear();
    this.#byKey.set(labels.key, labels);
    return labels;
  }
}
