import { RequestError } from "#base";
import { compressSnappyBlock, decompressSnappyBlock, snappyBlockLength } from "#codec";
import { crc32c } from "./crc32c.ts";

/**
 * Snappy's framing format (google/snappy, framing_format.txt), which Loki's gRPC encoding `snappy`
 * is, unlike the bare blocks of its HTTP push. A chunk: type (1 byte), length (3 bytes, little
 * endian), data. Types: 0xff stream identifier, 0x00 compressed and 0x01 plain data, each after a
 * masked CRC-32C of the content; 0x80–0xfe may be passed over; others are refused.
 */
const identifier: Buffer = Buffer.from([0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]);
const chunkHeaderBytes = 4;
const crcBytes = 4;
/** Of content in one chunk; the format's own limit. */
const chunkContentBytesMax = 65536;

/** RequestError 413 over `rawBytesMax`, 400 for what is not snappy frames. */
export function decompressSnappyFrames(frames: Buffer, rawBytesMax: number): Buffer {
  const parts: Buffer[] = [];
  let rawBytes = 0;
  for (let at = 0; at < frames.length; ) {
    if (at + chunkHeaderBytes > frames.length) throw corrupt();
    const type = frames[at]!;
    const from = at + chunkHeaderBytes;
    const to = from + frames.readUIntLE(at + 1, 3);
    if (to > frames.length) throw corrupt();
    if (at === 0 && type !== 0xff) throw corrupt();
    at = to;
    if (type === 0xff) {
      if (!frames.subarray(from, to).equals(identifier.subarray(chunkHeaderBytes))) throw corrupt();
    } else if (type <= 1) {
      const room = rawBytesMax - rawBytes;
      const part = chunkContent(frames.subarray(from, to), { isCompressed: type === 0, room });
      rawBytes += part.length;
      parts.push(part);
    } else if (type < 0x80) {
      throw corrupt();
    }
  }
  return Buffer.concat(parts, rawBytes);
}

function chunkContent(
  data: Buffer,
  { isCompressed, room }: { readonly isCompressed: boolean; readonly room: number },
): Buffer {
  if (data.length < crcBytes) throw corrupt();
  const body = data.subarray(crcBytes);
  const length = isCompressed ? snappyBlockLength(body) : body.length;
  if (length < 0 || length > chunkContentBytesMax) throw corrupt();
  if (length > room) throw new RequestError(413, "message too large when decompressed");
  const content = isCompressed
    ? decompressSnappyBlock(body, {
        compressedBytesMax: data.length,
        rawBytesMax: chunkContentBytesMax,
      })
    : body;
  if (data.readUInt32LE(0) !== maskedCrc(content)) throw corrupt();
  return content;
}

export function compressSnappyFrames(content: Buffer): Buffer {
  const parts: Buffer[] = [identifier];
  for (let from = 0; from < content.length; from += chunkContentBytesMax) {
    const part = content.subarray(from, from + chunkContentBytesMax);
    const block = compressSnappyBlock(part);
    const isSmaller = block.length < part.length;
    const body = isSmaller ? block : part;
    const header = Buffer.alloc(chunkHeaderBytes + crcBytes);
    header[0] = isSmaller ? 0 : 1;
    header.writeUIntLE(body.length + crcBytes, 1, 3);
    header.writeUInt32LE(maskedCrc(part), chunkHeaderBytes);
    parts.push(header, body);
  }
  return Buffer.concat(parts);
}

/** Rotated right by 15 bits plus a constant, so that a CRC of data with CRCs in it is no trouble. */
function maskedCrc(content: Uint8Array): number {
  const crc = crc32c(content);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function corrupt(): RequestError {
  return new RequestError(400, "snappy: corrupt input");
}
