/**
 * Rows of a decoded block as the batch a writer takes: the way from a stored segment into the next
 * one.
 */
import assert from "node:assert";
import type { ByteStrings } from "#columns";
import type { EntryBatch, PackedSets } from "#model";
import type { Block, MetadataColumn } from "#storage";
import { giveColumnsBack } from "./fetched-bytes.ts";

const noSets: PackedSets = { bytes: Buffer.alloc(0), starts: new Uint32Array(2), count: 1 };

/**
 * Rows [fromRow, toRow) of a block read with all its columns. The batch holds views of it and
 * copies no line.
 */
export function batchOfRows(block: Block, fromRow: number, toRow: number): EntryBatch {
  const rowCount = toRow - fromRow;
  const { bytes, starts } = block.lines!;
  assert(bytes.length >= (starts[toRow] ?? 1), "the block was given back");
  const lineEnds = new Uint32Array(rowCount);
  const epochSeconds = new Float64Array(rowCount);
  const nanos = new Uint32Array(rowCount);
  const dayStartSeconds = Number(block.baseNs / 1_000_000_000n);
  for (let i = 0; i < rowCount; i++) {
    const row = fromRow + i;
    lineEnds[i] = starts[row + 1]! - 1;
    const offset = block.offsets[row]!;
    const second = Math.floor(offset / 1e9);
    epochSeconds[i] = dayStartSeconds + second;
    nanos[i] = offset - second * 1e9;
  }
  const used = block.metadata.filter((column) => isUsed(column.ids, fromRow, toRow));
  const sets = packSets(used, fromRow, toRow);
  return {
    rowCount,
    streams: [],
    bytes,
    lineStarts: starts.subarray(fromRow, toRow),
    lineEnds,
    epochSeconds,
    nanos,
    metadataOfRow: sets.ofRow,
    metadata: sets.packed,
  };
}

/** Gives back what `batchOfRows` made; the block stays. Nobody reads the batch any more. */
export function giveBatchBack(batch: EntryBatch): void {
  const { lineEnds, epochSeconds, nanos, metadataOfRow } = batch;
  giveColumnsBack([lineEnds, epochSeconds, nanos, metadataOfRow]);
}

function isUsed(ids: Uint32Array, fromRow: number, toRow: number): boolean {
  for (let row = fromRow; row < toRow; row++) if (ids[row] !== 0) return true;
  return false;
}

interface PackedRows {
  readonly ofRow: Uint32Array;
  readonly packed: PackedSets;
}

/** One set per distinct combination of values, in order of first use. */
function packSets(unsorted: readonly MetadataColumn[], fromRow: number, toRow: number): PackedRows {
  const rowCount = toRow - fromRow;
  const ofRow = new Uint32Array(rowCount);
  if (unsorted.length === 0) return { ofRow, packed: noSets };
  const columns = unsorted
    .map(({ name, ids, values }) => ({ name: Buffer.from(name), ids, values }))
    .sort((a, b) => a.name.compare(b.name));
  const rows = distinctRows(columns, fromRow, toRow);
  const sets = new SetBytes();
  // The first row of each combination, by its set; set 0 is the empty one.
  for (let i = 0; i < rowCount; i++) {
    const first = rows[i]!;
    if (first !== i) ofRow[i] = ofRow[first]!;
    else if (columns.some(({ ids }) => ids[fromRow + i] !== 0)) {
      for (const { name, ids, values } of columns) {
        const id = ids[fromRow + i]!;
        if (id !== 0) sets.addPair(name, values, id - 1);
      }
      ofRow[i] = sets.endSet();
    }
  }
  giveColumnsBack([rows]);
  return { ofRow, packed: sets.packed() };
}

interface NamedColumn {
  readonly name: Buffer;
  readonly ids: Uint32Array;
  readonly values: ByteStrings;
}

/** For each row the first one that has the same values in all columns. */
function distinctRows(
  columns: readonly NamedColumn[],
  fromRow: number,
  toRow: number,
): Uint32Array {
  const rowCount = toRow - fromRow;
  const first = new Uint32Array(rowCount);
  const mask = 2 ** Math.ceil(Math.log2(rowCount * 2)) - 1;
  // Row + 1 by slot.
  const table = new Uint32Array(mask + 1);
  for (let i = 0; i < rowCount; i++) {
    let hash = 0;
    for (const { ids } of columns) {
      hash = Math.imul(hash ^ ids[fromRow + i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    let slot = hash & mask;
    while (table[slot] !== 0) {
      const other = table[slot]! - 1;
      if (isSameRow(columns, fromRow + i, fromRow + other)) break;
      slot = (slot + 1) & mask;
    }
    if (table[slot] === 0) table[slot] = i + 1;
    first[i] = table[slot]! - 1;
  }
  giveColumnsBack([table]);
  return first;
}

function isSameRow(columns: readonly NamedColumn[], a: number, b: number): boolean {
  for (const { ids } of columns) if (ids[a] !== ids[b]) return false;
  return true;
}

/** Packed sets under construction (EntryBatch has their layout). */
class SetBytes {
  #bytes: Buffer = Buffer.allocUnsafe(1024);
  #used = 0;
  /** Set 0 is empty. */
  readonly #starts: number[] = [0, 0];

  addPair(name: Buffer, values: ByteStrings, value: number): void {
    this.#add(name, 0, name.length);
    this.#add(values.bytes, values.from(value), values.to(value));
  }

  #add(source: Buffer, from: number, to: number): void {
    const length = to - from;
    // A length takes five bytes at most.
    this.#reserve(length + 5);
    let rest = length;
    while (rest >= 0x80) {
      this.#bytes[this.#used++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#used++] = rest;
    source.copy(this.#bytes, this.#used, from, to);
    this.#used += length;
  }

  #reserve(count: number): void {
    if (this.#used + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#used + count, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#used);
    this.#bytes = grown;
  }

  /** The number of the set that ends here. */
  endSet(): number {
    return this.#starts.push(this.#used) - 2;
  }

  packed(): PackedSets {
    const starts = Uint32Array.from(this.#starts);
    return { bytes: this.#bytes, starts, count: starts.length - 1 };
  }
}

/**
 * What the metadata sets of rows [fromRow, toRow) take at most when packed: at i, the sum of the
 * first i rows. A constant column costs nothing in a block, but in every distinct set.
 */
export function metadataSums(block: Block, fromRow: number, toRow: number): Float64Array {
  const sums = new Float64Array(toRow - fromRow + 1);
  for (const { name, ids, values } of block.metadata) {
    const ofName = name.length * 3 + 10;
    for (let row = fromRow; row < toRow; row++) {
      const id = ids[row]!;
      if (id !== 0) sums[row - fromRow + 1]! += ofName + values.to(id - 1) - values.from(id - 1);
    }
  }
  for (let i = 1; i < sums.length; i++) sums[i]! += sums[i - 1]!;
  return sums;
}
