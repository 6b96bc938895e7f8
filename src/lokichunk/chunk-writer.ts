/**
 * One chunk under construction: rows in, blocks out for compression, and at last the object. Layout:
 * docs/formats/loki-chunk.md. Compression is left to the caller, who may do it elsewhere.
 */
import type { ByteStrings } from "#columns";
import type { Labels } from "#model";
import { ByteTable } from "./byte-table.ts";
import { ByteWriter } from "./byte-writer.ts";
import { crc32c } from "./checksum.ts";
import type { BuiltChunk, ChunkCodec } from "./chunk.ts";
import { bodyMagic } from "./chunk-layout.ts";
import { byteOfCodec } from "./compression.ts";
import type { GatheredRows } from "./gather-rows.ts";
import { formatHeaderJson } from "./header-json.ts";
import { type PairSpan, readPair } from "./metadata-sets.ts";
import { compressSnappyFrames } from "./snappy-frames.ts";

/** What one pair of metadata counts for, beside its line. */
const accountedPairBytes = 8;

/**
 * Blocks are cut at an accounted size, which empty lines do not have. This bounds what such a block
 * takes in memory.
 */
const blockRawBytesCut = 8 * 1024 * 1024;

/** Time and length of a record, and the numbers around its metadata. */
const recordOverheadBytesMax = 40;

/** A base of times holds for this many seconds around it; then ns are exact in a double. */
const baseSecondsMax = 9_000_000;

interface WrittenBlock {
  readonly packed: Buffer;
  readonly entryCount: number;
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly accountedBytes: number;
}

export interface ChunkIdentity {
  readonly tenant: string;
  readonly labels: Labels;
  readonly fingerprint: bigint;
  readonly version: 3 | 4;
  readonly codec: ChunkCodec;
  readonly ingestedAtMs: number;
}

export class ChunkWriter {
  readonly #identity: ChunkIdentity;
  readonly #rows: GatheredRows;
  readonly #symbols = new ByteTable();
  readonly #blocks: WrittenBlock[] = [];
  #packedBytes = 0;
  /** The block in the making. */
  readonly #head: ByteWriter;
  #headRows = 0;
  #headFirst = 0;
  #headLast = 0;
  #headBytes = 0;
  /** Where the encoded pairs of a set begin in `#pairs`, + 1; a word before them says how long they are. */
  readonly #pairs = new ByteWriter(1024);
  #pairsOfSet: Uint32Array = new Uint32Array(64);
  /** Scratch: what one set is written as. */
  readonly #numbers: number[] = [];
  readonly #pair: PairSpan = { nameFrom: 0, nameTo: 0, valueFrom: 0, valueTo: 0 };
  #baseSeconds = Number.NaN;
  #baseHigh = 0;
  #baseLow = 0;

  /** `head` is scratch memory that several writers may use one after the other. */
  constructor(identity: ChunkIdentity, rows: GatheredRows, head: ByteWriter) {
    this.#identity = identity;
    this.#rows = rows;
    this.#head = head;
    head.clear();
  }

  get isEmpty(): boolean {
    return this.#headRows === 0 && this.#blocks.length === 0;
  }

  get headRows(): number {
    return this.#headRows;
  }

  isHeadFull(blockBytes: number): boolean {
    return this.#headBytes >= blockBytes || this.#head.length >= blockRawBytesCut;
  }

  /** Whether row `index` can be added without growing past the target, by Loki's estimate. */
  fits(index: number, targetBytes: number): boolean {
    const { sets, setOf } = this.#rows;
    const added = this.#lineBytes(index) + sets.textBytes[setOf[index]!]!;
    const present = this.#symbols.totalBytes + this.#packedBytes + this.#headBytes;
    return present + added < targetBytes;
  }

