/**
 * Up to here a loop is faster than two calls of Buffer's. Below 128, so that a length is one byte.
 */
const shortTextMax = 40;

/**
 * Writes protobuf into one growing buffer. Lengths of sub-messages are written afterwards, see
 * `begin`.
 */
export class ProtoWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(capacityBytes = 1024) {
    this.#bytes = Buffer.allocUnsafe(Math.max(16, capacityBytes));
  }

  get length(): number {
    return this.#at;
  }

  /** A view: valid until the next write. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /** Whole numbers from 0 to 2^53; negative ones as the ten bytes of their two's complement. */
  varint(value: number): void {
    this.#reserve(10);
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value));
      while (rest >= 0x80n) {
        this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
        rest >>= 7n;
      }
      this.#bytes[this.#at++] = Number(rest);
      return;
    }
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  raw(bytes: Buffer, from: number, to: number): void {
    this.#reserve(to - from);
    bytes.copy(this.#bytes, this.#at, from, to);
    this.#at += to - from;
  }

  /** A length-delimited field holding bytes[from, to). */
  bytes(field: number, bytes: Buffer, from: number, to: number): void {
    this.tag(field, 2);
    this.varint(to - from);
    this.raw(bytes, from, to);
  }

  text(field: number, text: string): void {
    this.tag(field, 2);
    this.prefixedText(text);
  }

  /** A length and the text, without a tag. */
  prefixedText(text: string): void {
    if (text.length <= shortTextMax && this.#shortAscii(text)) return;
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.#reserve(length);
    this.#bytes.write(text, this.#at);
    this.#at += length;
  }

  /** Returns false, with nothing written, when the text is not ASCII. */
  #shortAscii(text: string): boolean {
    const { length } = text;
    this.#reserve(length + 1);
    const bytes = this.#bytes;
    const from = this.#at + 1;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[from + i] = code;
    }
    bytes[this.#at] = length;
    this.#at = from + length;
    return true;
  }

  /** Opens a sub-message of unknown length; give the result to `end`. */
  begin(field: number): number {
    this.tag(field, 2);
    return this.#at;
  }

  /** Closes a sub-message: moves its content to make room for the length in front of it. */
  end(start: number): void {
    const length = this.#at - start;
    let prefix = 1;
    for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 128)) prefix++;
    this.#reserve(prefix);
    this.#bytes.copy(this.#bytes, start + prefix, start, this.#at);
    this.#at = start;
    this.varint(length);
    this.#at += length;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
