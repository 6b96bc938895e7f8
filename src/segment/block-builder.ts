import { isAscii } from "node:buffer";
import { packUints } from "#columns";
import { ByteKernel } from "#kernels";
import type { EntryBatch } from "#model";
import { giveColumnsBack } from "./fetched-bytes.ts";
import { blockMetadataBytesMax, blockMetadataCellsMax, blockRowsMax } from "./limits.ts";
import { MetadataColumns } from "./metadata-columns.ts";
import type { MetadataColumnBuilder } from "./metadata-columns.ts";
import { valueKeysOf } from "./value-keys.ts";

/** The structured metadata whose values are counted per block (Loki's name for it). */
export const levelName = "detected_level";

/** Readers ignore kinds they do not know; 5 to 7: skip filters; from 8 on: fields of lines. */
export const ColumnKind = {
  timestamps: 1,
  lengths: 2,
  lines: 3,
  metadata: 4,
  trigrams: 5,
  grams: 6,
  values: 7,
  jsonField: 8,
  logfmtField: 9,
} as const;

/** Rows of one stream in a block. Times are nanoseconds since the day began. */
export interface RawRun {
  readonly stream: number;
  readonly fromRow: number;
  toRow: number;
  lineBytes: number;
  readonly minOffset: number;
  maxOffset: number;
  /** Entries by level, in order of first use. */
  levels: Map<string, number>;
}

/** Of runs without levels; never changed, so that a million thin streams do not cost a map each. */
const noLevels: Map<string, number> = new Map();

export interface RawColumn {
  readonly kind: number;
  /** Of metadata; empty for the others. */
  readonly name: string;
  readonly raw: Buffer;
}

/**
 * A block before compression. The buffer under the lines column belongs to whoever took the block.
 */
export interface RawBlock {
  readonly runs: readonly RawRun[];
  readonly isAscii: boolean;
  readonly hasInnerNewline: boolean;
  readonly columns: readonly RawColumn[];
  /** Of all metadata: see `valueKeysOf`. */
  readonly valueKeys: Uint32Array;
  /** Byte lengths of the lines. */
  readonly lengths: Uint32Array;
  /** Raw bytes of the lines column. */
  readonly lines: Buffer;
  readonly linesBuffer: Buffer;
}

const newline = 10;

/** Below this a loop copies faster than a call of Buffer.copy. */
const loopBytesMax = 24;

/**
 * Collects the rows of one block; rows of a stream come together, sorted by time. Reused from block
 * to block.
 */
export class BlockBuilder {
  rowCount = 0;
  /** Bytes of lines so far, each with its newline. */
  linesBytes = 0;
  #lines: Buffer;
  #lengths: Uint32Array = new Uint32Array(4096);
  /** Time since the row before; 0 for the first row of a run. */
  #deltas: Float64Array = new Float64Array(4096);
  #runs: RawRun[] = [];
  #run: RawRun | undefined;
  readonly #metadata: MetadataColumns;

  constructor(lines: Buffer, seed: number) {
    this.#lines = lines;
    this.#metadata = new MetadataColumns(seed);
  }

  /** Whether the bounds of a block leave no room for one more row, whatever its size. */
  get isFull(): boolean {
    return (
      this.rowCount >= blockRowsMax ||
      this.#metadata.valueBytes >= blockMetadataBytesMax ||
      this.rowCount * this.#metadata.columns.length >= blockMetadataCellsMax
    );
  }

  /** The stream of the last row here, -1 in an empty block. */
  get runStream(): number {
    return this.#run?.stream ?? -1;
  }

