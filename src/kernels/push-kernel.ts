/**
 * The loops of assembly/push-kernel.ts and the memory they work in: one push at a time, of which
 * everything is read before the next one is loaded. They take what is ordinary; for the rest they
 * say no, and the plain code finds out what is wrong. Every range given to them lies inside the
 * memory, with slack behind it.
 */
import { KiB, MiB } from "#base";
import { instantiate, type KernelGlobal, type KernelMemory } from "./instantiate.ts";
import { pushKernelBase64 } from "./push-kernel-binary.ts";

/** What a loop of 16 bytes may touch behind a range. */
const slackBytes = 64;
/** Larger pushes go the plain way: memory of WebAssembly grows for good. */
const memoryBytesMax: number = 16 * MiB;
const pageBytes: number = 64 * KiB;
/** Of the region that assembly/push-kernel.ts sets aside. */
const tablesBytes = 4096;
const spellingsAt = 32;
const fieldsAt = 160;
const listsAt = 164;
const rowColumnBytes = 24;
const rowBytes = 32;
/** A stream with an entry takes at least so many bytes of a message. */
const streamBytesMin = 4;

interface Exports {
  readonly memory: KernelMemory;
  readonly tables: KernelGlobal;
  readonly freeFrom: KernelGlobal;
  readonly streamsWithRows: KernelGlobal;
  readonly hasMetadata: KernelGlobal;
  unsnap(from: number, to: number, out: number, size: number): number;
  countEntries(from: number, to: number): number;
  readEntries(from: number, to: number, rowCount: number, columns: number, streams: number): number;
  beginContent(end: number, jsonDepthMax: number): void;
  detect(from: number, to: number): number;
}

/** What was read of a message. Views of the kernel's memory: valid until the next push is loaded. */
export interface KernelEntries {
  readonly rowCount: number;
  /** f64 seconds; u32 line starts, line ends, nanoseconds, zeros: 24 bytes a row. */
  readonly columns: Uint8Array;
  /** Where the fields of structured metadata of each row begin and end; undefined: there are none. */
  readonly metadataFroms: Uint32Array | undefined;
  readonly metadataTos: Uint32Array | undefined;
  /** Of each stream with entries: label text from, to, first row, row after the last. */
  readonly streams: Uint32Array;
  /** With and without entries. */
  readonly streamCount: number;
}

/** What levels are recognised by; an object stands for its content, which does not change. */
export interface LevelTables {
  /** Spellings in lower case and their numbers. */
  readonly spellings: readonly (readonly [string, number])[];
  readonly fields: readonly string[];
  readonly jsonDepthMax: number;
}

let shared: PushKernel | undefined;

export class PushKernel {
  readonly #exports: Exports;
  #bytes: Buffer;
  readonly #freeFrom: number;
  #contentFrom = 0;
  #contentTo = 0;
  /** Counts contents, so that who holds one knows whether it is still there. */
  #content = 0;
  #tables: LevelTables | undefined;

  constructor() {
    this.#exports = instantiate<Exports>(pushKernelBase64);
    this.#bytes = Buffer.from(this.#exports.memory.buffer);
    this.#freeFrom = aligned(this.#exports.freeFrom.value);
  }

  /** One for all of a thread: its memory is in use only while a push is decoded. */
  static get shared(): PushKernel {
    shared ??= new PushKernel();
    return shared;
  }

