import type { BatchLease, PackedSets } from "#model";
import type { StreamLabels } from "./validate-labels.ts";

/**
 * A request as decoded, before validation: the same columns as an EntryBatch, over the bytes the
 * request arrived in. The distributor owns them and may shorten lines and move timestamps in place.
 */
export interface DecodedPush {
  readonly rowCount: number;
  readonly bytes: Buffer;
  readonly lineStarts: Uint32Array;
  readonly lineEnds: Uint32Array;
  readonly epochSeconds: Float64Array;
  readonly nanos: Uint32Array;
  readonly metadataOfRow: Uint32Array;
  readonly metadata: ArrivedSets;
  /** Streams that have entries, in order of arrival. */
  readonly streams: readonly DecodedStream[];
  /** How many streams the request named, with or without entries. */
  readonly streamCount: number;
  /** Of the memory under the bytes and columns, when it is used again. */
  readonly lease?: BatchLease | undefined;
  /** Number of the content while the kernel has it loaded: its bytes are `bytes`. */
  readonly kernelContent?: number;
}

export interface DecodedStream {
  readonly labels: StreamLabels;
  readonly fromRow: number;
  readonly toRow: number;
}

/** Metadata sets, normalised and packed, and how large each was when it arrived. */
export interface ArrivedSets extends PackedSets {
  /** Pairs of set i as they arrived, with duplicates and empty values. */
  readonly pairCounts: Uint32Array;
  /** Bytes of names and values of set i as they arrived. */
  readonly pairBytes: Uint32Array;
}

/** The columns of rows alone. */
export type RowColumns = Pick<
  DecodedPush,
  "rowCount" | "lineStarts" | "lineEnds" | "epochSeconds" | "nanos" | "metadataOfRow"
>;

const rowsFirst = 256;
/** Columns of more rows are given back to the system. */
const rowsKeptMax = 64 * 1024;
const bytesPerRow = 24;

/**
 * Columns that grow, for decoders that cannot know the number of rows beforehand. They serve one
 * request after the other: the rows of a small request, which the head may hold for an hour, are
 * copied and take no more memory than they need.
 */
export class GrowingRows {
  rowCount = 0;
  lineStarts: Uint32Array = new Uint32Array(rowsFirst);
  lineEnds: Uint32Array = new Uint32Array(rowsFirst);
  epochSeconds: Float64Array = new Float64Array(rowsFirst);
  nanos: Uint32Array = new Uint32Array(rowsFirst);
  metadataOfRow: Uint32Array = new Uint32Array(rowsFirst);

  static #spare: GrowingRows | undefined;

  /** Columns without rows, the caller's until `finish`. */
  static take(): GrowingRows {
    const rows = GrowingRows.#spare ?? new GrowingRows();
    GrowingRows.#spare = undefined;
    rows.rowCount = 0;
    return rows;
  }

  /** Makes room for one more row and returns its number; the caller fills all columns. */
  add(): number {
    if (this.rowCount === this.lineStarts.length) this.#grow();
    return this.rowCount++;
  }

  /** The rows, in memory of their own; these columns go back to where they were taken from. */
  finish(): RowColumns {
    const { rowCount } = this;
    const memory = new ArrayBuffer(rowCount * bytesPerRow);
    const epochSeconds = new Float64Array(memory, 0, rowCount);
    epochSeconds.set(this.epochSeconds.subarray(0, rowCount));
    const copy = (column: Uint32Array, index: number): Uint32Array => {
      const target = new Uint32Array(memory, rowCount * (8 + index * 4), rowCount);
      target.set(column.subarray(0, rowCount));
      return target;
    };
    const columns = {
      rowCount,
      epochSeconds,
      lineStarts: copy(this.lineStarts, 0),
      lineEnds: copy(this.lineEnds, 1),
      nanos: copy(this.nanos, 2),
      metadataOfRow: copy(this.metadataOfRow, 3),
    };
    if (this.lineStarts.length <= rowsKeptMax) GrowingRows.#spare = this;
    return columns;
  }

  #grow(): void {
    const capacity = this.rowCount * 2;
    this.lineStarts = grown32(this.lineStarts, capacity);
    this.lineEnds = grown32(this.lineEnds, capacity);
    this.nanos = grown32(this.nanos, capacity);
    this.metadataOfRow = grown32(this.metadataOfRow, capacity);
    const epochSeconds = new Float64Array(capacity);
    epochSeconds.set(this.epochSeconds);
    this.epochSeconds = epochSeconds;
  }
}

export function grown32(column: Uint32Array, capacity: number): Uint32Array {
  const larger = new Uint32Array(capacity);
  larger.set(column);
  return larger;
}

/** Seconds beyond this do not fit int64 nanoseconds. */
export const epochSecondsMax = 9_223_372_035;
