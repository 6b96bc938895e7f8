/**
 * The codecs of a chunk: one complete stream for each block and for the symbols. Output is bounded
 * before it is made; damage is a StoreError `corrupt` with the place of the stream.
 */
import { promisify } from "node:util";
import zlib from "node:zlib";
import type { ChunkCodec } from "./chunk.ts";
import { corrupt, type Place } from "./corrupt.ts";
import { firstOutputBytesMax, firstOutputBytesMin } from "./limits.ts";
import { compressLz4Frame, decompressLz4Frame, lz4FrameSizes } from "./lz4-frames.ts";
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
        return decompressLz4Frame(bytes, rawBytesMax);
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
const zstdParams = {
  [zlib.constants.ZSTD_c_compressionLevel]: 3,
  [zlib.constants.ZSTD_c_checksumFlag]: 1,
};

/** The size is told because the two ways to compress differ in whether they know it, and so in bytes. */
function zstdOptions(raw: Buffer): { params: typeof zstdParams; pledgedSrcSize: number } {
  return { params: zstdParams, pledgedSrcSize: raw.length };
}

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
      return zlib.zstdCompressSync(raw, zstdOptions(raw));
    case "lz4":
    case "lz4-1M":
    case "lz4-256k":
    case "lz4-64k":
      return compressLz4Frame(raw, lz4FrameSizes[codec]);
  }
}

/** As `compressNow`, in the thread pool where node:zlib has it. */
export async function compress(codec: ChunkCodec, raw: Buffer): Promise<Buffer> {
  if (codec === "gzip") return withLokiHeader(await gzip(raw, deflateOptions));
  if (codec === "flate") return deflateRaw(raw, deflateOptions);
  if (codec === "zstd") return zstdCompress(raw, zstdOptions(raw));
  return compressNow(codec, raw);
}

/** Fixed time, no level, operating system unknown: the same bytes on every machine. */
const gzipHeader: Buffer = Buffer.from("1f8b080000096e8800ff", "hex");

function withLokiHeader(member: Buffer): Buffer {
  gzipHeader.copy(member);
  return member;
}
