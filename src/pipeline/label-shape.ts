import { compareText, type LabelPair, Labels } from "#model";

/**
 * Merges base labels and made ones. Rows of one kind have the same names in the same order, so
 * where each goes is worked out once and used until the names change.
 */
export class LabelShape {
  #names: string[] = [];
  #baseCount = 0;
  /**
   * Positions into base and made names, in order of name; a name that is hidden is not among them.
   */
  #order: number[] = [];

  /** Labels made later in `madeNames` hide earlier ones; none may be given twice. */
  merge(
    base: readonly LabelPair[],
    madeNames: readonly string[],
    madeCount: number,
    valueAt: (i: number) => string,
  ): Labels {
    if (!this.#fits(base, madeNames, madeCount)) this.#learn(base, madeNames, madeCount);
    const order = this.#order;
    const pairs: LabelPair[] = [];
    for (let i = 0; i < order.length; i++) {
      const from = order[i]!;
      const made = from - base.length;
      pairs.push(made < 0 ? base[from]! : [madeNames[made]!, valueAt(made)]);
    }
    return Labels.ofSorted(pairs);
  }

  #fits(base: readonly LabelPair[], madeNames: readonly string[], madeCount: number): boolean {
    const names = this.#names;
    const baseCount = base.length;
    if (this.#baseCount !== baseCount || names.length !== baseCount + madeCount) return false;
    for (let i = 0; i < madeCount; i++) if (names[baseCount + i] !== madeNames[i]) return false;
    for (let i = 0; i < baseCount; i++) if (names[i] !== base[i]![0]) return false;
    return true;
  }

  #learn(base: readonly LabelPair[], madeNames: readonly string[], madeCount: number): void {
    this.#baseCount = base.length;
    this.#names = base.map(([name]) => name);
    for (let i = 0; i < madeCount; i++) this.#names.push(madeNames[i]!);
    const names = this.#names;
    const last = new Map(names.map((name, index) => [name, index]));
    this.#order = [...last.values()].sort((a, b) => compareText(names[a]!, names[b]!));
  }
}
