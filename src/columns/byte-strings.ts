/**
 * An immutable list of byte strings packed into one buffer; string i is bytes[starts[i], starts[i +
 * 1] - gap).
 */
export class ByteStrings {
  readonly bytes: Buffer;
  /** `count + 1` offsets into `bytes`. */
  readonly starts: Uint32Array;
  /** Bytes between two strings: 1 for lines (a newline after each), 0 for dictionaries. */
  readonly gap: number;

  constructor(bytes: Buffer, starts: Uint32Array, gap: number) {
    this.bytes = bytes;
    this.starts = starts;
    this.gap = gap;
  }

  static ofTexts(texts: readonly string[], gap: number): ByteStrings {
    const parts = texts.map((text) => Buffer.from(gap === 1 ? `${text}\n` : text));
    const starts = new Uint32Array(texts.length + 1);
    for (let i = 0; i < parts.length; i++) starts[i + 1] = starts[i]! + parts[i]!.length;
    return new ByteStrings(Buffer.concat(parts), starts, gap);
  }

  get count(): number {
    return this.starts.length - 1;
  }

  from(index: number): number {
    return this.starts[index]!;
  }

  to(index: number): number {
    return this.starts[index + 1]! - this.gap;
  }

  /** A view, not a copy. */
  view(index: number): Buffer {
    return this.bytes.subarray(this.from(index), this.to(index));
  }

  text(index: number): string {
    return this.bytes.toString("utf8", this.from(index), this.to(index));
  }

  texts(): string[] {
    return Array.from({ length: this.count }, (_, i) => this.text(i));
  }
}
