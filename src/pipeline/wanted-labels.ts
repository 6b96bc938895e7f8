import { errorLabel, extractedSuffix } from "./base-labels.ts";

/** Which labels somebody behind a parser reads: all, or these. Immutable. */
export type LabelNeeds = "all" | ReadonlySet<string>;

export const noNeeds: LabelNeeds = new Set<string>();

export function addNeeds(needs: LabelNeeds, names: Iterable<string> | undefined): LabelNeeds {
  if (needs === "all" || names === undefined) return "all";
  return new Set([...needs, ...names]);
}

export function removeNeed(needs: LabelNeeds, name: string): LabelNeeds {
  if (needs === "all") return "all";
  const rest = new Set(needs);
  rest.delete(name);
  return rest;
}

/** What a parser is to extract, and when it may stop. */
export class WantedLabels {
  readonly needs: LabelNeeds;
  /** Distinct fields after which a parser may stop, or Infinity when it must read to the end. */
  readonly stopAfterCount: number;

  /** `mayStop`: errors behind the last wanted field need not be found. */
  constructor(needs: LabelNeeds, options: { mayStop: boolean }) {
    this.needs = needs;
    this.stopAfterCount = Number.POSITIVE_INFINITY;
    if (needs === "all" || !options.mayStop || needs.has(errorLabel)) return;
    if (![...needs].some((name) => name.endsWith(extractedSuffix)))
      this.stopAfterCount = needs.size;
  }

  get isNone(): boolean {
    return this.needs !== "all" && this.needs.size === 0;
  }

  has(name: string): boolean {
    const { needs } = this;
    return needs === "all" || needs.has(name) || needs.has(name + extractedSuffix);
  }

  /**
   * By the first byte of a key, 1: whatever follows, its name is not wanted. Only letters say so,
   * for they stay as they are in a name.
   */
  unwantedStarts(): Uint8Array {
    const unwanted = new Uint8Array(256);
    if (this.needs === "all") return unwanted;
    for (let letter = 0; letter < 26; letter++) {
      for (const first of [0x41 + letter, 0x61 + letter]) unwanted[first] = 1;
    }
    for (const name of this.needs) unwanted[name.charCodeAt(0) & 0xff] = 0;
    return unwanted;
  }

  /** Could a name that starts like this be wanted? */
  hasBelow(prefix: string): boolean {
    if (this.needs === "all") return true;
    for (const name of this.needs) if (name.startsWith(prefix)) return true;
    return false;
  }
}
