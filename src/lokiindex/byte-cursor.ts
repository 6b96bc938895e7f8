import { StoreError } from "#base";
import { checksumOf } from "./checksum.ts";
import { textBytesMax } from "./limits.ts";

/** The object's bytes are not what the format says. */
export function corrupt(
  key: string,
  damage: { at: number; expected: string; actual: string | number },
): StoreError {
  const { at, expected, actual } = damage;
  const text = `${key} at byte ${at}: expected ${expected}, found ${actual}`;
  return new StoreError("corrupt", text);
}

/**
 * Reads an index file forward, never past `end`. Whole numbers above 2^53 are damage: no time,
 * size or count of a sound file comes near.
 */
export class ByteCursor {
  readonly key: string;
  readonly bytes: Buffer;
  at: number;
  end: number;

  constructor(key: string, bytes: Buffer, from = 0, to: number = bytes.length) {
    this.key = key;
    this.bytes = bytes;
    this.at = from;
    this.end = to;
  }

  get left(): number {
    return this.end - this.at;
  }

  #take(byteCount: number, what: string): number {
    const at = this.at;
    if (byteCount > this.end - at) {
      throw corrupt(this.key, {
        at,
        expected: `${byteCount} bytes of ${what}`,
        actual: `${Math.max(0, this.end - at)} bytes`,
      });
    }
    this.at = at + byteCount;
    return at;
  }

  u32(what: string): number {
    return this.bytes.readUInt32BE(this.#take(4, what));
  }

  u64(what: string): bigint {
    return this.bytes.readBigUInt64BE(this.#take(8, what));
  }

  i64(what: string): number {
    const at = this.#take(8, what);
    return this.#exact(Number(this.bytes.readBigInt64BE(at)), at, what);
  }

  uvarint(what: string): number {
    const { bytes, end } = this;
    const start = this.at;
    let at = start;
    let value = 0;
    let scale = 1;
    while (at < end) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.at = at;
        return value <= Number.MAX_SAFE_INTEGER ? value : this.#exact(value, start, what);
      }
      // The tenth byte is the last that 64 bits can have.
      if (at - start === 10) break;
      scale *= 128;
    }
    throw corrupt(this.key, { at: start, expected: `a varint of ${what}`, actual: "none" });
  }

  svarint(what: string): number {
    const value = this.uvarint(what);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Passes over a string and gives where its bytes start; they end at `at`. */
  skipText(what: string): number {
    const at = this.at;
    const length = this.uvarint(what);
    if (length > textBytesMax) {
      const expected = `${what} of at most ${textBytesMax} bytes`;
      throw corrupt(this.key, { at, expected, actual: length });
    }
    return this.#take(length, what);
  }

  text(what: string): string {
    const start = this.skipText(what);
    return this.bytes.toString("utf8", start, this.at);
  }

  #exact(value: number, at: number, what: string): number {
    if (Number.isSafeInteger(value)) return value;
    throw corrupt(this.key, { at, expected: `${what} below 2^53`, actual: value });
  }
}

/** A section `be32 length, content, be32 checksum of the content` → its content, verified. */
export function openSection(
  file: { readonly key: string; readonly bytes: Buffer },
  place: { at: number; end: number; what: string },
): ByteCursor {
  const { key, bytes } = file;
  const { at, what } = place;
  const cursor = new ByteCursor(key, bytes, at, place.end);
  const length = cursor.u32(`length of ${what}`);
  const from = cursor.at;
  if (length + 4 > cursor.left) {
    throw corrupt(key, {
      at,
      expected: `${what} of at most ${Math.max(0, cursor.left - 4)} bytes`,
      actual: length,
    });
  }
  checkSum(file, { from, to: from + length, what });
  return new ByteCursor(key, bytes, from, from + length);
}

/** The checksum of `bytes[from, to)` stands right behind them. */
export function checkSum(
  file: { readonly key: string; readonly bytes: Buffer },
  range: { from: number; to: number; what: string },
): void {
  const { from, to, what } = range;
  const expected = file.bytes.readUInt32BE(to);
  const actual = checksumOf(file.bytes, from, to);
  if (actual === expected) return;
  throw corrupt(file.key, {
    at: from,
    expected: `crc ${expected.toString(16)} of ${what}`,
    actual: actual.toString(16),
  });
}
