/** Below this, a loop copies faster than a call of Buffer.copy. */
const loopBytesMax = 32;

/** from[start, end) to the place `at` of `to`. Positionals: called for each entry and pair. */
export function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  if (end - start > loopBytesMax) {
    from.copy(to, at, start, end);
  } else {
    for (let i = start, k = at; i < end; i++, k++) to[k] = from[i]!;
  }
}

/** Bytes in the making: grows by doubling, starts again without giving memory back. */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafe(bytes);
  }

  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  /** Unsigned LEB128 of a whole number below 2^53. The caller reserved 8 bytes. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  /** Zigzag LEB128 of an int64 given as halves. The caller reserved 10 bytes. */
  signed(high: number, low: number): void {
    const sign = high >> 31;
    let zigzagHigh = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
    let zigzagLow = ((low << 1) ^ sign) >>> 0;
    while (zigzagHigh !== 0 || zigzagLow >= 0x80) {
      this.bytes[this.length++] = (zigzagLow & 0x7f) | 0x80;
      zigzagLow = ((zigzagLow >>> 7) | (zigzagHigh << 25)) >>> 0;
      zigzagHigh >>>= 7;
    }
    this.bytes[this.length++] = zigzagLow;
  }

  signedNs(ns: bigint): void {
    this.signed(Number(BigInt.asIntN(64, ns) >> 32n), Number(ns & 0xffffffffn));
  }

  /** Bytes and room for them. */
  copy(from: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    copyBytes(from, start, end, this.bytes, this.length);
    this.length += end - start;
  }

  /** A view, valid until the next write or `clear`. */
  view(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