  /** Starts the rows of a stream; `offset` is the time of its first row here. */
  startRun(stream: number, offset: number): void {
    this.#run = {
      stream,
      fromRow: this.rowCount,
      toRow: this.rowCount,
      lineBytes: 0,
      minOffset: offset,
      maxOffset: offset,
      levels: noLevels,
    };
    this.#runs.push(this.#run);
  }

  /**
   * Copies the line; `batch` is needed no longer than the block. Its time is `offsets[offsetAt]`: as an
   * argument each would be an object to V8, a fifth of what ingesting leaves to the collector.
   */
  add(batch: EntryBatch, row: number, offsets: Float64Array, offsetAt: number): void {
    const offset = offsets[offsetAt]!;
    const run = this.#run!;
    const index = this.rowCount++;
    if (index === this.#lengths.length) this.#growRows();
    const from = batch.lineStarts[row]!;
    const length = batch.lineEnds[row]! - from;
    const at = this.linesBytes;
    if (at + length >= this.#lines.length) this.#growLines(at + length + 1);
    const lines = this.#lines;
    if (length <= loopBytesMax) {
      const source = batch.bytes;
      for (let i = 0; i < length; i++) lines[at + i] = source[from + i]!;
    } else {
      batch.bytes.copy(lines, at, from, from + length);
    }
    lines[at + length] = newline;
    this.linesBytes = at + length + 1;
    this.#lengths[index] = length;
    this.#deltas[index] = offset - run.maxOffset;
    run.maxOffset = offset;
    run.lineBytes += length;
    run.toRow = index + 1;
    const set = batch.metadataOfRow[row]!;
    if (set !== 0) this.#metadata.add(batch, set, index);
  }

  #growRows(): void {
    const lengths = new Uint32Array(this.#lengths.length * 2);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
    const deltas = new Float64Array(this.#deltas.length * 2);
    deltas.set(this.#deltas);
    this.#deltas = deltas;
  }

  #growLines(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(this.#lines.length * 1.5)));
    this.#lines.copy(grown, 0, 0, this.linesBytes);
    this.#lines = grown;
  }

  /** Hands the block over and starts the next one in `nextLines`. */
  take(nextLines: Buffer): RawBlock {
    const count = this.rowCount;
    const lines = this.#lines.subarray(0, this.linesBytes);
    const columns: RawColumn[] = [
      { kind: ColumnKind.timestamps, name: "", raw: encodeDeltas(this.#deltas, count) },
      { kind: ColumnKind.lengths, name: "", raw: packUints(this.#lengths, count) },
      { kind: ColumnKind.lines, name: "", raw: lines },
    ];
    for (const column of this.#metadata.columns) {
      if (column.valueCount === 0) continue;
      const name = column.name.toString("utf8");
      columns.push({ kind: ColumnKind.metadata, name, raw: column.encode(count) });
      if (name === levelName) countLevels(column, this.#runs);
    }
    const block: RawBlock = {
      runs: this.#runs,
      isAscii: isAscii(lines),
      hasInnerNewline: findsInnerNewline(lines, count),
      columns,
      valueKeys: valueKeysOf(this.#metadata.columns),
      lengths: this.#lengths.slice(0, count),
      lines,
      linesBuffer: this.#lines,
    };
    this.#reset(nextLines);
    return block;
  }

  /** Gives back the buffer of the block that would come next; the builder is used no more. */
  end(): Buffer {
    const lines = this.#lines;
    this.#reset(Buffer.alloc(0));
    return lines;
  }

  #reset(nextLines: Buffer): void {
    this.#lines = nextLines;
    this.linesBytes = 0;
    this.rowCount = 0;
    this.#runs = [];
    this.#run = undefined;
    this.#metadata.reset();
  }
}

/** u8 exponent of the unit (0, 3, 6 or 9: ns to s), then the differences in that unit, packed. */
function encodeDeltas(deltas: Float64Array, count: number): Buffer {
  let exponent = 0;
  while (exponent < 9 && isMultiple(deltas, count, 10 ** (exponent + 3))) exponent += 3;
  const unit = 10 ** exponent;
  if (unit > 1) divide(deltas, count, unit);
  const packed = packUints(deltas, count);
  const column = Buffer.concat([Buffer.of(exponent), packed]);
  giveColumnsBack([packed]);
  return column;
}

function divide(values: Float64Array, count: number, by: number): void {
  for (let i = 0; i < count; i++) values[i] = values[i]! / by;
}

/** Division and multiplication of whole doubles, which is far faster than their remainder. */
function isMultiple(values: Float64Array, count: number, unit: number): boolean {
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (Math.floor(value / unit) * unit !== value) return false;
  }
  return true;
}

/** Each line ends with a newline of its own; more are inside of lines. */
function findsInnerNewline(lines: Buffer, count: number): boolean {
  return ByteKernel.shared.count(lines, newline) > count;
}

function countLevels(column: MetadataColumnBuilder, runs: readonly RawRun[]): void {
  const counts = new Uint32Array(column.valueCount + 1);
  const levels: string[] = [];
  for (let i = 0; i < column.valueCount; i++) {
    levels.push(column.valueBytes.toString("utf8", column.valueFrom(i), column.ends[i]));
  }
  for (const run of runs) {
    const ids = countIds(column, run, counts);
    if (ids.length > 0) run.levels = new Map();
    for (const id of ids) run.levels.set(levels[id - 1]!, counts[id]!);
    // Only the ids this run used are set back: a block may hold very many runs and levels.
    for (const id of ids) counts[id] = 0;
  }
}

/**
 * The ids of a run's rows, in order of their first use, counted in `counts`. A function for itself, as
 * `GatheredRows.#readSlice`.
 */
function countIds(column: MetadataColumnBuilder, run: RawRun, counts: Uint32Array): number[] {
  const ids: number[] = [];
  for (let row = run.fromRow; row < run.toRow; row++) {
    const id = column.idAt(row);
    if (id !== 0 && counts[id]!++ === 0) ids.push(id);
  }
  return ids;
}
