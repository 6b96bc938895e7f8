import type { PackedSets } from "#model";
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

/** Columns that grow, for decoders that cannot know the number of rows beforehand. */
export class GrowingRows {
  rowCount = 0;
  lineStarts: Uint32Array = new Uint32Array(256);
  lineEnds: Uint32Array = new Uint32Array(256);
  epochSeconds: Float64Array = new Float64Array(256);
  nanos: Uint32Array = new Uint32Array(256);
  metadataOfRow: Uint32Array = new Uint32Array(256);

  /** Makes room for one more row and returns its number; the caller fills all columns. */
  add(): number {
    if (this.rowCount === this.lineStarts.length) this.#grow();
    return this.rowCount++;
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
