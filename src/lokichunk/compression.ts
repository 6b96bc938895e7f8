/**
 * The codecs of a chunk: one complete stream for each block and for the symbols. Output is bounded
 * before it is made; damage is a StoreError `corrupt` with the place of the stream.
 */
import { promisify } from "node:util";
import zlib from "node:zlib";
import { compressSync as compressLz4Block, decompressFrameSync } from "lz4-napi";
import { decompressBody } from "#codec";
import type { ChunkCodec } from "./chunk.ts";
import { corrupt, type Place } from "./corrupt.ts";
import { firstOutputBytesMax, firstOutputBytesMin } from "./limits.ts";
import { compressSnappyFrames, decompressSnappyFrames } from "./snappy-frames.ts";

/** By the codec byte of a chunk; 2 was retired. */
const codecs: readonly (ChunkCodec | undefined)[] = [
  "none",
  "gzip",
  undefined,
  "lz4-64k",
  "snappy",
  "lz4-256k",
  "lz4-1M",
  "lz4",
  "flate",
  "zstd",
];

export function codecOfByte(byte: number): ChunkCodec | undefined {
  return codecs[byte];
}

export function byteOfCodec(codec: ChunkCodec): number {
  return codecs.indexOf(codec);
}

export interface PackedStream {
  readonly codec: ChunkCodec;
  readonly bytes: Buffer;
  readonly place: Place;
  readonly rawBytesMax: number;
  /** About what comes out; only saves copies. */
  readonly rawBytesHint: number;
}

/** No deflate stream grows more than this. */
const deflateGrowthMax = 1032;

/** No LZ4 block grows more than this: a byte of match length stands for 255 bytes. */
const lz4GrowthMax = 255;

/** The raw bytes; `stream.bytes` itself for codec `none`, else memory the caller owns. */
export function decompressNow(stream: PackedStream): Buffer {
  const { codec, bytes, place, rawBytesMax } = stream;
  if (codec === "none") {
    if (bytes.length > rawBytesMax) throw corrupt(place, `more than ${rawBytesMax} bytes`);
    return bytes;
  }
  if (codec === "snappy") return decompressSnappyFrames(bytes, rawBytesMax, place);
  try {
    switch (codec) {
      case "gzip":
        return zlib.gunzipSync(bytes, outputOptions(stream));
      case "flate":
        return zlib.inflateRawSync(bytes, outputOptions(stream));
      case "zstd":
        return zlib.zstdDecompressSync(bytes, outputOptions(stream));
      case "lz4":
      case "lz4-1M":
      case "lz4-256k":
      case "lz4-64k":
        return decompressLz4(bytes, rawBytesMax);
    }
  } catch (error) {
    throw streamFault(stream, error);
  }
}

const gunzip = promisify(zlib.gunzip) as AsyncCodec;
const inflateRaw = promisify(zlib.inflateRaw) as AsyncCodec;
const zstdDecompress = promisify(zlib.zstdDecompress) as AsyncCodec;
const gzip = promisify(zlib.gzip) as AsyncCodec;
const deflateRaw = promisify(zlib.deflateRaw) as AsyncCodec;
const zstdCompress = promisify(zlib.zstdCompress) as AsyncCodec;

type AsyncCodec = (bytes: Buffer, options: object) => Promise<Buffer>;

/** As `decompressNow`, in the thread pool where node:zlib has it; the others are quick. */
export async function decompress(stream: PackedStream): Promise<Buffer> {
  const { codec, bytes } = stream;
  try {
    if (codec === "gzip") return await gunzip(bytes, outputOptions(stream));
    if (codec === "flate") return await inflateRaw(bytes, outputOptions(stream));
    if (codec === "zstd") return await zstdDecompress(bytes, outputOptions(stream));
  } catch (error) {
    throw streamFault(stream, error);
  }
  return decompressNow(stream);
}

/** zlib hands out memory in pieces of `chunkSize`; one piece of the right size needs no joining. */
function outputOptions(stream: PackedStream): { maxOutputLength: number; chunkSize: number } {
  const { bytes, rawBytesHint, rawBytesMax } = stream;
  const believable = Math.min(rawBytesHint, bytes.length * deflateGrowthMax, firstOutputBytesMax);
  const chunkSize = Math.max(believable, firstOutputBytesMin);
  return { maxOutputLength: rawBytesMax, chunkSize };
}

