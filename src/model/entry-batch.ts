import type { Labels } from "./labels.ts";

/**
 * The accepted entries of one push, as columns over the bytes they arrived in. Immutable once built; whoever holds the
 * batch holds `bytes`. Row order is order of arrival; the rows of one stream of the request are contiguous.
 *
 * Metadata sets are packed: for each pair, sorted by name, varint(name bytes) name varint(value bytes) value. Two
 * sets are equal when their packed bytes are equal. Set 0 is the empty set.
 */
export interface EntryBatch {
  readonly rowCount: number;
  readonly streams: readonly BatchStream[];
  /** Holds the lines. */
  readonly bytes: Buffer;
  /** Line of row i: bytes[lineStarts[i], lineEnds[i]). */
  readonly lineStarts: Uint32Array;
  readonly lineEnds: Uint32Array;
  /** Timestamp of row i: epochSeconds[i] * 1e9 + nanos[i] ns; seconds are floored, nanos in [0, 1e9). */
  readonly epochSeconds: Float64Array;
  readonly nanos: Uint32Array;
  /** Metadata set of each row. */
  readonly metadataOfRow: Uint32Array;
  readonly metadata: PackedSets;
  /** Given when the memory under all this is used again once nobody holds it. */
  readonly lease?: BatchLease | undefined;
}

/**
 * Memory that several holders share and that becomes somebody else's after the last one let go. Who
 * keeps a batch longer than the call that gave it holds it; who never lets go leaves the memory to
 * the collector, which is always safe.
 */
export interface BatchLease {
  hold(): void;
  /** Once per `hold`; reads nothing of the batch afterwards. */
  letGo(): void;
}

/** Rows [fromRow, toRow) of a batch belong to the stream with these labels. */
export interface BatchStream {
  readonly labels: Labels;
  readonly fromRow: number;
  readonly toRow: number;
}

/** Set i: bytes[starts[i], starts[i + 1]). Set 0 is empty. */
export interface PackedSets {
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
  readonly count: number;
}
