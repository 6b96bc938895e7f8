import { hashBytes, packUints, sameBytes } from "#columns";
import type { EntryBatch } from "#model";
import { giveColumnsBack } from "./fetched-bytes.ts";

/**
 * Columns kept between blocks; more are given back, so that one odd block does not stay in memory.
 */
const pooledColumnsMax = 64;

/**
 * How many columns are tried from the one that is expected next before the table of names is asked.
 */
const nameProbesMax = 4;

/** Rows between two calls: a function that is called often is compiled as a whole. */
const rowsPerCall = 1_024;

/**
 * One name of metadata in the block under construction: a dictionary and an id per row (0: absent).
 */
export class MetadataColumnBuilder {
  readonly name: Buffer;
  ids: Uint32Array = new Uint32Array(256);
  valueBytes: Buffer = Buffer.allocUnsafe(256);
  /** Value i: valueBytes[ends[i - 1] or 0, ends[i]). */
  ends: Uint32Array = new Uint32Array(16);
  valueCount = 0;
  #table: Uint32Array = new Uint32Array(32);
  readonly #seed: number;

  constructor(name: Buffer, seed: number) {
    this.name = name;
    this.#seed = seed;
  }

  get usedValueBytes(): number {
    return this.valueCount === 0 ? 0 : this.ends[this.valueCount - 1]!;
  }

  reset(): void {
    this.valueCount = 0;
    this.ids.fill(0);
    this.#table = new Uint32Array(32);
  }

  setId(row: number, id: number): void {
    if (row >= this.ids.length) {
      const grown = new Uint32Array(Math.max(row + 1, this.ids.length * 2));
      grown.set(this.ids);
      this.ids = grown;
    }
    this.ids[row] = id;
  }

  idAt(row: number): number {
    return row < this.ids.length ? this.ids[row]! : 0;
  }

  valueFrom(index: number): number {
    return index === 0 ? 0 : this.ends[index - 1]!;
  }

  /** The id (from 1) of a value; a new one when not yet there. */
  idOf(bytes: Uint8Array, from: number, to: number): number {
    const length = to - from;
    const mask = this.#table.length - 1;
    let slot = hashBytes(bytes, from, to, this.#seed) & mask;
    for (;;) {
      const id = this.#table[slot]!;
      if (id === 0) break;
      const start = this.valueFrom(id - 1);
      const isSame =
        this.ends[id - 1]! - start === length &&
        sameBytes(this.valueBytes, start, bytes, from, length);
      if (isSame) return id;
      slot = (slot + 1) & mask;
    }
    this.#append(bytes, from, length);
    this.#table[slot] = this.valueCount;
    if (this.valueCount * 2 > this.#table.length) this.#growTable();
    return this.valueCount;
  }

  #append(bytes: Uint8Array, from: number, length: number): void {
    const start = this.usedValueBytes;
    if (start + length > this.valueBytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(start + length, this.valueBytes.length * 2));
      this.valueBytes.copy(grown, 0, 0, start);
      this.valueBytes = grown;
    }
    for (let i = 0; i < length; i++) this.valueBytes[start + i] = bytes[from + i]!;
    if (this.valueCount === this.ends.length) {
      const grown = new Uint32Array(this.ends.length * 2);
      grown.set(this.ends);
      this.ends = grown;
    }
    this.ends[this.valueCount++] = start + length;
  }

