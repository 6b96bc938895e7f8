/**
 * Which trigrams of symbols a block has, stored as
 *
 *     512 bytes of pairs | a mask byte per pair | bytes
 *
 * Bit p % 8 of byte p / 8 says that some trigram starts with the pair p = 64 × first + second. Per
 * pair that is there, in order: of the 8 bytes that have a bit for each third symbol (bit c % 8 of
 * byte c / 8), the mask says which are not zero, and those follow, in order, after all masks.
 */
import { trigramBits } from "./skip-alphabet.ts";

const pairCount = 4096;
const pairsBytes: number = pairCount / 8;

/** Pairs between two calls: a function that is called often is compiled as a whole. */
const pairsPerCall = 64;

/** `marks` has a byte per trigram, 1 when it is there. */
export function packTrigrams(marks: Uint8Array<ArrayBuffer>): Buffer {
  const packing: Packing = {
    words: new Uint32Array(marks.buffer, marks.byteOffset, 2 ** (trigramBits - 2)),
    pairs: new Uint8Array(pairsBytes),
    ...scratch,
    maskCount: 0,
    byteCount: 0,
  };
  for (let from = 0; from < pairCount; from += pairsPerCall) packPairs(packing, from);
  const { pairs, masks, maskCount, bytes, byteCount } = packing;
  return Buffer.concat([pairs, masks.subarray(0, maskCount), bytes.subarray(0, byteCount)]);
}

/** Used again for every set: 36 KiB. */
const scratch = { masks: new Uint8Array(pairCount), bytes: new Uint8Array(pairCount * 8) };

interface Packing {
  readonly words: Uint32Array;
  readonly pairs: Uint8Array;
  readonly masks: Uint8Array;
  maskCount: number;
  readonly bytes: Uint8Array;
  byteCount: number;
}

function packPairs(packing: Packing, from: number): void {
  const { words, pairs, masks, bytes } = packing;
  let { maskCount, byteCount } = packing;
  for (let pair = from; pair < from + pairsPerCall; pair++) {
    let mask = 0;
    for (let i = 0; i < 8; i++) {
      const low = words[pair * 16 + i * 2]!;
      const high = words[pair * 16 + i * 2 + 1]!;
      if ((low | high) === 0) continue;
      mask |= 1 << i;
      bytes[byteCount++] = fourMarks(low) | (fourMarks(high) << 4);
    }
    if (mask === 0) continue;
    masks[maskCount++] = mask;
    pairs[pair >>> 3]! |= 1 << (pair & 7);
  }
  packing.maskCount = maskCount;
  packing.byteCount = byteCount;
}

/**
 * Marks of four neighbours as four bits: the product gathers the lowest bit of each byte on top.
 */
function fourMarks(word: number): number {
  return Math.imul(word, 0x10204080) >>> 28;
}

/** A packed set, to be asked in a few nanoseconds. */
export class TrigramSet {
  readonly #bytes: Buffer;
  /** Pairs that are there before each 32 pairs. */
  readonly #pairsBefore: Uint16Array;
  readonly #maskCount: number;
  /** Bytes before those of each pair that is there. */
  readonly #bytesBefore: Uint16Array;

  private constructor(
    bytes: Buffer,
    index: { pairsBefore: Uint16Array; maskCount: number; bytesBefore: Uint16Array },
  ) {
    this.#bytes = bytes;
    this.#pairsBefore = index.pairsBefore;
    this.#maskCount = index.maskCount;
    this.#bytesBefore = index.bytesBefore;
  }

  /** Keeps `bytes`. Undefined when they are no set: the lengths do not add up. */
  static open(bytes: Buffer): TrigramSet | undefined {
    if (bytes.length < pairsBytes) return undefined;
    const pairsBefore = new Uint16Array(pairsBytes / 4);
    let maskCount = 0;
    for (let i = 0; i < pairsBefore.length; i++) {
      pairsBefore[i] = maskCount;
      maskCount += onesOf(wordAt(bytes, i * 4));
    }
    if (pairsBytes + maskCount > bytes.length) return undefined;
    const bytesBefore = new Uint16Array(maskCount);
    let byteCount = 0;
    for (let i = 0; i < maskCount; i++) {
      bytesBefore[i] = byteCount;
      byteCount += onesOf(bytes[pairsBytes + i]!);
    }
    if (pairsBytes + maskCount + byteCount !== bytes.length) return undefined;
    return new TrigramSet(bytes, { pairsBefore, maskCount, bytesBefore });
  }

  /** About how much memory it takes. */
  get weightBytes(): number {
    return this.#bytes.length + this.#pairsBefore.byteLength + this.#bytesBefore.byteLength;
  }

  has(trigram: number): boolean {
    const bytes = this.#bytes;
    const pair = trigram >>> 6;
    const word = wordAt(bytes, (pair >>> 5) * 4);
    const pairBit = 1 << (pair & 31);
    if ((word & pairBit) === 0) return false;
    const index = this.#pairsBefore[pair >>> 5]! + onesOf(word & (pairBit - 1));
    const mask = bytes[pairsBytes + index]!;
    const maskBit = 1 << ((trigram >>> 3) & 7);
    if ((mask & maskBit) === 0) return false;
    const before = this.#bytesBefore[index]! + onesOf(mask & (maskBit - 1));
    const byte = bytes[pairsBytes + this.#maskCount + before]!;
    return ((byte >>> (trigram & 7)) & 1) === 1;
  }
}

/** 32 bits, the lowest byte first. */
function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Bits that are set in 32. */
function onesOf(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
