/**
 * The metadata sets of several batches as one list, normalised as Loki stores them: names rewritten,
 * empty values gone, sorted by name. Equal sets have equal numbers, and 0 is the empty set, so that
 * rows are compared by number.
 */
import { packSet, type PackedSets, unpackSet } from "#model";
import { ByteTable } from "./byte-table.ts";
import { isPlainName, metadataNameOf } from "./metadata-name.ts";

/** A pair within a packed set. */
export interface PairSpan {
  nameFrom: number;
  nameTo: number;
  valueFrom: number;
  valueTo: number;
}

/** Reads the pair at `at` of packed sets into `pair`; returns where the next one begins. */
export function readPair(bytes: Uint8Array, at: number, pair: PairSpan): number {
  let from = at;
  let length = 0;
  let byte = 0x80;
  for (let shift = 0; byte >= 0x80; shift += 7) length |= ((byte = bytes[from++]!) & 0x7f) << shift;
  pair.nameFrom = from;
  from += length;
  pair.nameTo = from;
  length = 0;
  byte = 0x80;
  for (let shift = 0; byte >= 0x80; shift += 7) length |= ((byte = bytes[from++]!) & 0x7f) << shift;
  pair.valueFrom = from;
  pair.valueTo = from + length;
  return from + length;
}

export class MetadataSets {
  /** Packed as in EntryBatch. */
  readonly table: ByteTable = new ByteTable();
  /** By set: number of pairs, and sum of the lengths of names and values. */
  readonly pairCounts: number[] = [];
  readonly textBytes: number[] = [];
  /** By packed sets of a batch: number + 1 by set of the batch, 0 when not asked for yet. */
  readonly #known = new Map<PackedSets, Uint32Array>();
  readonly #pair: PairSpan = { nameFrom: 0, nameTo: 0, valueFrom: 0, valueTo: 0 };

  constructor() {
    this.#add(Buffer.alloc(0), 0, 0);
  }

  numberOf(sets: PackedSets, set: number): number {
    if (set === 0) return 0;
    let numbers = this.#known.get(sets);
    if (numbers === undefined) {
      numbers = new Uint32Array(sets.count);
      this.#known.set(sets, numbers);
    }
    const known = numbers[set]!;
    if (known !== 0) return known - 1;
    const number = this.#normalised(sets, set);
    numbers[set] = number + 1;
    return number;
  }

  #normalised(sets: PackedSets, set: number): number {
    const { bytes, starts } = sets;
    const [from, to] = [starts[set]!, starts[set + 1]!];
    const pair = this.#pair;
    for (let at = from; at < to; ) {
      at = readPair(bytes, at, pair);
      const isPlain = isPlainName(bytes, pair.nameFrom, pair.nameTo);
      if (!isPlain || pair.valueFrom === pair.valueTo) {
        const packed = normalisedSet(bytes.subarray(from, to));
        return this.#add(packed, 0, packed.length);
      }
    }
    return this.#add(bytes, from, to);
  }

  #add(bytes: Buffer, from: number, to: number): number {
    const number = this.table.numberOf(bytes, from, to);
    if (number < this.pairCounts.length) return number;
    const pair = this.#pair;
    let pairCount = 0;
    let textBytes = 0;
    for (let at = from; at < to; pairCount++) {
      at = readPair(bytes, at, pair);
      textBytes += pair.nameTo - pair.nameFrom + pair.valueTo - pair.valueFrom;
    }
    this.pairCounts.push(pairCount);
    this.textBytes.push(textBytes);
    return number;
  }
}

/** Of two names that become one, the later pair stays. A name with nothing left goes. */
function normalisedSet(packed: Buffer): Buffer {
  const pairs = new Map<string, string>();
  for (const [name, value] of unpackSet(packed)) {
    const normal = metadataNameOf(name);
    if (normal !== undefined && value !== "") pairs.set(normal, value);
  }
  return packSet([...pairs]);
}