  #lineBytes(index: number): number {
    const { slices, sliceOf, rowOf } = this.#rows;
    const { batch } = slices[sliceOf[index]!]!;
    const row = rowOf[index]!;
    return batch.lineEnds[row]! - batch.lineStarts[row]!;
  }

  append(index: number): void {
    const { slices, sliceOf, rowOf, setOf, sets } = this.#rows;
    const { batch } = slices[sliceOf[index]!]!;
    const row = rowOf[index]!;
    const [from, to] = [batch.lineStarts[row]!, batch.lineEnds[row]!];
    const head = this.#head;
    head.reserve(recordOverheadBytesMax + to - from);
    this.#writeTime(index);
    head.varint(to - from);
    batch.bytes.copy(head.bytes, head.length, from, to);
    head.length += to - from;
    const set = setOf[index]!;
    if (this.#identity.version === 4) {
      if (set === 0) {
        head.bytes[head.length++] = 1;
        head.bytes[head.length++] = 0;
      } else {
        this.#writeSet(set);
      }
    }
    if (this.#headRows === 0) this.#headFirst = index;
    this.#headLast = index;
    this.#headRows++;
    this.#headBytes += to - from + accountedPairBytes * sets.pairCounts[set]!;
  }

  #writeTime(index: number): void {
    const seconds = this.#rows.seconds[index]!;
    if (!(Math.abs(seconds - this.#baseSeconds) < baseSecondsMax)) this.#rebase(seconds);
    const offset = (seconds - this.#baseSeconds) * 1e9 + this.#rows.nanos[index]!;
    const low = this.#baseLow + (offset % 2 ** 32);
    const high = this.#baseHigh + Math.trunc(offset / 2 ** 32) + Math.floor(low / 2 ** 32);
    this.#head.signed(high | 0, low >>> 0);
  }

  #rebase(seconds: number): void {
    const ns = BigInt(seconds) * 1_000_000_000n;
    this.#baseSeconds = seconds;
    this.#baseHigh = Number(ns >> 32n);
    this.#baseLow = Number(ns & 0xffffffffn);
  }

  #writeSet(set: number): void {
    if (set >= this.#pairsOfSet.length) {
      const grown = new Uint32Array(Math.max(set + 1, this.#pairsOfSet.length * 2));
      grown.set(this.#pairsOfSet);
      this.#pairsOfSet = grown;
    }
    if (this.#pairsOfSet[set] === 0) this.#pairsOfSet[set] = this.#encodeSet(set) + 1;
    const from = this.#pairsOfSet[set]! - 1;
    const length = this.#pairs.bytes.readUInt32LE(from);
    this.#head.copy(this.#pairs.bytes, from + 4, from + 4 + length);
    // What the next record needs was reserved before this one's metadata took it.
    this.#head.reserve(recordOverheadBytesMax);
  }

  /** metaLen, number of pairs, ids; after its length as a word. Returns where that stands. */
  #encodeSet(set: number): number {
    const { table, pairCounts } = this.#rows.sets;
    const numbers = this.#numbers;
    const end = table.starts[set + 1]!;
    numbers[0] = pairCounts[set]!;
    let count = 1;
    for (let at = table.starts[set]!; at < end; ) {
      at = readPair(table.bytes, at, this.#pair);
      const { nameFrom, nameTo, valueFrom, valueTo } = this.#pair;
      numbers[count++] = this.#symbols.numberOf(table.bytes, nameFrom, nameTo);
      numbers[count++] = this.#symbols.numberOf(table.bytes, valueFrom, valueTo);
    }
    let length = 0;
    for (let i = 0; i < count; i++) length += varintBytes(numbers[i]!);
    const pairs = this.#pairs;
    const from = pairs.length;
    pairs.reserve(12 + length);
    pairs.length += 4;
    pairs.varint(length);
    for (let i = 0; i < count; i++) pairs.varint(numbers[i]!);
    pairs.bytes.writeUInt32LE(pairs.length - from - 4, from);
    return from;
  }

  /** Bytes of the block in the making; valid until the next `append`. */
  headView(): Buffer {
    return this.#head.view();
  }

  /** `packed` is the compressed `headView`; the next row begins a new block. */
  endBlock(packed: Buffer): void {
    const owned = this.#identity.codec === "none" ? Buffer.from(packed) : packed;
    this.#blocks.push({
      packed: owned,
      entryCount: this.#headRows,
      minNs: this.#timeNs(this.#headFirst),
      maxNs: this.#timeNs(this.#headLast),
      accountedBytes: this.#headBytes,
    });
    this.#packedBytes += owned.length;
    this.#head.clear();
    this.#headRows = 0;
    this.#headBytes = 0;
  }

  #timeNs(index: number): bigint {
    const { seconds, nanos } = this.#rows;
    return BigInt(seconds[index]!) * 1_000_000_000n + BigInt(nanos[index]!);
  }

  /** Raw bytes of the symbols, for compression. Version 3 has none. */
  symbolView(): Buffer {
    return encodeStrings(this.#symbols.strings());
  }

  /** The object. Every block has ended. */
  finish(packedSymbols: Buffer): BuiltChunk {
    const { tenant, labels, fingerprint, ingestedAtMs } = this.#identity;
    const body = this.#body(packedSymbols);
    const [first, last] = [this.#blocks[0]!, this.#blocks.at(-1)!];
    const fromMs = floorMs(first.minNs);
    const throughMs = -floorMs(-last.maxNs);
    const stream = { tenant, fingerprint, fromMs, throughMs };
    const json = formatHeaderJson({ ...stream, labels, ingestedAtMs });
    const header = compressSnappyFrames(json);
    const bodyBytes = body.reduce((sum, part) => sum + part.length, 0);
    const bytes = Buffer.concat([be32(header.length + 4), header, be32(bodyBytes), ...body]);
    const accounted = this.#blocks.reduce((sum, block) => sum + block.accountedBytes, 0);
    return {
      ref: { ...stream, checksum: crc32c(bytes) },
      bytes,
      entryCount: this.#blocks.reduce((sum, block) => sum + block.entryCount, 0),
      kb: Math.floor((accounted + this.#symbols.totalBytes) / 1024 + 0.5),
      minNs: first.minNs,
      maxNs: last.maxNs,
    };
  }

  #body(packedSymbols: Buffer): Buffer[] {
    const { version, codec } = this.#identity;
    const parts = [be32(bodyMagic), Buffer.from([version, byteOfCodec(codec)])];
    let length = 6;
    const symbolsOffset = length;
    let symbolBytes = 0;
    if (version === 4) {
      const count = new ByteWriter(8);
      count.varint(this.#symbols.count);
      const symbols = Buffer.concat([count.view(), packedSymbols]);
      symbolBytes = symbols.length;
      parts.push(symbols, be32(crc32c(symbols)));
      length += symbols.length + 4;
    }
    const table = new ByteWriter(16 + this.#blocks.length * 48);
    table.varint(this.#blocks.length);
    for (const { packed, entryCount, minNs, maxNs, accountedBytes } of this.#blocks) {
      table.varint(entryCount);
      table.signedNs(minNs);
      table.signedNs(maxNs);
      for (const value of [length, accountedBytes, packed.length]) table.varint(value);
      parts.push(packed, be32(crc32c(packed)));
      length += packed.length + 4;
    }
    parts.push(table.view(), be32(crc32c(table.view())));
    const tail = version === 4 ? [symbolBytes, symbolsOffset, table.length, length] : [length];
    parts.push(...tail.map(be64));
    return parts;
  }
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

function floorMs(ns: bigint): number {
  const ms = ns / 1_000_000n;
  return Number(ms * 1_000_000n > ns ? ms - 1n : ms);
}

function encodeStrings(strings: ByteStrings): Buffer {
  const out = new ByteWriter(strings.bytes.length + strings.count * 2 + 16);
  for (let i = 0; i < strings.count; i++) {
    out.reserve(8);
    out.varint(strings.to(i) - strings.from(i));
    out.copy(strings.bytes, strings.from(i), strings.to(i));
  }
  return out.view();
}

function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function be64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
