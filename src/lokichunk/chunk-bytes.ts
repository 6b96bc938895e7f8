/**
 * A cursor over part of an object. Every read is checked against the part's end: StoreError
 * `corrupt` with the offset in the object.
 */
import { corrupt, type Place } from "./corrupt.ts";

const varintBytesMax = 10;

export class ChunkBytes {
  readonly bytes: Buffer;
  at: number;
  readonly #place: Place;
  readonly #part: string;

  /** `place` is where bytes[0] lies. */
  constructor(bytes: Buffer, place: Place, part: string) {
    this.bytes = bytes;
    this.at = 0;
    this.#place = place;
    this.#part = part;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  fault(what: string): Error {
    const offset = this.#place.offset + this.at;
    return corrupt({ key: this.#place.key, offset }, `${this.#part}: ${what}`);
  }

  /** Unsigned LEB128 of up to 64 bits. */
  varint(): bigint {
    let value = 0n;
    for (let i = 0; i < varintBytesMax; i++) {
      if (this.at >= this.bytes.length) throw this.fault("a number is cut off");
      const byte = this.bytes[this.at++]!;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw this.fault("a number of more than ten bytes");
  }

  /** A count or length; `max` is what it can be at most, with the reason in `what`. */
  count(what: string, max: number): number {
    const value = this.varint();
    if (value > BigInt(max)) throw this.fault(`${what} is ${value}, at most ${max} possible`);
    return Number(value);
  }

  /** Zigzag varint: int64. */
  signed(): bigint {
    const value = this.varint();
    return (value & 1n) === 0n ? value >> 1n : -(value >> 1n) - 1n;
  }

  end(): void {
    if (this.left !== 0) throw this.fault(`${this.left} bytes too many`);
  }
}
