/**
 * Whether the skip filters of a block rule out what a query needs in every line. Never wrong in
 * ruling out; what they cannot tell, may be there.
 */
import type { SparseSet } from "#columns";
import type { SkipTerms } from "#storage";
import { foldedBytes, newlineSymbol, symbolOfByte } from "./skip-alphabet.ts";
import { scaledKey } from "./skip-columns.ts";
import { SkipScanner } from "./skip-scanner.ts";
import type { TrigramSet } from "./trigram-set.ts";

/** The filters of one block, as far as it has them. */
export interface BlockFilters {
  readonly trigrams: TrigramSet | undefined;
  readonly grams: SparseSet | undefined;
}

/** What ruled a block out. */
export type SkipReason = "trigrams" | "grams";

/** A text that would have to be in the block, as the filters see it. */
interface Wanted {
  readonly trigrams: Uint32Array;
  readonly gramKeys: Uint32Array;
}

/** Of each term one alternative must be in the block. */
export class SkipTest {
  readonly #terms: readonly (readonly Wanted[])[];

  constructor(terms: SkipTerms) {
    const scanner = new SkipScanner();
    this.#terms = terms.lineTerms
      .map((term) => wantedOf(term, scanner))
      .filter((term) => term.length > 0);
  }

  /** Nothing could ever be ruled out: filters need not be fetched. */
  get isIdle(): boolean {
    return this.#terms.length === 0;
  }

  /** What rules the block out; undefined when it must be read. */
  ruledOutBy(filters: BlockFilters): SkipReason | undefined {
    const { grams, trigrams } = filters;
    let terms = this.#terms;
    if (grams !== undefined) {
      // Alternatives that these rule out need no second look.
      terms = terms.map((term) => term.filter(({ gramKeys }) => hasAllKeys(grams, gramKeys)));
      if (terms.some((term) => term.length === 0)) return "grams";
    }
    if (trigrams === undefined) return undefined;
    const isThere = terms.every((term) =>
      term.some((one) => hasAllTrigrams(trigrams, one.trigrams)),
    );
    return isThere ? undefined : "trigrams";
  }
}

/**
 * Alternatives that are the same in lower case count once. Empty when some alternative is too short
 * for filters.
 */
function wantedOf(alternatives: readonly Buffer[], scanner: SkipScanner): Wanted[] {
  const byText = new Map<string, Wanted>();
  for (const bytes of alternatives) {
    const folded = Buffer.from(bytes.map((byte) => foldedBytes[byte]!));
    const text = folded.toString("latin1");
    if (byText.has(text)) continue;
    const wanted = { trigrams: trigramsOf(folded), gramKeys: scanner.gramKeys(folded) };
    if (wanted.trigrams.length === 0) return [];
    byText.set(text, wanted);
  }
  return [...byText.values()];
}

function trigramsOf(text: Uint8Array): Uint32Array {
  const found = new Set<number>();
  for (let i = 0; i + 3 <= text.length; i++) {
    const a = symbolOfByte[text[i]!]!;
    const b = symbolOfByte[text[i + 1]!]!;
    const c = symbolOfByte[text[i + 2]!]!;
    if (a === newlineSymbol || b === newlineSymbol || c === newlineSymbol) continue;
    found.add((a << 12) | (b << 6) | c);
  }
  return Uint32Array.from(found);
}

function hasAllKeys(set: SparseSet, keys: Uint32Array): boolean {
  for (const key of keys) if (!set.has(scaledKey(key, set.universe))) return false;
  return true;
}

function hasAllTrigrams(set: TrigramSet, trigrams: Uint32Array): boolean {
  for (const trigram of trigrams) if (!set.has(trigram)) return false;
  return true;
}
