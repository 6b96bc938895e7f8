/**
 * What proves that two stores have the same entries of a stream: their number and a checksum over
 * (time, line, structured metadata) of each, in any order. Per row 64 bits of hash; the sum of them
 * is compared. Names and values of metadata count as they are packed: sorted by name.
 */
import { hashBytes } from "#columns";
import type { EntryBatch } from "#model";

/** Fixed, so that records of different runs compare. */
const seeds = [0x5ba1d001, 0x2f9c1e37] as const;

export interface RowSum {
  readonly count: number;
  /** Sum of the hashes' upper and lower halves, modulo 2^32 each. */
  readonly high: number;
  readonly low: number;
}

export const noRows: RowSum = { count: 0, high: 0, low: 0 };

export function addSums(a: RowSum, b: RowSum): RowSum {
  return {
    count: a.count + b.count,
    high: (a.high + b.high) >>> 0,
    low: (a.low + b.low) >>> 0,
  };
}

export function sameSum(a: RowSum, b: RowSum): boolean {
  return a.count === b.count && a.high === b.high && a.low === b.low;
}

/** `01234567 89abcdef` without the blank. */
export function sumText({ high, low }: RowSum): string {
  return [high, low].map((half) => half.toString(16).padStart(8, "0")).join("");
}

/** Hashes of rows of one stream. Grows as needed; `clear` keeps the memory. */
export class RowHashes {
  #words = new Uint32Array(2048);
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  /** All rows of a batch, or rows [fromRow, toRow). */
  add(batch: EntryBatch, fromRow = 0, toRow: number = batch.rowCount): void {
    this.#reserve(this.#count + toRow - fromRow);
    const sets = seeds.map((seed) => hashesOfSets(batch, seed));
    for (let half = 0; half < seeds.length; half++) {
      this.#addHalf(batch, { fromRow, toRow, half, sets: sets[half]! });
    }
    this.#count += toRow - fromRow;
  }

  #addHalf(
    batch: EntryBatch,
    what: { fromRow: number; toRow: number; half: number; sets: Uint32Array },
  ): void {
    const { fromRow, toRow, half, sets } = what;
    const seed = seeds[half]!;
    const words = this.#words;
    const { bytes, lineStarts, lineEnds, epochSeconds, nanos, metadataOfRow } = batch;
    let at = this.#count * 2 + half;
    for (let row = fromRow; row < toRow; row++) {
      const seconds = epochSeconds[row]!;
      let h = hashBytes(bytes, lineStarts[row]!, lineEnds[row]!, seed);
      h = mixed(h, sets[metadataOfRow[row]!]!);
      h = mixed(h, seconds >>> 0);
      h = mixed(h, Math.floor(seconds / 2 ** 32));
      words[at] = mixed(h, nanos[row]!);
      at += 2;
    }
  }

  #reserve(rows: number): void {
    if (rows * 2 <= this.#words.length) return;
    const larger = new Uint32Array(Math.max(rows * 2, this.#words.length * 2));
    larger.set(this.#words.subarray(0, this.#count * 2));
    this.#words = larger;
  }

  /** Of every row. */
  sum(): RowSum {
    return sumOf(this.#words, this.#count);
  }

  /** Each distinct row counts once, as in answers. Changes the order in here. */
  distinctSum(): RowSum {
    const rows = new BigUint64Array(this.#words.buffer, 0, this.#count).sort();
    let kept = 0;
    for (let i = 0; i < rows.length; i++) {
      if (i === 0 || rows[i] !== rows[i - 1]) rows[kept++] = rows[i]!;
    }
    return sumOf(this.#words, kept);
  }
}

function sumOf(words: Uint32Array, count: number): RowSum {
  let [high, low] = [0, 0];
  for (let i = 0; i < count; i++) {
    high = (high + words[i * 2]!) >>> 0;
    low = (low + words[i * 2 + 1]!) >>> 0;
  }
  return { count, high, low };
}

function hashesOfSets({ metadata }: EntryBatch, seed: number): Uint32Array {
  const { bytes, starts, count } = metadata;
  const hashes = new Uint32Array(count);
  for (let i = 0; i < count; i++) hashes[i] = hashBytes(bytes, starts[i]!, starts[i + 1]!, seed);
  return hashes;
}

/** A step of MurmurHash3 with its final mixing: order counts, and every bit of both. */
function mixed(h: number, value: number): number {
  const k = Math.imul(value, 0xcc9e2d51);
  let m = h ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  m = Math.imul(m ^ (m >>> 16), 0x85ebca6b);
  m = Math.imul(m ^ (m >>> 13), 0xc2b2ae35);
  return (m ^ (m >>> 16)) >>> 0;
}
