import { StoreError } from "#base";
import {
  type PackedUints,
  packedUintsWidthMax,
  startsOf,
  unpackNumbers,
  unpackUint32s,
} from "#columns";
import { blockRowsMax } from "./limits.ts";

/**
 * Values of a vector to a byte of what holds it. A vector of equal values takes no bytes of its own,
 * so that some twenty bytes could ask for a gigabyte of memory; but rows of tables have several
 * vectors, and streams, symbols and blocks differ in some of them.
 */
const valuesPerByteMax = 64;

/** Where bytes came from, for the texts of errors. */
export interface ByteOrigin {
  readonly key: string;
  /** Offset in the object of the stored part. */
  readonly offset: number;
  readonly part: string;
}

/** A StoreError that names object, offset and part. */
export function corrupt(origin: ByteOrigin, what: string): StoreError {
  const { key, offset, part } = origin;
  return new StoreError("corrupt", `${key} at byte ${offset} (${part}): ${what}`);
}

/**
 * A cursor over bytes that were stored by somebody else: whatever would leave them is StoreError
 * `corrupt`.
 */
export class ByteReader {
  readonly bytes: Buffer;
  readonly #origin: ByteOrigin;
  #at = 0;

  constructor(bytes: Buffer, origin: ByteOrigin) {
    this.bytes = bytes;
    this.#origin = origin;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.bytes.length - this.#at;
  }

  corrupt(what: string): StoreError {
    return corrupt(this.#origin, `raw byte ${this.#at}: ${what}`);
  }

  byte(): number {
    if (this.left < 1) throw this.corrupt("one byte expected but the end reached");
    return this.bytes[this.#at++]!;
  }

  /** A varint below 2^53. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      factor *= 128;
    }
    throw this.corrupt("varint of more than 53 bits");
  }

  take(count: number): Buffer {
    if (count > this.left) throw this.corrupt(`${count} bytes expected but ${this.left} left`);
    this.#at += count;
    return this.bytes.subarray(this.#at - count, this.#at);
  }

  /** A packed vector; `count` of at most `countMax`, or exactly `count`. */
  packed(limits: { countMax: number; count?: number; widthMax?: number }): PackedUints {
    const count = this.varint();
    const believable = blockRowsMax + this.bytes.length * valuesPerByteMax;
    const countMax = Math.min(limits.countMax, believable);
    if (count > countMax) throw this.corrupt(`${count} values, limit ${countMax}`);
    if (limits.count !== undefined && count !== limits.count) {
      throw this.corrupt(`${limits.count} values expected but ${count} stored`);
    }
    const min = this.varint();
    const width = this.byte();
    const widthMax = limits.widthMax ?? packedUintsWidthMax;
    if (width > widthMax) throw this.corrupt(`width ${width}, limit ${widthMax}`);
    const planesAt = this.#at;
    this.take(width * count);
    return { bytes: this.bytes, planesAt, count, min, width };
  }

  uint32s(limits: { countMax: number; count?: number }): Uint32Array {
    const packed = this.packed({ ...limits, widthMax: 4 });
    if (packed.min >= 2 ** 32) throw this.corrupt(`smallest value ${packed.min} is not an uint32`);
    return unpackUint32s(packed, 0, packed.count);
  }

  numbers(limits: { countMax: number; count?: number }): Float64Array {
    const packed = this.packed(limits);
    return unpackNumbers(packed, 0, packed.count);
  }

  /** A packed vector of counts as their running sums, which must stay within `countMax`, too. */
  starts(limits: { countMax: number; count?: number }): Uint32Array {
    const counts = this.uint32s(limits);
    let sum = 0;
    for (let i = 0; i < counts.length; i++) sum += counts[i]!;
    if (sum > limits.countMax) throw this.corrupt(`counts of ${sum}, limit ${limits.countMax}`);
    return startsOf(counts);
  }

  end(): void {
    if (this.left !== 0) throw this.corrupt(`end expected but ${this.left} bytes left`);
  }
}