  /**
   * Decompresses the elements of a snappy block, block[from, end), to `contentBytes` bytes and holds
   * them. Returns a number for the content, 0 when they are malformed or too large.
   */
  loadSnappy(block: Buffer, from: number, contentBytes: number): number {
    const sourceTo = this.#freeFrom + block.length - from;
    const contentFrom = aligned(sourceTo + slackBytes);
    this.#content++;
    if (!this.#reserve(contentFrom + contentBytes)) return 0;
    block.copy(this.#bytes, this.#freeFrom, from);
    if (this.#exports.unsnap(this.#freeFrom, sourceTo, contentFrom, contentBytes) === 0) return 0;
    this.#contentFrom = contentFrom;
    this.#contentTo = contentFrom + contentBytes;
    return this.#content;
  }

  /** Holds a copy of a content. Returns a number for it, 0 when it is too large. */
  load(content: Buffer): number {
    this.#content++;
    if (!this.#reserve(this.#freeFrom + content.length)) return 0;
    content.copy(this.#bytes, this.#freeFrom);
    this.#contentFrom = this.#freeFrom;
    this.#contentTo = this.#freeFrom + content.length;
    return this.#content;
  }

  isLoaded(content: number): boolean {
    return content === this.#content && content !== 0;
  }

  /** The content that is loaded, as a view. */
  get content(): Buffer {
    return this.#bytes.subarray(this.#contentFrom, this.#contentTo);
  }

  /** The content as a PushRequest of push.proto; undefined when anything is out of the ordinary. */
  readEntries(): KernelEntries | undefined {
    const from = this.#contentFrom;
    const to = this.#contentTo;
    const rowCount = this.#exports.countEntries(from, to);
    if (rowCount <= 0) return undefined;
    const columns = aligned(to + slackBytes);
    const streams = columns + rowCount * rowBytes;
    const streamsMax = Math.min(rowCount, Math.ceil((to - from) / streamBytesMin));
    if (!this.#reserve(streams + streamsMax * 16)) return undefined;
    const streamCount = this.#exports.readEntries(from, to, rowCount, columns, streams);
    if (streamCount < 0) return undefined;
    const { buffer } = this.#bytes;
    const numbers = (at: number, count: number): Uint32Array => new Uint32Array(buffer, at, count);
    const metadata = columns + rowCount * rowColumnBytes;
    const hasMetadata = this.#exports.hasMetadata.value !== 0;
    return {
      rowCount,
      columns: this.#bytes.subarray(columns, metadata),
      metadataFroms: hasMetadata ? numbers(metadata, rowCount) : undefined,
      metadataTos: hasMetadata ? numbers(metadata + rowCount * 4, rowCount) : undefined,
      streams: numbers(streams, this.#exports.streamsWithRows.value * 4),
      streamCount,
    };
  }

  /** Gets ready for `detect` in the content; false when the names do not fit in here. */
  beginLevels(tables: LevelTables): boolean {
    if (this.#tables !== tables) {
      this.#tables = undefined;
      if (!this.#writeTables(tables)) return false;
      this.#tables = tables;
    }
    this.#exports.beginContent(this.#contentTo, tables.jsonDepthMax);
    return true;
  }

  /** Number of the level of the line [from, to) of the content. */
  detect(from: number, to: number): number {
    return this.#exports.detect(this.#contentFrom + from, this.#contentFrom + to);
  }

  #reserve(bytes: number): boolean {
    const needed = bytes + slackBytes;
    if (needed > memoryBytesMax) return false;
    const { memory } = this.#exports;
    const missing = needed - memory.buffer.byteLength;
    if (missing > 0) {
      memory.grow(Math.ceil(missing / pageBytes));
      this.#bytes = Buffer.from(memory.buffer);
    }
    return true;
  }

  /** Layout: assembly/push-kernel.ts, "levels". */
  #writeTables({ spellings, fields }: LevelTables): boolean {
    const out = Buffer.alloc(tablesBytes);
    writeClasses(out, spellings);
    let at = listsAt;
    const empty = at++;
    for (let letter = 0; letter < 32; letter++) out.writeUInt32LE(empty, spellingsAt + letter * 4);
    const byLetter = Map.groupBy(spellings, ([spelling]) => spelling.charCodeAt(0) & 31);
    for (const [letter, those] of byLetter) {
      out.writeUInt32LE(at, spellingsAt + letter * 4);
      const longestFirst = [...those].sort((a, b) => b[0].length - a[0].length);
      for (const [spelling, level] of longestFirst) {
        out[at++] = spelling.length - 1;
        out[at++] = level;
        at += out.write(spelling.slice(1), at, "latin1");
      }
      out[at++] = 0;
    }
    if (fields.length > 0) out.writeUInt32LE(at, fieldsAt);
    for (const field of fields) {
      const length = Buffer.byteLength(field);
      if (length === 0 || length > 255 || at + length + 2 > tablesBytes) return false;
      out[at++] = length;
      at += out.write(field, at);
    }
    this.#bytes.set(out, this.#exports.tables.value);
    return true;
  }
}

function aligned(at: number): number {
  return Math.ceil(at / slackBytes) * slackBytes;
}

const delimiterBits = 0x1f;
const letterBits = 0x60;

/**
 * A byte's class is what the entries of its low and its high half have in common: 5 bits say that it
 * ends a word, 2 that the name of a level may begin with it.
 */
function writeClasses(out: Buffer, spellings: LevelTables["spellings"]): void {
  const lows = out.subarray(0, 16);
  const highs = out.subarray(16, 32);
  lows.fill(0x01);
  highs[0] = highs[1] = 0x01;
  const classify = (char: number, bit: number): void => {
    lows[char & 15]! |= bit;
    highs[char >> 4]! |= bit;
  };
  const bitOfHigh: Readonly<Record<number, number>> = { 2: 0x02, 3: 0x04, 5: 0x08, 7: 0x10 };
  for (const char of " \"'[](){}=:,;|") {
    const code = char.charCodeAt(0);
    classify(code, bitOfHigh[code >> 4]! & delimiterBits);
  }
  for (const [spelling] of spellings) {
    const lower = spelling.charCodeAt(0);
    const bit = (lower >> 4 === 6 ? 0x20 : 0x40) & letterBits;
    classify(lower, bit);
    classify(lower & ~0x20, bit);
  }
}
