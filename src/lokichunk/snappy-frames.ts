/**
 * Snappy's framing format (google/snappy, framing_format.txt): a stream identifier, then frames of
 * type (1 byte), length (3 bytes, little endian) and data. Type 0 is a compressed block, 1 plain
 * bytes, each after a masked CRC-32C of the content; 0x80–0xfe may be passed over. The blocks
 * themselves are the library's work, one by one, so that no frame can grow past its 64 KiB.
 */
import { compressSync, uncompressSync } from "snappy";
import { snappyBlockLength } from "#codec";
import { checksumText, corrupt, type Place } from "./corrupt.ts";
import { crc32c } from "./checksum.ts";

const identifier: Buffer = Buffer.from([0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]);
const frameHeaderBytes = 4;
const crcBytes = 4;
/** Content of one frame, by the format. */
const frameContentBytesMax = 65536;

/** StoreError `corrupt` for damage, and for content over `rawBytesMax`. Never a view of `frames`. */
export function decompressSnappyFrames(frames: Buffer, rawBytesMax: number, place: Place): Buffer {
  const parts: Buffer[] = [];
  let rawBytes = 0;
  let isOwned = true;
  for (let at = 0; at < frames.length; ) {
    const here = { key: place.key, offset: place.offset + at };
    if (at + frameHeaderBytes > frames.length) throw corrupt(here, "snappy frame is cut off");
    const type = frames[at]!;
    const from = at + frameHeaderBytes;
    const to = from + frames.readUIntLE(at + 1, 3);
    if (to > frames.length) {
      throw corrupt(here, `snappy frame of ${to - from} bytes, ${frames.length - from} left`);
    }
    if (at === 0 && type !== 0xff) throw corrupt(here, "no snappy stream identifier");
    at = to;
    if (type === 0xff) {
      const isRight = frames.subarray(from, to).equals(identifier.subarray(frameHeaderBytes));
      if (!isRight) throw corrupt(here, "wrong snappy stream identifier");
    } else if (type <= 1) {
      const part = contentOf(frames.subarray(from, to), type, here);
      rawBytes += part.length;
      if (rawBytes > rawBytesMax) throw corrupt(here, `more than ${rawBytesMax} bytes of content`);
      parts.push(part);
      isOwned = type === 0;
    } else if (type < 0x80) {
      throw corrupt(here, `unknown snappy frame type ${type}`);
    }
  }
  return parts.length === 1 && isOwned ? parts[0]! : Buffer.concat(parts, rawBytes);
}

function contentOf(data: Buffer, type: number, place: Place): Buffer {
  if (data.length < crcBytes) throw corrupt(place, `snappy frame of ${data.length} bytes`);
  const body = data.subarray(crcBytes);
  const length = type === 0 ? snappyBlockLength(body) : body.length;
  if (length < 0 || length > frameContentBytesMax) {
    throw corrupt(place, `snappy frame claims ${length} bytes of content`);
  }
  const content = type === 0 ? uncompress(body, length, place) : body;
  const expected = data.readUInt32LE(0);
  const computed = maskedCrc(content);
  if (expected !== computed) {
    const [stored, actual] = [checksumText(expected), checksumText(computed)];
    throw corrupt(place, `snappy frame has crc ${stored} but computed ${actual}`);
  }
  return content;
}

function uncompress(body: Buffer, length: number, place: Place): Buffer {
  if (length === 0) return Buffer.alloc(0);
  try {
    return uncompressSync(body, { asBuffer: true, copyOutputData: true }) as Buffer;
  } catch (error) {
    throw corrupt(place, "snappy block cannot be decompressed", error);
  }
}

/**
 * Nothing for nothing, not even the identifier, as Loki's writer. A frame is stored plain when
 * compression saves less than an eighth.
 */
export function compressSnappyFrames(content: Buffer): Buffer {
  if (content.length === 0) return Buffer.alloc(0);
  const parts: Buffer[] = [identifier];
  for (let from = 0; from < content.length; from += frameContentBytesMax) {
    const part = content.subarray(from, from + frameContentBytesMax);
    const block = compressSync(part, { copyOutputData: true });
    const isSmaller = block.length < part.length - Math.floor(part.length / 8);
    const body = isSmaller ? block : part;
    const header = Buffer.alloc(frameHeaderBytes + crcBytes);
    header[0] = isSmaller ? 0 : 1;
    header.writeUIntLE(body.length + crcBytes, 1, 3);
    header.writeUInt32LE(maskedCrc(part), frameHeaderBytes);
    parts.push(header, body);
  }
  return Buffer.concat(parts);
}

/** Offsets of the frames with content, and where each one's content begins in the raw bytes. */
export function snappyContentFrames(frames: Buffer): { offset: number; rawFrom: number }[] {
  const found: { offset: number; rawFrom: number }[] = [];
  let rawFrom = 0;
  for (let at = 0; at + frameHeaderBytes + crcBytes <= frames.length; ) {
    const length = frames.readUIntLE(at + 1, 3);
    const body = frames.subarray(at + frameHeaderBytes + crcBytes, at + frameHeaderBytes + length);
    if (frames[at]! <= 1) {
      found.push({ offset: at, rawFrom });
      rawFrom += frames[at] === 0 ? Math.max(0, snappyBlockLength(body)) : body.length;
    }
    at += frameHeaderBytes + length;
  }
  return found;
}

/** Rotated right by 15 bits plus a constant, so that a CRC of data with CRCs in it is no trouble. */
function maskedCrc(content: Uint8Array): number {
  const crc = crc32c(content);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
