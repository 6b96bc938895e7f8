import zlib from "node:zlib";
import { RequestError } from "#base";
import { compressSync, uncompressSync } from "snappy";
import { decompressLz4Frames } from "./lz4-frame.ts";

/**
 * Decompression of request bodies. Nothing here allocates more than `rawBytesMax`: a body that
 * would grow larger is refused with RequestError 413, a damaged one with RequestError 400.
 */
export interface DecompressLimits {
  readonly compressedBytesMax: number;
  readonly rawBytesMax: number;
}

/**
 * `encoding` is one of `gzip`, `deflate` (zlib or raw), `zstd`, `lz4` (frames), or empty for bytes
 * as they are; which of them a route accepts is the caller's decision. The result may be `body`
 * itself.
 */
export function decompressBody(body: Buffer, encoding: string, limits: DecompressLimits): Buffer {
  if (body.length > limits.compressedBytesMax) {
    throw tooLarge(body.length, limits.compressedBytesMax);
  }
  const chunkSize = guessedBytes(body, encoding, limits.rawBytesMax);
  const options = { maxOutputLength: limits.rawBytesMax, chunkSize };
  try {
    switch (encoding) {
      case "":
        if (body.length > limits.rawBytesMax) throw tooLarge(body.length, limits.rawBytesMax);
        return body;
      case "gzip":
        return fitted(zlib.gunzipSync(body, options), chunkSize);
      case "deflate":
        return fitted(
          looksLikeZlib(body)
            ? zlib.inflateSync(body, options)
            : zlib.inflateRawSync(body, options),
          chunkSize,
        );
      case "zstd":
        return fitted(zlib.zstdDecompressSync(body, options), chunkSize);
      case "lz4":
        return decompressLz4Frames(body, limits.rawBytesMax);
      default:
        throw new RequestError(400, `Content-Encoding "${encoding}" not supported`);
    }
  } catch (error) {
    throw asRequestError(error, encoding, limits.rawBytesMax);
  }
}

/** The least that zlib takes. */
const guessedBytesMin = 64;
/** A guess may be wrong, or a lie; what is larger comes in pieces of this. */
const guessedBytesMax = 4 * 1024 * 1024;
/** Logs shrink by about as much. */
const usualGrowth = 6;
/** Whatever is told: pieces of a few bytes would take long. */
const leastGrowth = 2;

/**
 * How long the content may be. With room for one byte more it comes in one piece, which is neither
 * joined from many nor larger than it must be. The last four bytes of gzip say it, modulo 2^32, of
 * the last part when it has several.
 */
function guessedBytes(body: Buffer, encoding: string, rawBytesMax: number): number {
  const isTold = encoding === "gzip" && body.length >= 4;
  const told = isTold ? body.readUInt32LE(body.length - 4) + 1 : body.length * usualGrowth;
  const guess = Math.max(told, body.length * leastGrowth);
  return Math.max(guessedBytesMin, Math.min(guess, guessedBytesMax, rawBytesMax + 1));
}

/** Batches keep what they are decoded from: a wrong guess must not be kept with it. */
function fitted(content: Buffer, guess: number): Buffer {
  return content.length * 2 < guess ? Buffer.from(content) : content;
}

/** The two bytes of RFC 1950: method 8 and a check that makes them a multiple of 31. */
function looksLikeZlib(body: Buffer): boolean {
  if (body.length < 2) return false;
  return (body[0]! & 0x0f) === 8 && (body[0]! * 256 + body[1]!) % 31 === 0;
}

function asRequestError(error: unknown, encoding: string, rawBytesMax: number): RequestError {
  if (error instanceof RequestError) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ERR_BUFFER_TOO_LARGE") {
    return new RequestError(413, `request body too large: more than ${rawBytesMax} bytes`);
  }
  if (code === "Z_BUF_ERROR") return new RequestError(400, "unexpected EOF");
  if (encoding === "gzip") return new RequestError(400, "gzip: invalid header");
  return new RequestError(400, `${encoding}: corrupt input`);
}

function tooLarge(bytes: number, bytesMax: number): RequestError {
  return new RequestError(413, `received message larger than max (${bytes} vs ${bytesMax})`);
}

/**
 * No snappy block grows more than this: its densest element is a copy of 64 bytes in 3. A header
 * that promises more is a lie, refused before memory is taken for it.
 */
const snappyGrowthMax = 22;
/** Up to here a copy costs less than pages that are fresh from the system. */
const copiedTwiceBytesMax = 16 * 1024 * 1024;

/** Length of the content as the block's header claims it, or -1 when there is no valid header. */
export function snappyBlockLength(block: Buffer): number {
  let length = 0;
  let scale = 1;
  for (let i = 0; i < 5 && i < block.length; i++) {
    const byte = block[i]!;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return length <= 0xffffffff ? length : -1;
    scale *= 128;
  }
  return -1;
}

/** Length of a block's content and where its elements begin; errors as `decompressSnappyBlock`. */
export function checkedSnappyLength(
  block: Buffer,
  limits: DecompressLimits,
): { readonly bytes: number; readonly elementsFrom: number } {
  if (block.length > limits.compressedBytesMax) {
    throw tooLarge(block.length, limits.compressedBytesMax);
  }
  const bytes = snappyBlockLength(block);
  if (bytes < 0 || bytes > block.length * snappyGrowthMax) {
    throw new RequestError(400, "snappy: corrupt input");
  }
  if (bytes > limits.rawBytesMax) throw tooLarge(bytes, limits.rawBytesMax);
  let elementsFrom = 0;
  while (block[elementsFrom]! >= 0x80) elementsFrom++;
  return { bytes, elementsFrom: elementsFrom + 1 };
}

/**
 * Snappy's block format (not the framed one). The output is copied into memory of V8's own: memory
 * handed over from the library is fresh from the system each time, and its page faults cost five
 * times the decompression. With `take` it is copied into the memory that gives. RequestError 400
 * `snappy: corrupt input`, or 413.
 */
export function decompressSnappyBlock(
  block: Buffer,
  limits: DecompressLimits,
  take?: (bytes: number) => Buffer,
): Buffer {
  const { bytes } = checkedSnappyLength(block, limits);
  if (bytes === 0) {
    if (block.length === 1) return Buffer.alloc(0);
    throw new RequestError(400, "snappy: corrupt input");
  }
  // A large one is not held three times over.
  const copyOutputData = take === undefined || bytes <= copiedTwiceBytesMax;
  let content: Buffer;
  try {
    content = uncompressSync(block, { asBuffer: true, copyOutputData }) as Buffer;
  } catch {
    throw new RequestError(400, "snappy: corrupt input");
  }
  if (take === undefined) return content;
  const taken = take(content.length);
  content.copy(taken);
  return taken.subarray(0, content.length);
}

export function compressSnappyBlock(content: Buffer): Buffer {
  return compressSync(content, { copyOutputData: true });
}