/**
 * The library does not bound what a frame grows to, so it gets only frames that cannot grow past
 * the bound. Larger ones, which take lines of megabytes, go through our own bounded decoder.
 */
function decompressLz4(bytes: Buffer, rawBytesMax: number): Buffer {
  if (bytes.length * lz4GrowthMax <= rawBytesMax) return decompressFrameSync(bytes);
  return decompressBody(bytes, "lz4", { compressedBytesMax: bytes.length, rawBytesMax });
}

function streamFault(stream: PackedStream, error: unknown): Error {
  const { codec, bytes, place, rawBytesMax } = stream;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  if (code === "ERR_BUFFER_TOO_LARGE" || status === 413) {
    return corrupt(place, `${codec} stream holds more than ${rawBytesMax} bytes`, error);
  }
  return corrupt(place, `${codec} stream of ${bytes.length} bytes cannot be decompressed`, error);
}

/** Levels: what Loki's writer uses, or the nearest of node:zlib. */
const zstdOptions = {
  params: {
    [zlib.constants.ZSTD_c_compressionLevel]: 3,
    [zlib.constants.ZSTD_c_checksumFlag]: 1,
  },
};
const deflateOptions = { level: 6 };

export function compressNow(codec: ChunkCodec, raw: Buffer): Buffer {
  switch (codec) {
    case "none":
      return raw;
    case "snappy":
      return compressSnappyFrames(raw);
    case "gzip":
      return withLokiHeader(zlib.gzipSync(raw, deflateOptions));
    case "flate":
      return zlib.deflateRawSync(raw, deflateOptions);
    case "zstd":
      return zlib.zstdCompressSync(raw, zstdOptions);
    case "lz4":
    case "lz4-1M":
    case "lz4-256k":
    case "lz4-64k":
      return compressLz4Frame(raw, lz4Sizes[codec]);
  }
}

/** As `compressNow`, in the thread pool where node:zlib has it. */
export async function compress(codec: ChunkCodec, raw: Buffer): Promise<Buffer> {
  if (codec === "gzip") return withLokiHeader(await gzip(raw, deflateOptions));
  if (codec === "flate") return deflateRaw(raw, deflateOptions);
  if (codec === "zstd") return zstdCompress(raw, zstdOptions);
  return compressNow(codec, raw);
}

/** Fixed time, no level, operating system unknown: the same bytes on every machine. */
const gzipHeader: Buffer = Buffer.from("1f8b080000096e8800ff", "hex");

function withLokiHeader(member: Buffer): Buffer {
  gzipHeader.copy(member);
  return member;
}

interface Lz4Size {
  readonly blockBytes: number;
  /** BD byte and header checksum. */
  readonly descriptor: readonly [number, number];
}

const lz4Sizes: Readonly<Record<"lz4-64k" | "lz4-256k" | "lz4-1M" | "lz4", Lz4Size>> = {
  "lz4-64k": { blockBytes: 1 << 16, descriptor: [0x40, 0x82] },
  "lz4-256k": { blockBytes: 1 << 18, descriptor: [0x50, 0xfb] },
  "lz4-1M": { blockBytes: 1 << 20, descriptor: [0x60, 0x51] },
  lz4: { blockBytes: 1 << 22, descriptor: [0x70, 0x73] },
};

/** The library puts the raw size before a block. */
const lz4PrefixBytes = 4;
const lz4IsStored = 0x80000000;

/** LZ4 Frame Format: independent blocks, no checksums, no content size. The library makes the blocks. */
function compressLz4Frame(raw: Buffer, size: Lz4Size): Buffer {
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, ...size.descriptor])];
  for (let from = 0; from < raw.length; from += size.blockBytes) {
    const part = raw.subarray(from, from + size.blockBytes);
    const block = compressLz4Block(part).subarray(lz4PrefixBytes);
    const isSmaller = block.length < part.length;
    const header = Buffer.alloc(4);
    header.writeUInt32LE(isSmaller ? block.length : (part.length | lz4IsStored) >>> 0);
    parts.push(header, isSmaller ? block : part);
  }
  parts.push(Buffer.alloc(4));
  return Buffer.concat(parts);
}
