/**
 * A sorted set of whole numbers below `universe`, in Elias–Fano form: about lowBits + 2 bits per
 * number when `lowBits` is log2(universe / count), and asked without unpacking it (P. Elias,
 * "Efficient storage and retrieval by content and address of static files", 1974).
 *
 *     varint universe | varint count | u8 lowBits | highs | lows
 *
 * Bit i of a byte string is bit i % 8 (from the lowest) of byte i / 8. `highs` has, for each value
 * of number >>> lowBits in order, a 1 per number with it and then a 0; `lows` the lowBits low bits
 * of each number in order.
 */
import { writeVarint } from "./packed-uints.ts";

/** Numbers stay below 2^24, so that nothing here leaves 32 bits. */
export const sparseSetUniverseMax: number = 2 ** 24;

/** Two varints of up to 4 bytes and the width. */
const headerBytesMax = 9;

/** Bytes of a set before it is packed, but for the header. */
export function sparseSetBytes(shape: {
  universe: number;
  count: number;
  lowBits: number;
}): number {
  const { universe, count, lowBits } = shape;
  return highsBytes(universe, count, lowBits) + Math.ceil((count * lowBits) / 8);
}

function highsBytes(universe: number, count: number, lowBits: number): number {
  return Math.ceil((count + bucketCountOf(universe, lowBits)) / 8);
}

function bucketCountOf(universe: number, lowBits: number): number {
  return universe === 0 ? 0 : ((universe - 1) >>> lowBits) + 1;
}

/** The first `count` of `values`: ascending, distinct, below `universe`. */
export function packSparseSet(
  values: Uint32Array,
  count: number,
  shape: { universe: number; lowBits: number },
): Buffer {
  const { universe, lowBits } = shape;
  const out = Buffer.alloc(headerBytesMax + sparseSetBytes({ universe, count, lowBits }));
  let at = writeVarint(out, 0, universe);
  at = writeVarint(out, at, count);
  out[at++] = lowBits;
  const lowsAt = (at + highsBytes(universe, count, lowBits)) * 8;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const high = at * 8 + (value >>> lowBits) + i;
    out[high >>> 3]! |= 1 << (high & 7);
    let low = lowsAt + i * lowBits;
    for (let bit = 0; bit < lowBits; bit++, low++) {
      out[low >>> 3]! |= ((value >>> bit) & 1) << (low & 7);
    }
  }
  return out.subarray(0, (lowsAt + count * lowBits + 7) >>> 3);
}

/** A number is looked for by counting zeros in so many bytes at most. */
const rankedBytes = 32;

/** A packed set, to be asked. `bytes` are kept. */
export class SparseSet {
  readonly universe: number;
  readonly count: number;
  readonly #lowBits: number;
  readonly #bytes: Uint8Array;
  readonly #highsAt: number;
  readonly #lowsAt: number;
  /** Zeros in `highs` before each `rankedBytes` of it; made when first asked. */
  #zerosBefore: Uint32Array | undefined;

  private constructor(bytes: Uint8Array, header: SparseSetHeader) {
    this.#bytes = bytes;
    this.universe = header.universe;
    this.count = header.count;
    this.#lowBits = header.lowBits;
    this.#highsAt = header.highsAt;
    this.#lowsAt = header.highsAt + highsBytes(this.universe, this.count, this.#lowBits);
  }

  /** Undefined when `bytes` are no set: the lengths do not add up. */
  static open(bytes: Uint8Array): SparseSet | undefined {
    const header = readHeader(bytes);
    if (header === undefined) return undefined;
    const { universe, count, lowBits, highsAt } = header;
    const size = highsAt + sparseSetBytes({ universe, count, lowBits });
    return size === bytes.length ? new SparseSet(bytes, header) : undefined;
  }

  get weightBytes(): number {
    return this.#bytes.length + (this.#lowsAt - this.#highsAt) / (rankedBytes / 4);
  }

  /** Numbers from `universe` on are not in the set. */
  has(value: number): boolean {
    if (value >= this.universe) return false;
    const lowBits = this.#lowBits;
    const bytes = this.#bytes;
    const bucket = value >>> lowBits;
    // Where the bucket's ones start: after as many zeros as there are buckets before it.
    const zerosBefore = (this.#zerosBefore ??= this.#countZeros());
    let part = 0;
    for (let high = zerosBefore.length; part + 1 < high; ) {
      const middle = (part + high) >>> 1;
      if (zerosBefore[middle]! < bucket) part = middle;
      else high = middle;
    }
    let at = this.#highsAt + part * rankedBytes;
    let zeros = zerosBefore[part] ?? 0;
    for (; at < this.#lowsAt; at++) {
      const next = zeros + zerosOf[bytes[at]!]!;
      if (next >= bucket) break;
      zeros = next;
    }
    let bit = at * 8;
    while (zeros < bucket) {
      if (((bytes[bit >>> 3]! >>> (bit & 7)) & 1) === 0) zeros++;
      bit++;
    }
    const low = value & ((1 << lowBits) - 1);
    let lowBit = this.#lowsAt * 8 + (bit - this.#highsAt * 8 - bucket) * lowBits;
    for (const end = this.#lowsAt * 8; bit < end; bit++, lowBit += lowBits) {
      if (((bytes[bit >>> 3]! >>> (bit & 7)) & 1) === 0) return false;
      if (bitsAt(bytes, lowBit, lowBits) === low) return true;
    }
    return false;
  }

  #countZeros(): Uint32Array {
    const counts = new Uint32Array(Math.ceil((this.#lowsAt - this.#highsAt) / rankedBytes));
    let zeros = 0;
    for (let at = this.#highsAt, i = 0; at < this.#lowsAt; at++, i++) {
      if (i % rankedBytes === 0) counts[i / rankedBytes] = zeros;
      zeros += zerosOf[this.#bytes[at]!]!;
    }
    return counts;
  }
}

interface SparseSetHeader {
  readonly universe: number;
  readonly count: number;
  readonly lowBits: number;
  readonly highsAt: number;
}

function readHeader(bytes: Uint8Array): SparseSetHeader | undefined {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 28 && at < bytes.length; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Infinity;
  };
  const universe = varint();
  const count = varint();
  if (universe > sparseSetUniverseMax || count > universe || at >= bytes.length) return undefined;
  const lowBits = bytes[at++]!;
  return lowBits > 24 ? undefined : { universe, count, lowBits, highsAt: at };
}

const zerosOf: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  let zeros = 8;
  for (let rest = byte; rest > 0; rest >>>= 1) zeros -= rest & 1;
  return zeros;
});

/** `width` bits (at most 24) from bit `from` on; bits after the end are 0. */
function bitsAt(bytes: Uint8Array, from: number, width: number): number {
  const at = from >>> 3;
  const word =
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  return (word >>> (from & 7)) & ((1 << width) - 1);
}
