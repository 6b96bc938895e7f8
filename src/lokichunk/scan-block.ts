/**
 * The records of a decompressed block, located: one pass over the bytes, no string, object or BigInt
 * per row. Timestamps are varints of up to 64 bits; two halves of 32 bits hold them, and what is kept
 * is the distance to a base, exact in a double below 2^53.
 */
import { corrupt, type Place } from "./corrupt.ts";
import { blockSpanNsMax } from "./limits.ts";

const low32 = 2 ** 32;

/** Located rows. Columns may be longer than `count`. */
export interface ScannedRows {
  readonly count: number;
  /** Time of row i: baseNs + offsets[i]. The base is the time of row 0. */
  readonly baseNs: bigint;
  /** Wrong, and to be looked at no further, when `isTooWide`. */
  readonly offsets: Float64Array;
  readonly isSorted: boolean;
  /** Some row is 2^53 ns or more away from row 0. */
  readonly isTooWide: boolean;
  /** Line of row i: raw[lineFroms[i], lineFroms[i] + lengths[i]). */
  readonly lineFroms: Uint32Array;
  readonly lengths: Uint32Array;
  /** Number of pairs, then the pairs of row i: raw[pairFroms[i], pairTos[i]). Empty before version 4. */
  readonly pairFroms: Uint32Array;
  readonly pairTos: Uint32Array;
  /** Where record i begins. */
  readonly recordFroms: Uint32Array;
}

/**
 * Locates `count` records, which must fill `raw`. StoreError `corrupt` when they do not; `place` is
 * where the block lies in the object. Longer than the house allows because the numbers of a record
 * are read in place: a call each would cost more than the reading.
 */
export function scanRows(
  raw: Buffer,
  count: number,
  { hasMetadata, place }: { readonly hasMetadata: boolean; readonly place: Place },
): ScannedRows {
  // A record takes at least a byte each for time and length, with metadata two more.
  if (count * (hasMetadata ? 4 : 2) > raw.length) {
    throw corrupt(place, `${count} entries in a block of ${raw.length} bytes`);
  }
  const offsets = new Float64Array(count);
  const recordFroms = new Uint32Array(count);
  const lineFroms = new Uint32Array(count);
  const lengths = new Uint32Array(count);
  const pairFroms = new Uint32Array(hasMetadata ? count : 0);
  const pairTos = new Uint32Array(hasMetadata ? count : 0);
  const end = raw.length;
  let [at, baseHigh, baseLow, previous] = [0, 0, 0, 0];
  let [isSorted, isTooWide] = [true, false];
  let [group0, group1, group2, shift, byte, length] = [0, 0, 0, 0, 0, 0];
  for (let row = 0; row < count; row++) {
    recordFroms[row] = at;
    // Groups of 28 bits: four bytes of seven.
    group0 = group1 = group2 = shift = 0;
    const isNine =
      at + 9 <= end &&
      (raw[at]! & raw[at + 1]! & raw[at + 2]! & raw[at + 3]! & 0x80) !== 0 &&
      (raw[at + 4]! & raw[at + 5]! & raw[at + 6]! & raw[at + 7]! & 0x80) !== 0 &&
      (byte = raw[at + 8]!) < 0x80;
    if (isNine) {
      // Times from 1971 to 2116.
      group0 = wordOf(raw, at);
      group1 = wordOf(raw, at + 4);
      group2 = byte;
      at += 9;
    } else {
      byte = 0x80;
      for (; byte >= 0x80 && shift < 28 && at < end; shift += 7) {
        group0 |= ((byte = raw[at++]!) & 0x7f) << shift;
      }
      for (shift = 0; byte >= 0x80 && shift < 28 && at < end; shift += 7) {
        group1 |= ((byte = raw[at++]!) & 0x7f) << shift;
      }
      for (shift = 0; byte >= 0x80 && shift < 14 && at < end; shift += 7) {
        group2 |= ((byte = raw[at++]!) & 0x7f) << shift;
      }
    }
    const zigzagLow = group0 | (group1 << 28);
    const zigzagHigh = (group1 >>> 4) | (group2 << 24);
    const sign = -(zigzagLow & 1);
    const low = (((zigzagLow >>> 1) | (zigzagHigh << 31)) ^ sign) >>> 0;
    const high = (zigzagHigh >>> 1) ^ sign;
    if (row === 0) {
      baseHigh = high;
      baseLow = low;
    }
    if (byte >= 0x80) throw corrupt(place, `the time of entry ${row} is no number`);
    const offset = (high - baseHigh) * low32 + (low - baseLow);
    if (offset < previous) isSorted = false;
    if (offset >= blockSpanNsMax || offset <= -blockSpanNsMax) isTooWide = true;
    offsets[row] = previous = offset;
    length = byte = at < end ? raw[at++]! : 0x80;
    if (byte >= 0x80) {
      length &= 0x7f;
      for (shift = 128; byte >= 0x80 && shift <= 2 ** 28 && at < end; shift *= 128) {
        length += ((byte = raw[at++]!) & 0x7f) * shift;
      }
    }
    if (byte >= 0x80) throw corrupt(place, `the length of entry ${row} is no number`);
    lineFroms[row] = at;
    lengths[row] = length;
    at += length;
    if (hasMetadata) {
      length = byte = at < end ? raw[at++]! : 0x80;
      if (byte >= 0x80) {
        length &= 0x7f;
        for (shift = 128; byte >= 0x80 && shift <= 2 ** 28 && at < end; shift *= 128) {
          length += ((byte = raw[at++]!) & 0x7f) * shift;
        }
      }
      pairFroms[row] = at;
      at += length;
      pairTos[row] = at;
    }
    if (at > end || byte >= 0x80) throw corrupt(place, `entry ${row} is cut off`);
  }
  if (at !== end) throw corrupt(place, `${end - at} bytes after ${count} entries`);
  const baseNs = BigInt.asIntN(64, (BigInt(baseHigh) << 32n) | BigInt(baseLow));
  const columns = { offsets, recordFroms, lineFroms, lengths, pairFroms, pairTos };
  return { count, baseNs, isSorted, isTooWide, ...columns };
}

/** Time of the record that begins at `at`, exact: for the rare block that spans months. */
export function recordTimeNs(raw: Buffer, at: number): bigint {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = raw[at + i]!;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) break;
  }
  const bits = BigInt.asUintN(64, value);
  return (bits & 1n) === 0n ? bits >> 1n : -(bits >> 1n) - 1n;
}

/** The low seven bits of four bytes. */
function wordOf(raw: Buffer, at: number): number {
  const low = (raw[at]! & 0x7f) | ((raw[at + 1]! & 0x7f) << 7);
  return low | ((raw[at + 2]! & 0x7f) << 14) | ((raw[at + 3]! & 0x7f) << 21);
}
