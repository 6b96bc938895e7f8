/** What one piece of a file starts with; a longer one grows by doubling. */
const pieceBytes = 1 << 20;

/**
 * Collects the bytes of a file in pieces, so that a file of gigabytes is not copied at every
 * growth. Numbers are big-endian, varints least significant group first.
 */
export class ByteSink {
  readonly #full: Buffer[] = [];
  #piece: Buffer;
  #used = 0;
  #fullBytes = 0;

  constructor(firstBytes: number = pieceBytes) {
    this.#piece = Buffer.allocUnsafe(firstBytes);
  }

  /** Bytes written so far: the offset of what comes next. */
  get at(): number {
    return this.#fullBytes + this.#used;
  }

  /** Room for `byteCount` bytes in one piece. */
  #room(byteCount: number): number {
    if (this.#used + byteCount > this.#piece.length) {
      this.#full.push(this.#piece.subarray(0, this.#used));
      this.#fullBytes += this.#used;
      this.#used = 0;
      this.#piece = Buffer.allocUnsafe(Math.max(pieceBytes, byteCount));
    }
    const at = this.#used;
    this.#used += byteCount;
    return at;
  }

  u8(value: number): void {
    const at = this.#room(1);
    this.#piece[at] = value;
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#piece.writeUInt32BE(value, at);
  }

  u64(value: bigint): void {
    const at = this.#room(8);
    this.#piece.writeBigUInt64BE(value, at);
  }

  /** A whole number, possibly negative, as 64 bits in two's complement. */
  i64(value: number): void {
    const at = this.#room(8);
    this.#piece.writeBigInt64BE(BigInt(value), at);
  }

  uvarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  /** Zigzag. */
  svarint(value: number): void {
    this.uvarint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  text(text: string): void {
    const byteCount = Buffer.byteLength(text);
    this.uvarint(byteCount);
    const at = this.#room(byteCount);
    this.#piece.write(text, at, byteCount, "utf8");
  }

  /** Copied. */
  append(bytes: Buffer): void {
    const at = this.#room(bytes.length);
    bytes.copy(this.#piece, at);
  }

  /** Zeros up to a multiple of `step`. */
  pad(step: number): void {
    while (this.at % step !== 0) this.u8(0);
  }

  /** Starts over, keeping the memory. Bytes given out before are overwritten. */
  reset(): void {
    this.#full.length = 0;
    this.#fullBytes = 0;
    this.#used = 0;
  }

  /** Everything written, copied together unless it is one piece. */
  bytes(): Buffer {
    const last = this.#piece.subarray(0, this.#used);
    return this.#full.length === 0 ? last : Buffer.concat([...this.#full, last]);
  }
}
