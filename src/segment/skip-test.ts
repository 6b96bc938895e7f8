/**
 * Whether the skip filters of a block rule out what a query needs in every line. Never wrong in
 * ruling out; what they cannot tell, may be there.
 */
import type { SparseSet } from "#columns";
import type { Labels } from "#model";
import type { SkipTerms } from "#storage";
import { foldedBytes, newlineSymbol, symbolOfByte } from "./skip-alphabet.ts";
import { scaledKey } from "./skip-columns.ts";
import { SkipScanner } from "./skip-scanner.ts";
import type { TrigramSet } from "./trigram-set.ts";
import { valueKey } from "./value-keys.ts";

/** The filters of one block, as far as it has them. */
export interface BlockFilters {
  readonly trigrams: TrigramSet | undefined;
  /** Of metadata. */
  readonly values: SparseSet | undefined;
  readonly grams: SparseSet | undefined;
}

/** Made when first needed: it holds 800 KiB of scratch memory. */
let scanner: SkipScanner | undefined;

/** What a block is, beside its filters. */
export interface FilteredBlock {
  readonly streams: readonly Labels[];
  /** Of all its metadata. */
  readonly metadataNames: readonly string[];
  readonly filters: BlockFilters;
}

/** What ruled a block out. */
export type SkipReason = "trigrams" | "grams" | "labels";

/**
 * A text that would have to be in the block, as the filters see it. What ruled out one block is
 * asked first of the next one, which it will rule out, too, more often than not.
 */
class Wanted {
  readonly #trigrams: Uint32Array;
  readonly #folded: Buffer;
  #gramKeys: Uint32Array | undefined;

  constructor(folded: Buffer) {
    this.#folded = folded;
    this.#trigrams = trigramsOf(folded);
  }

  /** Too short for filters. */
  get isVague(): boolean {
    return this.#trigrams.length === 0;
  }

  isMissingByTrigrams(set: TrigramSet): boolean {
    const trigrams = this.#trigrams;
    for (let i = 0; i < trigrams.length; i++) {
      if (set.has(trigrams[i]!)) continue;
      putFirst(trigrams, i);
      return true;
    }
    return false;
  }

  /** Dearer than by trigrams. */
  isMissingByGrams(set: SparseSet): boolean {
    const keys = (this.#gramKeys ??= gramKeysOf(this.#folded));
    const { universe } = set;
    for (let i = 0; i < keys.length; i++) {
      if (set.has(scaledKey(keys[i]!, universe))) continue;
      putFirst(keys, i);
      return true;
    }
    return false;
  }
}

function putFirst(values: Uint32Array, at: number): void {
  const value = values[at]!;
  values[at] = values[0]!;
  values[0] = value;
}

interface WantedLabel {
  readonly name: string;
  readonly value: string;
  readonly valueKey: number;
  /** Undefined when it cannot come from a line; empty when lines tell nothing. */
  readonly lines: readonly Wanted[] | undefined;
}

/** Of each term one alternative must be in the block. */
export class SkipTest {
  readonly #lineTerms: readonly (readonly Wanted[])[];
  readonly #labelTerms: readonly WantedLabel[];

  constructor(terms: SkipTerms) {
    this.#lineTerms = terms.lineTerms
      .map((term) => wantedOf(term))
      .filter((term) => term.length > 0);
    this.#labelTerms = (terms.labelTerms ?? [])
      .filter(({ value }) => value !== "")
      .map(({ name, value, lines }) => ({
        name,
        value,
        valueKey: valueKey(Buffer.from(name), Buffer.from(value)),
        lines: lines === undefined ? undefined : wantedOf(lines),
      }))
      .filter(({ lines }) => lines?.length !== 0);
  }

  /** Nothing could ever be ruled out: filters need not be fetched. */
  get isIdle(): boolean {
    return this.#lineTerms.length === 0 && this.#labelTerms.length === 0;
  }

  /** What rules the block out; undefined when it must be read. */
  ruledOutBy(block: FilteredBlock): SkipReason | undefined {
    for (const term of this.#lineTerms) {
      const reason = termRuledOutBy(term, block.filters);
      if (reason !== undefined) return reason;
    }
    return this.#labelTerms.some((term) => isLabelRuledOut(term, block)) ? "labels" : undefined;
  }
}

function termRuledOutBy(term: readonly Wanted[], filters: BlockFilters): SkipReason | undefined {
  const { grams, trigrams } = filters;
  let reason: SkipReason = "trigrams";
  for (const wanted of term) {
    if (trigrams !== undefined && wanted.isMissingByTrigrams(trigrams)) continue;
    if (grams === undefined || !wanted.isMissingByGrams(grams)) return undefined;
    reason = "grams";
  }
  return reason;
}

/** Each place where the label could come from must rule it out. */
function isLabelRuledOut(term: WantedLabel, block: FilteredBlock): boolean {
  const { name, value, lines } = term;
  if (block.streams.some((labels) => labels.get(name) === value)) return false;
  if (block.metadataNames.includes(name)) {
    const { values } = block.filters;
    if (values?.has(scaledKey(term.valueKey, values.universe)) !== false) return false;
  }
  return lines === undefined || termRuledOutBy(lines, block.filters) !== undefined;
}

/**
 * Alternatives that are the same in lower case count once. Empty when some alternative is too short
 * for filters.
 */
function wantedOf(alternatives: readonly Buffer[]): Wanted[] {
  const byText = new Map<string, Wanted>();
  for (const bytes of alternatives) {
    const folded = Buffer.from(bytes.map((byte) => foldedBytes[byte]!));
    const text = folded.toString("latin1");
    if (byText.has(text)) continue;
    const wanted = new Wanted(folded);
    if (wanted.isVague) return [];
    byText.set(text, wanted);
  }
  return [...byText.values()];
}

function gramKeysOf(folded: Buffer): Uint32Array {
  scanner ??= new SkipScanner();
  return scanner.gramKeys(folded);
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
