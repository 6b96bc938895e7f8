/**
 * Where the parts of a chunk object lie. Offsets are from the object's first byte. Everything here
 * comes from the few bytes at the beginning and the end; nothing is decompressed.
 */
import type { ChunkCodec } from "./chunk.ts";
import { codecOfByte } from "./compression.ts";
import { checksumText, corrupt, type Place } from "./corrupt.ts";
import { crc32c } from "./checksum.ts";

/** First four bytes of a body; docs/formats/loki-chunk.md. */
export const bodyMagic = 0x012ee56a;
export const crcBytes = 4;
const codecHeaderBytes = 6;
const lengthBytes = 4;

/** A part of the object whose CRC-32C stands in the four bytes after it. */
export interface Section {
  readonly offset: number;
  readonly length: number;
}

export interface ChunkLayout {
  /** The framed JSON. */
  readonly header: Section;
  readonly bodyOffset: number;
  readonly version: 1 | 2 | 3 | 4;
  readonly codec: ChunkCodec;
  /** Undefined before version 4. */
  readonly symbols: Section | undefined;
  readonly table: Section;
  /** Where the first block begins when nothing is missing. */
  readonly blocksOffset: number;
  /** metaLen counts the header alone, as very old writers had it. */
  readonly hasOldLength: boolean;
}

/** StoreError `corrupt` when the parts do not fit the object. */
export function layoutOf(key: string, bytes: Buffer): ChunkLayout {
  const { headerEnd, hasOldLength } = headerEndOf(key, bytes);
  const header = { offset: lengthBytes, length: headerEnd - lengthBytes };
  const bodyOffset = headerEnd + lengthBytes;
  const place = { key, offset: bodyOffset };
  const bodyBytes = bytes.length - bodyOffset;
  if (bodyBytes < codecHeaderBytes) throw corrupt(place, `a body of ${bodyBytes} bytes`);
  const magic = bytes.readUInt32BE(bodyOffset);
  if (magic !== bodyMagic) {
    const [expected, actual] = [checksumText(bodyMagic), checksumText(magic)];
    throw corrupt(place, `the body begins with ${actual}, not ${expected}`);
  }
  const version = bytes[bodyOffset + 4]!;
  if (version !== 1 && version !== 2 && version !== 3 && version !== 4) {
    throw corrupt({ key, offset: bodyOffset + 4 }, `unknown chunk version ${version}`);
  }
  const codecByte = version === 1 ? 1 : bytes[bodyOffset + 5]!;
  const codec = codecOfByte(codecByte);
  if (codec === undefined) {
    throw corrupt({ key, offset: bodyOffset + 5 }, `unknown codec ${codecByte}`);
  }
  const found = { header, bodyOffset, version, codec, hasOldLength } as const;
  return version === 4
    ? { ...found, ...symbolsAndTable(bytes, place) }
    : { ...found, ...tableOnly(bytes, place, version) };
}

/** Both conventions of metaLen, told apart by the length of the body that must follow. */
function headerEndOf(key: string, bytes: Buffer): { headerEnd: number; hasOldLength: boolean } {
  const place = { key, offset: 0 };
  if (bytes.length < 2 * lengthBytes) throw corrupt(place, `an object of ${bytes.length} bytes`);
  const length = bytes.readUInt32BE(0);
  for (const headerEnd of [length, length + lengthBytes]) {
    const rest = bytes.length - headerEnd - lengthBytes;
    if (headerEnd < lengthBytes || rest < 0) continue;
    if (bytes.readUInt32BE(headerEnd) !== rest) continue;
    return { headerEnd, hasOldLength: headerEnd !== length };
  }
  throw corrupt(place, `header of ${length} bytes and body do not fill ${bytes.length} bytes`);
}

type Sections = Pick<ChunkLayout, "symbols" | "table" | "blocksOffset">;

function symbolsAndTable(bytes: Buffer, body: Place): Sections {
  const tailBytes = 32;
  const tailOffset = bytes.length - tailBytes;
  const limits = { from: body.offset + codecHeaderBytes, to: tailOffset };
  const symbols = sectionAt(bytes, { key: body.key, offset: tailOffset }, body.offset, limits);
  const tablePlace = { key: body.key, offset: tailOffset + 16 };
  const table = sectionAt(bytes, tablePlace, body.offset, limits);
  return { symbols, table, blocksOffset: symbols.offset + symbols.length + crcBytes };
}

/** `place` is where length and offset stand; `limits` what a section and its crc must lie in. */
function sectionAt(
  bytes: Buffer,
  place: Place,
  bodyOffset: number,
  limits: { from: number; to: number },
): Section {
  if (place.offset < limits.from) throw corrupt(place, "the body is too short for its tail");
  const length = bytes.readBigUInt64BE(place.offset);
  const offset = bytes.readBigUInt64BE(place.offset + 8) + BigInt(bodyOffset);
  if (offset < BigInt(limits.from) || offset + length + BigInt(crcBytes) > BigInt(limits.to)) {
    const [from, to] = [offset, offset + length];
    throw corrupt(place, `bytes ${from}–${to} are not inside ${limits.from}–${limits.to}`);
  }
  return { offset: Number(offset), length: Number(length) };
}

function tableOnly(bytes: Buffer, body: Place, version: 1 | 2 | 3): Sections {
  const tailBytes = 8;
  const tailOffset = bytes.length - tailBytes;
  const blocksOffset = body.offset + (version === 1 ? codecHeaderBytes - 1 : codecHeaderBytes);
  const place = { key: body.key, offset: tailOffset };
  if (tailOffset < blocksOffset) throw corrupt(place, "the body is too short for its tail");
  const offset = bytes.readBigUInt64BE(tailOffset) + BigInt(body.offset);
  const end = tailOffset - crcBytes;
  if (offset < BigInt(blocksOffset) || offset > BigInt(end)) {
    throw corrupt(place, `block table at ${offset} is not inside ${blocksOffset}–${end}`);
  }
  const table = { offset: Number(offset), length: end - Number(offset) };
  return { symbols: undefined, table, blocksOffset };
}

/** The bytes of a section whose checksum holds. StoreError `corrupt` otherwise. */
export function checkedSection(
  bytes: Buffer,
  section: Section,
  what: { readonly key: string; readonly part: string },
): Buffer {
  const end = section.offset + section.length;
  const content = bytes.subarray(section.offset, end);
  const expected = bytes.readUInt32BE(end);
  const computed = crc32c(content);
  if (expected !== computed) {
    const place = { key: what.key, offset: section.offset };
    const [stored, actual] = [checksumText(expected), checksumText(computed)];
    throw corrupt(place, `${what.part} has crc ${stored} but computed ${actual}`);
  }
  return content;
}
