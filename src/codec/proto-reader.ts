import { RequestError } from "#base";

/** Wire types of protobuf (protobuf.dev/programming-guides/encoding); groups are refused. */
export const WireType = { Varint: 0, Fixed64: 1, Bytes: 2, Fixed32: 5 } as const;
export type WireType = (typeof WireType)[keyof typeof WireType];

/**
 * A cursor over protobuf bytes that makes no objects: the caller reads a tag, then the value, and
 * moves on. All that is malformed is a RequestError 400 in the words of the Go library Loki uses.
 * `end` may be narrowed to a sub-message and widened again by the caller.
 */
export class ProtoReader {
  readonly bytes: Buffer;
  at: number;
  end: number;

  constructor(bytes: Buffer, from = 0, to: number = bytes.length) {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
  }

  /** Unsigned; exact up to 2^53, above that rounded. */
  varint(): number {
    if (this.at >= this.end) throw truncated();
    const first = this.bytes[this.at++]!;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    // Nearly all lengths end here, in whole numbers of 32 bits.
    for (let shift = 7; shift < 28; shift += 7) {
      if (this.at >= this.end) throw truncated();
      const byte = this.bytes[this.at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    let scale = 2 ** 28;
    for (let i = 4; i < 10; i++) {
      if (this.at >= this.end) throw truncated();
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RequestError(400, "proto: integer overflow");
  }

  /** Two's complement of 64 bits; exact within ±2^53. */
  int64(): number {
    const from = this.at;
    const value = this.varint();
    if (value < 9007199254740992) return value;
    this.at = from;
    return Number(BigInt.asIntN(64, this.bigVarint()));
  }

  /** Exact, unsigned. */
  bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= this.end) throw truncated();
      const byte = this.bytes[this.at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RequestError(400, "proto: integer overflow");
  }

  fixed32(): number {
    if (this.at + 4 > this.end) throw truncated();
    const value = this.bytes.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  fixed64(): bigint {
    if (this.at + 8 > this.end) throw truncated();
    const value = this.bytes.readBigUInt64LE(this.at);
    this.at += 8;
    return value;
  }

  double(): number {
    if (this.at + 8 > this.end) throw truncated();
    const value = this.bytes.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  /** Reads a length and returns where the value ends; it starts at `at`. */
  span(): number {
    const length = this.varint();
    if (length > this.end - this.at) {
      if (length > 0x7fffffffffff) {
        throw new RequestError(400, "proto: negative length found during unmarshaling");
      }
      throw truncated();
    }
    return this.at + length;
  }

  text(): string {
    const to = this.span();
    const value = this.bytes.toString("utf8", this.at, to);
    this.at = to;
    return value;
  }

  /**
   * Field number and wire type as one number (field * 8 + type); `message` names the message in
   * errors.
   */
  tag(message: string): number {
    const tag = this.varint();
    if (tag < 8 || tag > 0xffffffff) {
      throw new RequestError(
        400,
        `proto: ${message}: illegal tag ${Math.floor(tag / 8)} (wire type ${tag % 8})`,
      );
    }
    return tag;
  }

  /** Passes over the value of a field nobody wants. */
  skip(tag: number, message: string): void {
    switch (tag & 7) {
      case WireType.Varint:
        this.bigVarint();
        return;
      case WireType.Fixed64:
        this.at += 8;
        break;
      case WireType.Bytes:
        this.at = this.span();
        break;
      case WireType.Fixed32:
        this.at += 4;
        break;
      case 4:
        throw new RequestError(400, `proto: ${message}: wiretype end group for non-group`);
      default:
        throw new RequestError(400, `proto: illegal wireType ${tag & 7}`);
    }
    if (this.at > this.end) throw truncated();
  }
}

function truncated(): RequestError {
  return new RequestError(400, "unexpected EOF");
}
