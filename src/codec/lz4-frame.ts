import { RequestError } from "#base";

/**
 * Reader for LZ4 frames (LZ4 Frame Format 1.6.x, lz4/doc/lz4_Frame_format.md), used by
 * OpenTelemetry exporters only. Frames may be concatenated; skippable frames are passed over;
 * blocks may refer to earlier blocks of their frame. Checksums are passed over: TCP and the
 * request's own framing already guard the way, and a wrong byte cannot do harm here.
 */
const frameMagic = 0x184d2204;
const skippableMagic = 0x184d2a50;

const corrupt = (): RequestError => new RequestError(400, "lz4: corrupt input");

/** Output that grows up to a bound. */
interface Output {
  bytes: Buffer;
  length: number;
  readonly lengthMax: number;
}

/** RequestError 400 for damage, 413 when the content is larger than `rawBytesMax`. */
export function decompressLz4Frames(input: Buffer, rawBytesMax: number): Buffer {
  const first = Math.min(rawBytesMax, Math.max(1024, input.length * 4));
  const output: Output = { bytes: Buffer.allocUnsafe(first), length: 0, lengthMax: rawBytesMax };
  let at = 0;
  if (input.length < 4) throw corrupt();
  while (at < input.length) {
    if (at + 4 > input.length) throw corrupt();
    const magic = input.readUInt32LE(at);
    if (magic === frameMagic) {
      at = readFrame(input, at + 4, output);
    } else if ((magic & 0xfffffff0) >>> 0 === skippableMagic) {
      if (at + 8 > input.length) throw corrupt();
      at += 8 + input.readUInt32LE(at + 4);
      if (at > input.length) throw corrupt();
    } else {
      throw corrupt();
    }
  }
  return output.bytes.subarray(0, output.length);
}

function readFrame(input: Buffer, from: number, output: Output): number {
  if (from + 3 > input.length) throw corrupt();
  const flags = input[from]!;
  if (flags >> 6 !== 1) throw corrupt();
  let at = from + 2 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0) + 1;
  const blockTail = (flags & 0x10) !== 0 ? 4 : 0;
  const frameStart = output.length;
  for (;;) {
    if (at + 4 > input.length) throw corrupt();
    const size = input.readUInt32LE(at);
    at += 4;
    if (size === 0) break;
    const length = size & 0x7fffffff;
    if (at + length + blockTail > input.length) throw corrupt();
    if (size >>> 31 === 1) {
      reserve(output, length);
      input.copy(output.bytes, output.length, at, at + length);
      output.length += length;
    } else {
      readBlock(input, { from: at, to: at + length }, output, frameStart);
    }
    at += length + blockTail;
  }
  at += (flags & 0x04) !== 0 ? 4 : 0;
  if (at > input.length) throw corrupt();
  return at;
}

function reserve(output: Output, bytes: number): void {
  const needed = output.length + bytes;
  if (needed <= output.bytes.length) return;
  if (needed > output.lengthMax) {
    throw new RequestError(413, `request body too large: more than ${output.lengthMax} bytes`);
  }
  const grown = Buffer.allocUnsafe(
    Math.min(output.lengthMax, Math.max(needed, output.bytes.length * 2)),
  );
  output.bytes.copy(grown, 0, 0, output.length);
  output.bytes = grown;
}

/** One block: sequences of literals and a match. */
function readBlock(
  input: Buffer,
  span: { readonly from: number; readonly to: number },
  output: Output,
  frameStart: number,
): void {
  let at = span.from;
  const { to } = span;
  while (at < to) {
    const token = input[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let byte = 255;
      while (byte === 255) {
        if (at >= to) throw corrupt();
        byte = input[at++]!;
        literals += byte;
      }
    }
    if (at + literals > to) throw corrupt();
    reserve(output, literals);
    input.copy(output.bytes, output.length, at, at + literals);
    output.length += literals;
    at += literals;
    if (at === to) return;
    if (at + 2 > to) throw corrupt();
    const distance = input.readUInt16LE(at);
    at += 2;
    let length = token & 15;
    if (length === 15) {
      let byte = 255;
      while (byte === 255) {
        if (at >= to) throw corrupt();
        byte = input[at++]!;
        length += byte;
      }
    }
    copyMatch(output, distance, length + 4, frameStart);
  }
}

/** The match may overlap what it writes, so bytes are copied one by one. */
function copyMatch(output: Output, distance: number, length: number, frameStart: number): void {
  if (distance === 0 || distance > output.length - frameStart) throw corrupt();
  reserve(output, length);
  const { bytes } = output;
  let from = output.length - distance;
  let to = output.length;
  for (const end = to + length; to < end; ) bytes[to++] = bytes[from++]!;
  output.length = to;
}
