/**
 * Bytes of a journal file, pure: docs/formats/journal.md draws them. All integers little-endian.
 *
 * A file is two copies of its header, then records. Record headers are seeded with the file's
 * random salt: bytes inside a log line cannot pass for a record, whoever wrote them.
 */
import { crc32 } from "node:zlib";

export const formatVersion = 1;
const fileMagic = Buffer.from("skaldjnl", "latin1");
export const fileHeaderBytes = 64;
/** The second copy lies in another page, so that one bad page does not cost the file. */
export const secondHeaderOffset = 4096;
/** Records begin here. */
export const recordsOffset = 8192;

/** "SREC" when read as bytes. */
export const recordMagic: Buffer = Buffer.from("SREC", "latin1");
const recordMagicNumber = recordMagic.readUInt32LE(0);
export const recordHeaderBytes = 32;
/** Records begin at multiples of this, so that a search for the next one has fewer candidates. */
export const recordAlignmentBytes = 8;

export interface FileHeader {
  /** Of the file, counted from 1; also its name. */
  readonly fileNumber: number;
  /** Records of the files before count only below this number, in this file only from it on. */
  readonly firstSequence: number;
  /** The newest record in the files before when this one was made. */
  readonly followsSequence: number;
  /** The same in all files that one run of the process made. */
  readonly runId: bigint;
  readonly createdNs: bigint;
  /** Starts the checksums of this file's record headers. */
  readonly salt: number;
}

export interface RecordHeader {
  readonly sequence: number;
  /** The newest record that was known to be durable when this one was written. */
  readonly durableSequence: number;
  readonly bodyBytes: number;
  readonly bodyCrc: number;
}

/** Bytes a record takes in the file, with header and padding. */
export function recordSizeBytes(bodyBytes: number): number {
  return alignUp(recordHeaderBytes + bodyBytes);
}

export function alignUp(offset: number): number {
  return Math.ceil(offset / recordAlignmentBytes) * recordAlignmentBytes;
}

/** Everything of a new file that comes before the records. */
export function encodeFileStart(header: FileHeader): Buffer {
  const start = Buffer.alloc(recordsOffset);
  fileMagic.copy(start, 0);
  start.writeUInt32LE(formatVersion, 8);
  start.writeUInt32LE(header.salt, 12);
  start.writeBigUInt64LE(BigInt(header.fileNumber), 16);
  start.writeBigUInt64LE(BigInt(header.firstSequence), 24);
  start.writeBigUInt64LE(BigInt(header.followsSequence), 32);
  start.writeBigUInt64LE(header.runId, 40);
  start.writeBigInt64LE(header.createdNs, 48);
  start.writeUInt32LE(crc32(start.subarray(0, fileHeaderBytes - 4)), fileHeaderBytes - 4);
  start.copy(start, secondHeaderOffset, 0, fileHeaderBytes);
  return start;
}

/**
 * From the first bytes of a file, the better of the two copies; undefined when neither is whole.
 * A version that this program does not know is returned as such.
 */
export function decodeFileStart(
  start: Buffer,
): FileHeader | { readonly unknownVersion: number } | undefined {
  return decodeFileHeader(start, 0) ?? decodeFileHeader(start, secondHeaderOffset);
}

function decodeFileHeader(
  start: Buffer,
  at: number,
): FileHeader | { readonly unknownVersion: number } | undefined {
  if (start.length < at + fileHeaderBytes) return undefined;
  const header = start.subarray(at, at + fileHeaderBytes);
  if (!header.subarray(0, 8).equals(fileMagic)) return undefined;
  if (header.readUInt32LE(fileHeaderBytes - 4) !== crc32(header.subarray(0, fileHeaderBytes - 4))) {
    return undefined;
  }
  const version = header.readUInt32LE(8);
  if (version !== formatVersion) return { unknownVersion: version };
  return {
    salt: header.readUInt32LE(12),
    fileNumber: Number(header.readBigUInt64LE(16)),
    firstSequence: Number(header.readBigUInt64LE(24)),
    followsSequence: Number(header.readBigUInt64LE(32)),
    runId: header.readBigUInt64LE(40),
    createdNs: header.readBigInt64LE(48),
  };
}

export function encodeRecordHeader(record: RecordHeader, salt: number): Buffer {
  const header = Buffer.allocUnsafe(recordHeaderBytes);
  header.writeUInt32LE(recordMagicNumber, 0);
  header.writeUInt32LE(record.bodyBytes, 4);
  writeSequence(header, record.sequence, 8);
  writeSequence(header, record.durableSequence, 16);
  header.writeUInt32LE(record.bodyCrc, 24);
  header.writeUInt32LE(crc32(header.subarray(0, 28), salt), 28);
  return header;
}

/** The header at `at`, or undefined when its magic or checksum is wrong. */
export function decodeRecordHeader(
  bytes: Buffer,
  at: number,
  salt: number,
): RecordHeader | undefined {
  if (at + recordHeaderBytes > bytes.length) return undefined;
  if (bytes.readUInt32LE(at) !== recordMagicNumber) return undefined;
  if (bytes.readUInt32LE(at + 28) !== crc32(bytes.subarray(at, at + 28), salt)) return undefined;
  return {
    bodyBytes: bytes.readUInt32LE(at + 4),
    sequence: readSequence(bytes, at + 8),
    durableSequence: readSequence(bytes, at + 16),
    bodyCrc: bytes.readUInt32LE(at + 24),
  };
}

/** A u64 that stays below 2^53, without a BigInt per record. */
function writeSequence(target: Buffer, sequence: number, at: number): void {
  target.writeUInt32LE(sequence % 2 ** 32, at);
  target.writeUInt32LE(Math.floor(sequence / 2 ** 32), at + 4);
}

function readSequence(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}
