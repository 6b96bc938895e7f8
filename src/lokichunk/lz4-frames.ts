/**
 * LZ4 frames (lz4/doc/lz4_Frame_format.md) around blocks that the library packs and unpacks: it does
 * that five times as fast as it reads frames, and a block is bounded where its frames are not.
 */
import { compressSync, uncompressSync } from "lz4-napi";
import { decompressBody } from "#codec";

const frameMagic: Buffer = Buffer.from("04224d18", "hex");

/** Bits of the FLG byte. */
const flagIndependent = 0x20;
const flagBlockChecksum = 0x10;
const flagContentSize = 0x08;
const flagContentChecksum = 0x04;
const flagDictionary = 0x01;

const storedBit = 0x80000000;

/** No block grows more than this: a byte of match length stands for 255 bytes. */
const growthMax = 255;

/** Memory the caller owns. Throws anything for damage; RequestError 413 past `rawBytesMax`. */
export function decompressLz4Frame(bytes: Buffer, rawBytesMax: number): Buffer {
  const flags = bytes[4] ?? 0;
  const isPlain =
    bytes.subarray(0, 4).equals(frameMagic) &&
    (flags & (flagIndependent | flagDictionary)) === flagIndependent;
  const parts = isPlain ? blocksOf(bytes, flags, rawBytesMax) : undefined;
  // Frames that Loki does not write: several, with linked blocks, or beyond the bound.
  if (parts === undefined) {
    return decompressBody(bytes, "lz4", { compressedBytesMax: bytes.length, rawBytesMax });
  }
  return Buffer.concat(parts);
}

/** Contents of the blocks, or undefined when the frame is not all there is, or too large. */
function blocksOf(bytes: Buffer, flags: number, rawBytesMax: number): Buffer[] | undefined {
  const blockBytesMax = 1 << (8 + 2 * ((bytes[5]! >> 4) & 7));
  const tail = (flags & flagBlockChecksum) === 0 ? 0 : 4;
  const parts: Buffer[] = [];
  let left = rawBytesMax;
  let at = 7 + ((flags & flagContentSize) === 0 ? 0 : 8);
  for (;;) {
    if (at + 4 > bytes.length) return undefined;
    const size = bytes.readUInt32LE(at);
    at += 4;
    if (size === 0) break;
    const length = size & ~storedBit;
    const end = at + length;
    if (end + tail > bytes.length) return undefined;
    const part =
      (size & storedBit) === 0
        ? unpackBlock(bytes.subarray(at, end), Math.min(blockBytesMax, length * growthMax))
        : bytes.subarray(at, end);
    left -= part.length;
    if (left < 0) return undefined;
    parts.push(part);
    at = end + tail;
  }
  at += (flags & flagContentChecksum) === 0 ? 0 : 4;
  return at === bytes.length ? parts : undefined;
}

/** The library wants the raw size before the block, and takes a larger one. */
function unpackBlock(block: Buffer, rawBytesMax: number): Buffer {
  const prefixed = Buffer.allocUnsafe(4 + block.length);
  prefixed.writeUInt32LE(rawBytesMax);
  block.copy(prefixed, 4);
  return uncompressSync(prefixed);
}

interface FrameSize {
  readonly blockBytes: number;
  /** BD byte and header checksum. */
  readonly descriptor: readonly [number, number];
}

/** By the name of the codec. */
export const lz4FrameSizes: Readonly<Record<"lz4-64k" | "lz4-256k" | "lz4-1M" | "lz4", FrameSize>> =
  {
    "lz4-64k": { blockBytes: 1 << 16, descriptor: [0x40, 0x82] },
    "lz4-256k": { blockBytes: 1 << 18, descriptor: [0x50, 0xfb] },
    "lz4-1M": { blockBytes: 1 << 20, descriptor: [0x60, 0x51] },
    lz4: { blockBytes: 1 << 22, descriptor: [0x70, 0x73] },
  };

/** As Loki's writer: independent blocks, no checksums, no content size. */
export function compressLz4Frame(raw: Buffer, size: FrameSize): Buffer {
  const flags = 0x40 | flagIndependent;
  const parts: Buffer[] = [frameMagic, Buffer.from([flags, ...size.descriptor])];
  for (let from = 0; from < raw.length; from += size.blockBytes) {
    const part = raw.subarray(from, from + size.blockBytes);
    const block = compressSync(part).subarray(4);
    const isSmaller = block.length < part.length;
    const header = Buffer.alloc(4);
    header.writeUInt32LE(isSmaller ? block.length : (part.length | storedBit) >>> 0);
    parts.push(header, isSmaller ? block : part);
  }
  parts.push(Buffer.alloc(4));
  return Buffer.concat(parts);
}
