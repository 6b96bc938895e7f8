/**
 * Checksums of changed inputs computed anew, so that the fuzzer gets behind them. Each goes as far
 * into an input as its parts can still be found and leaves the rest as it is. What a format is, its
 * page of docs/formats says.
 */
import { crc32 } from "node:zlib";
import snappy from "snappy";
import { crc32c } from "#lokichunk";
import { layoutOf } from "../../src/lokichunk/chunk-layout.ts";
import { readBlockTable } from "../../src/lokichunk/open-chunk.ts";
import { readToc } from "../../src/lokiindex/toc.ts";

/** As far as it goes: what cannot be found any more keeps its checksum. */
function asFarAsItGoes(task: () => void): void {
  try {
    task();
  } catch {
    // The decoder is to find that out.
  }
}

const frameDataMax = 1 << 16;

/** The checksum of a frame of the snappy framing format. */
function maskedCrc(content: Uint8Array): number {
  const crc = crc32c(content);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

export function sealSnappyFrames(input: Buffer): Buffer {
  sealFramesAt(input, 0, input.length);
  return input;
}

function sealFramesAt(input: Buffer, from: number, end: number): void {
  for (let at = from; at + 8 <= end; ) {
    const kind = input[at]!;
    const to = Math.min(end, at + 4 + input.readUIntLE(at + 1, 3));
    if (kind <= 1 && to >= at + 8) {
      asFarAsItGoes(() => {
        const data = input.subarray(at + 8, to);
        // The first bytes of a block are its length: a bomb is not to go off here.
        if (kind === 0 && (data[0]! | (data[1] ?? 0)) > 0xff) return;
        const content = kind === 1 ? data : (snappy.uncompressSync(data) as Buffer);
        if (content.length <= frameDataMax) input.writeUInt32LE(maskedCrc(content), at + 4);
      });
    }
    at = to;
  }
}

/** Header (64 bytes, both copies made of it) and records of a journal file. */
export function sealJournal(input: Buffer): Buffer {
  if (input.length < 64) return input;
  input.write("skaldjnl", 0, "latin1");
  input.writeUInt32LE(crc32(input.subarray(0, 60)), 60);
  const salt = input.readUInt32LE(12);
  for (let at = 64; at + 32 <= input.length; at += 8) {
    if (input.toString("latin1", at, at + 4) !== "SREC") continue;
    const to = Math.min(input.length, at + 32 + input.readUInt32LE(at + 4));
    input.writeUInt32LE(crc32(input.subarray(at + 32, to)), at + 24);
    input.writeUInt32LE(crc32(input.subarray(at, at + 28), salt), at + 28);
  }
  return input;
}

/** Header, symbols, block table and blocks of a chunk. */
export function sealChunk(input: Buffer): Buffer {
  asFarAsItGoes(() => {
    const headerEnd = input.readUInt32BE(0);
    if (headerEnd + 4 > input.length) return;
    input.writeUInt32BE(input.length - headerEnd - 4, headerEnd);
    sealFramesAt(input, 4, headerEnd);
    const layout = layoutOf("sealed", input);
    const write = (from: number, to: number): void => {
      asFarAsItGoes(() => void input.writeUInt32BE(crc32c(input.subarray(from, to)), to));
    };
    for (const section of [layout.symbols, layout.table]) {
      if (section !== undefined) write(section.offset, section.offset + section.length);
    }
    for (const { offset, storedBytes } of readBlockTable("sealed", input, layout)) {
      write(offset, offset + storedBytes);
    }
  });
  return input;
}

/** Contents, sections, series and lists of an index file. */
export function sealIndex(input: Buffer): Buffer {
  if (input.length < 76) return input;
  const contents = input.length - 76;
  const write = (from: number, to: number): void => {
    input.writeUInt32BE(crc32c(input.subarray(from, to)), to);
  };
  asFarAsItGoes(() => {
    write(contents, input.length - 4);
    const toc = readToc({ key: "sealed", bytes: input });
    const section = (at: number): number => {
      const to = at + 4 + input.readUInt32BE(at);
      write(at + 4, to);
      return to + 4;
    };
    const tables = [toc.symbols, toc.labelIndexTable, toc.postingsTable, toc.fingerprintOffsets];
    for (const at of tables) asFarAsItGoes(() => void section(at));
    for (let at = align(toc.series, 16); at < toc.labelIndices; ) {
      const { value, end } = varintAt(input, at);
      if (end + value + 4 > toc.labelIndices) break;
      write(end, end + value);
      at = align(end + value + 4, 16);
    }
    for (let at = align(toc.postings, 4); at + 8 <= toc.labelIndexTable; ) {
      at = align(section(at), 4);
    }
  });
  return input;
}

function align(at: number, bytes: number): number {
  return Math.ceil(at / bytes) * bytes;
}

function varintAt(bytes: Buffer, from: number): { value: number; end: number } {
  let [value, scale, at] = [0, 1, from];
  for (; at < bytes.length && at < from + 5; scale *= 128) {
    const byte = bytes[at++]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return { value, end: at };
}

const segmentTrailerBytes = 32;

/** Trailer, section table and the sections it names. */
export function sealSegment(input: Buffer): Buffer {
  const at = input.length - segmentTrailerBytes;
  if (at < 0) return input;
  asFarAsItGoes(() => {
    const tableAt = Number(input.readBigUInt64LE(at));
    const table = input.subarray(tableAt, Math.min(at, tableAt + input.readUInt32LE(at + 8)));
    for (let entry = 0; entry + 24 <= table.length; entry += 24) {
      const from = Number(table.readBigUInt64LE(entry + 8));
      const stored = input.subarray(from, from + table.readUInt32LE(entry + 16));
      table.writeUInt32LE(crc32(stored), entry + 4);
    }
    input.writeUInt32LE(crc32(table), at + 12);
  });
  input.writeUInt32LE(crc32(input.subarray(at, at + 20)), at + 20);
  return input;
}

/** Both meta pages of a bbolt database. */
export function sealBolt(input: Buffer): Buffer {
  asFarAsItGoes(() => {
    const pageBytes = input.readUInt32LE(24);
    for (const page of [0, pageBytes]) {
      const at = page + 16;
      if (at + 64 <= input.length)
        input.writeBigUInt64LE(fnv1a(input.subarray(at, at + 56)), at + 56);
    }
  });
  return input;
}

function fnv1a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

/** CRC-32 over all from `from` on, stored at `at`. */
export function sealAt(at: number, from: number): (input: Buffer) => Buffer {
  return (input) => {
    if (input.length >= from) input.writeUInt32LE(crc32(input.subarray(from)), at);
    return input;
  };
}

/** Lines that end in the CRC-32 of what is before, in eight digits. */
export function sealLines(input: Buffer): Buffer {
  const lines = input.toString("latin1").split("\n");
  const sealed = lines.map((line) => {
    const text = line.slice(0, Math.max(0, line.lastIndexOf(" ")));
    return text === "" ? line : `${text} ${hexCrc(Buffer.from(text, "latin1"))}`;
  });
  return Buffer.from(sealed.join("\n"), "latin1");
}

export function hexCrc(bytes: Uint8Array | string): string {
  return crc32(bytes).toString(16).padStart(8, "0");
}

/** JSON with a member `crc` over what `checked` makes of the other members. */
export function sealJson(
  checked: (rest: Readonly<Record<string, unknown>>) => string,
): (input: Buffer) => Buffer {
  return (input) => {
    try {
      const { crc, ...rest } = JSON.parse(input.toString()) as Record<string, unknown>;
      if (crc === undefined) return input;
      return Buffer.from(JSON.stringify({ ...rest, crc: hexCrc(checked(rest)) }));
    } catch {
      return input;
    }
  };
}
