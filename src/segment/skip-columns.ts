/**
 * The columns of a block that say what is not in it. What they hold: docs/formats/segment.md, "Skip
 * filters".
 */
import { packSparseSet, sparseSetBytes } from "#columns";
import { ColumnKind, type RawBlock } from "./block-builder.ts";
import { packPart, type PackedPart, storeRaw } from "./compression.ts";
import { gramKeyBits } from "./skip-alphabet.ts";
import type { SkipScanner } from "./skip-scanner.ts";

/**
 * Trigrams cost little to make, grams about three times as much: see docs/decisions/0250-skip-
 * filters.md.
 */
export type SkipFilterDepth = "none" | "trigrams" | "all";

export interface SkipColumn {
  readonly kind: number;
  readonly name: string;
  readonly part: PackedPart;
}

/** Blocks stored in less are read sooner than they are asked about. */
export const filteredFromBytesDefault = 4096;

/**
 * A filter takes at most this share of the stored lines; grams lose precision until they do, or are
 * left out.
 */
const trigramShareMax = 0.2;
const gramShareMax = 0.09;

/** At 1 bit, a set still rules out ids, which have many grams: then it may take more. */
const gramShareMaxAtLeast = 0.15;

const lowBitsMax = 5;

/** One value in 32 that is not there is taken for one that is: 7 bits a value. */
const valueLowBits = 5;

/** What `scanBlock` found, until the stored size of the lines is known. */
export interface SkipScan {
  readonly trigrams: Buffer;
  readonly valueKeys: Uint32Array;
  readonly gramKeys: Uint32Array | undefined;
}

export function scanBlock(
  scanner: SkipScanner,
  block: Pick<RawBlock, "lines" | "valueKeys">,
  depth: SkipFilterDepth,
): SkipScan {
  const { lines, valueKeys } = block;
  return {
    valueKeys,
    trigrams: scanner.trigrams(lines),
    gramKeys: depth === "all" ? scanner.gramKeys(lines) : undefined,
  };
}

/** Trigrams of less than `compressFromBytes` are stored as they are, unless they take too much room then. */
export async function packSkipColumns(
  scan: SkipScan,
  linesStoredBytes: number,
  compressFromBytes: number = 0,
): Promise<SkipColumn[]> {
  const columns: SkipColumn[] = [];
  const trigramsMax = linesStoredBytes * trigramShareMax;
  const isKept = scan.trigrams.length < Math.min(compressFromBytes, trigramsMax);
  const trigrams = isKept ? storeRaw(scan.trigrams) : await packPart(scan.trigrams, 1);
  if (trigrams.storedBytes <= trigramsMax) {
    columns.push({ kind: ColumnKind.trigrams, name: "", part: trigrams });
  }
  if (scan.valueKeys.length > 0) {
    const values = storeRaw(packKeys(scan.valueKeys, valueLowBits));
    columns.push({ kind: ColumnKind.values, name: "", part: values });
  }
  if (scan.gramKeys === undefined) return columns;
  const grams = packGramKeys(scan.gramKeys, linesStoredBytes);
  if (grams !== undefined)
    columns.push({ kind: ColumnKind.grams, name: "", part: storeRaw(grams) });
  return columns;
}

/** Undefined when there is no room for them. */
export function packGramKeys(keys: Uint32Array, linesStoredBytes: number): Buffer | undefined {
  const lowBits = lowBitsFor(keys.length, linesStoredBytes);
  return lowBits === 0 ? undefined : packKeys(keys, lowBits);
}

/** Keys of 22 bits, scaled down to about 2^lowBits places for each. */
function packKeys(keys: Uint32Array, lowBits: number): Buffer {
  const universe = Math.min(2 ** gramKeyBits, Math.max(1, keys.length * 2 ** lowBits));
  return packSparseSet(...scaledKeys(keys, universe), { universe, lowBits });
}

function lowBitsFor(count: number, linesStoredBytes: number): number {
  for (let lowBits = lowBitsMax; lowBits > 0; lowBits--) {
    const bytes = sparseSetBytes({ universe: count * 2 ** lowBits, count, lowBits });
    const share = lowBits === 1 ? gramShareMaxAtLeast : gramShareMax;
    if (bytes <= linesStoredBytes * share) return lowBits;
  }
  return 0;
}

/** A key in a smaller universe; order stays. Exact: both factors are below 2^23. */
export function scaledKey(key: number, universe: number): number {
  return Math.floor((key * universe) / 2 ** gramKeyBits);
}

function scaledKeys(keys: Uint32Array, universe: number): [values: Uint32Array, count: number] {
  const values = new Uint32Array(keys.length);
  let count = 0;
  for (const key of keys) {
    const value = scaledKey(key, universe);
    if (count === 0 || values[count - 1] !== value) values[count++] = value;
  }
  return [values, count];
}