  #growTable(): void {
    const table = new Uint32Array(this.#table.length * 2);
    const mask = table.length - 1;
    for (let i = 0; i < this.valueCount; i++) {
      let slot = hashBytes(this.valueBytes, this.valueFrom(i), this.ends[i]!, this.#seed) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = i + 1;
    }
    this.#table = table;
  }

  /**
   * The column as stored: packed value lengths, packed codes, value bytes. A code is 0 for absent,
   * 1 for the next value of the dictionary (its first use), id + 1 for one used before: a value per
   * row costs no code bytes at all.
   */
  encode(rowCount: number): Buffer {
    const lengths = new Uint32Array(this.valueCount);
    for (let i = 0; i < this.valueCount; i++) lengths[i] = this.ends[i]! - this.valueFrom(i);
    const codes = new Uint32Array(rowCount);
    let used = 0;
    for (let from = 0; from < rowCount; from += rowsPerCall) {
      used = this.#encodeCodes(codes, from, Math.min(from + rowsPerCall, rowCount), used);
    }
    const values = this.valueBytes.subarray(0, this.usedValueBytes);
    const packed = packUints(codes);
    const column = Buffer.concat([packUints(lengths), packed, values]);
    giveColumnsBack([codes, packed]);
    return column;
  }

  /** `used` is the highest id of the rows before; returns it for the rows after. */
  #encodeCodes(codes: Uint32Array, from: number, to: number, used: number): number {
    let highest = used;
    for (let row = from; row < to; row++) {
      const id = this.idAt(row);
      if (id > highest) {
        highest = id;
        codes[row] = 1;
      } else if (id !== 0) {
        codes[row] = id + 1;
      }
    }
    return highest;
  }
}

/** All metadata columns of the block under construction. */
export class MetadataColumns {
  columns: MetadataColumnBuilder[] = [];
  /** Bytes of distinct values. */
  valueBytes = 0;
  readonly #indexByName = new Map<string, number>();
  readonly #seed: number;
  #lastBatch: EntryBatch | undefined;
  #lastSet = 0;
  #lastRow = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Rows must come in order; rows without metadata need no call. */
  add(batch: EntryBatch, set: number, row: number): void {
    if (batch === this.#lastBatch && set === this.#lastSet) {
      for (const column of this.columns) {
        const id = column.idAt(this.#lastRow);
        if (id !== 0) column.setId(row, id);
      }
    } else {
      this.#addPairs(batch, set, row);
    }
    this.#lastBatch = batch;
    this.#lastSet = set;
    this.#lastRow = row;
  }

  #addPairs(batch: EntryBatch, set: number, row: number): void {
    const { bytes, starts } = batch.metadata;
    let at = starts[set]!;
    const to = starts[set + 1]!;
    let expected = 0;
    while (at < to) {
      let [length, width] = [bytes[at]!, 1];
      if (length >= 0x80) [length, width] = readLength(bytes, at);
      const nameFrom = at + width;
      const nameTo = nameFrom + length;
      [length, width] = [bytes[nameTo]!, 1];
      if (length >= 0x80) [length, width] = readLength(bytes, nameTo);
      const valueFrom = nameTo + width;
      at = valueFrom + length;
      const index = this.#find(bytes, nameFrom, nameTo, expected);
      expected = index + 1;
      const column = this.columns[index]!;
      const before = column.usedValueBytes;
      column.setId(row, column.idOf(bytes, valueFrom, at));
      this.valueBytes += column.usedValueBytes - before;
    }
  }

  #find(bytes: Buffer, from: number, to: number, expected: number): number {
    const end = Math.min(this.columns.length, expected + nameProbesMax);
    for (let i = expected; i < end; i++) {
      const { name } = this.columns[i]!;
      if (name.length === to - from && sameBytes(name, 0, bytes, from, name.length)) return i;
    }
    const text = bytes.toString("latin1", from, to);
    const known = this.#indexByName.get(text);
    if (known !== undefined) return known;
    this.columns.push(new MetadataColumnBuilder(Buffer.from(bytes.subarray(from, to)), this.#seed));
    this.#indexByName.set(text, this.columns.length - 1);
    return this.columns.length - 1;
  }

  /** Ready for the next block. */
  reset(): void {
    if (this.columns.length > pooledColumnsMax) {
      this.columns = [];
      this.#indexByName.clear();
    }
    for (const column of this.columns) column.reset();
    this.valueBytes = 0;
    this.#lastBatch = undefined;
  }
}

/** A varint of a packed set: its value and how many bytes it takes. */
function readLength(bytes: Buffer, from: number): [value: number, width: number] {
  let value = 0;
  let width = 0;
  for (;;) {
    const byte = bytes[from + width]!;
    value |= (byte & 0x7f) << (7 * width);
    width++;
    if (byte < 0x80) return [value, width];
  }
}
