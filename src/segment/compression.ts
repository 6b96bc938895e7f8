/**
 * How columns and sections are stored: zstd when that is smaller, raw otherwise, each with the
 * CRC-32 of the stored bytes. Large parts are (de)compressed on the thread pool, small ones in
 * place, where a hop would cost more.
 */
import { promisify } from "node:util";
import zlib from "node:zlib";
import { KiB } from "#base";
import { type ByteOrigin, corrupt } from "./byte-reader.ts";

export const Encoding = { raw: 0, zstd: 1 } as const;
export type Encoding = (typeof Encoding)[keyof typeof Encoding];

/** What a directory knows about a stored part. */
export interface StoredPart {
  readonly storedBytes: number;
  readonly rawBytes: number;
  readonly encoding: number;
  readonly crc: number;
}

export interface PackedPart extends StoredPart {
  readonly bytes: Buffer;
}

/** Smaller parts are stored raw: a zstd frame has a header of its own. */
const compressFromBytes = 48;

/** From here on the work is worth a hop to the thread pool. */
const poolFromBytes: number = 64 * KiB;

const zstdDecompress = promisify(zlib.zstdDecompress);

/**
 * Log lines shrink to a fifth and less: one buffer of this size nearly always takes the whole
 * frame.
 */
function frameBytesGuess(rawBytes: number): number {
  return (rawBytes >>> 2) + KiB;
}

/** `raw` may be reused once this resolved. Parts of less than `fromBytes` are stored as they are. */
export async function packPart(
  raw: Buffer,
  level: number,
  fromBytes: number = compressFromBytes,
): Promise<PackedPart> {
  if (raw.length < fromBytes) return asPart(raw, Buffer.from(raw), Encoding.raw);
  const options = {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
    chunkSize: frameBytesGuess(raw.length),
    pledgedSrcSize: raw.length,
  };
  const frame =
    raw.length < poolFromBytes
      ? trimmed(zlib.zstdCompressSync(raw, options))
      : await compressOnPool(raw, options);
  if (frame.length >= raw.length) return asPart(raw, Buffer.from(raw), Encoding.raw);
  return asPart(raw, frame, Encoding.zstd);
}

/**
 * As zlib's own function with a callback, but its chunks are given back at once: there are one or two
 * per block, which left to the collector make it look through the whole heap again and again.
 */
function compressOnPool(
  raw: Buffer,
  options: zlib.ZstdOptions & { readonly chunkSize: number },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = zlib.createZstdCompress(options);
    const pieces: Buffer[] = [];
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.on("error", reject);
    stream.on("end", () => {
      stream.close();
      resolve(takenOut(pieces, options.chunkSize));
    });
    stream.end(raw);
  });
}

/** The pieces in a buffer of their own; nobody writes or reads the chunks they lie in any more. */
function takenOut(pieces: readonly Buffer[], chunkBytes: number): Buffer {
  const frame = Buffer.concat(pieces);
  for (const { buffer } of pieces) {
    // Not one of Node's pool.
    const isChunk = buffer.byteLength === chunkBytes && chunkBytes > Buffer.poolSize;
    if (isChunk && buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
  return frame;
}

/** For what zstd would not make smaller. `raw` is kept. */
export function storeRaw(raw: Buffer): PackedPart {
  return asPart(raw, raw, Encoding.raw);
}

/**
 * zlib may hand out a short view of a large allocation; what is kept until the object is written
 * must not.
 */
function trimmed(frame: Buffer): Buffer {
  return frame.buffer.byteLength > frame.length + 4 * KiB ? Buffer.from(frame) : frame;
}

function asPart(raw: Buffer, bytes: Buffer, encoding: Encoding): PackedPart {
  return {
    bytes,
    storedBytes: bytes.length,
    rawBytes: raw.length,
    encoding,
    crc: zlib.crc32(bytes),
  };
}

/** Checks length and CRC of what was read. */
export function checkStored(stored: Buffer, part: StoredPart, origin: ByteOrigin): void {
  if (stored.length !== part.storedBytes) {
    throw corrupt(origin, `${part.storedBytes} bytes expected but ${stored.length} read`);
  }
  const crc = zlib.crc32(stored);
  if (crc !== part.crc) throw corrupt(origin, `crc ${part.crc} expected but ${crc} computed`);
}

/** The raw bytes, checked. Never more than `part.rawBytes`. May be a view of `stored`. */
export function unpackPartNow(stored: Buffer, part: StoredPart, origin: ByteOrigin): Buffer {
  checkStored(stored, part, origin);
  if (part.encoding === Encoding.raw) return checkRaw(stored, part, origin);
  checkEncoding(part, origin);
  let raw: Buffer;
  try {
    raw = zlib.zstdDecompressSync(stored, boundsOf(part));
  } catch (error) {
    throw corrupt(origin, `zstd: ${String(error)}`);
  }
  return checkRaw(raw, part, origin);
}

/** As `unpackPartNow`, on the thread pool when large. */
export async function unpackPart(
  stored: Buffer,
  part: StoredPart,
  origin: ByteOrigin,
): Promise<Buffer> {
  if (part.rawBytes < poolFromBytes || part.encoding !== Encoding.zstd) {
    return unpackPartNow(stored, part, origin);
  }
  checkStored(stored, part, origin);
  let raw: Buffer;
  try {
    raw = await zstdDecompress(stored, boundsOf(part));
  } catch (error) {
    throw corrupt(origin, `zstd: ${String(error)}`);
  }
  return checkRaw(raw, part, origin);
}

function boundsOf(part: StoredPart): { chunkSize: number; maxOutputLength: number } {
  // zlib wants a chunk of at least 64 bytes. One that is filled to the last byte would make it take a second one and go
  // to the thread pool again to see whether there is more: a quarter of all the time a block takes.
  const chunkSize = Math.max(64, part.rawBytes + 1);
  return { chunkSize, maxOutputLength: Math.max(1, part.rawBytes) };
}

function checkEncoding(part: StoredPart, origin: ByteOrigin): void {
  if (part.encoding !== Encoding.zstd) throw corrupt(origin, `unknown encoding ${part.encoding}`);
}

function checkRaw(raw: Buffer, part: StoredPart, origin: ByteOrigin): Buffer {
  if (raw.length !== part.rawBytes) {
    throw corrupt(origin, `${part.rawBytes} raw bytes expected but ${raw.length} unpacked`);
  }
  return raw;
}
