/**
 * A chunk object of Loki's store as values. Layout, byte by byte: docs/formats/loki-chunk.md.
 */
import type { ByteStrings } from "#columns";
import type { EntryBatch, Labels } from "#model";

/** What names a chunk: its key, its entry in an index table. */
export interface ChunkRef {
  readonly tenant: string;
  /** Unsigned 64 bits. Taken from where the chunk is named, never recomputed. */
  readonly fingerprint: bigint;
  /** First and last millisecond with entries, both inclusive; `throughMs` is rounded up. */
  readonly fromMs: number;
  readonly throughMs: number;
  /** CRC-32C over all bytes of the object, unsigned. */
  readonly checksum: number;
}

/** The names of `chunk_encoding`. */
export type ChunkCodec =
  | "none"
  | "gzip"
  | "lz4-64k"
  | "lz4-256k"
  | "lz4-1M"
  | "lz4"
  | "snappy"
  | "flate"
  | "zstd";

/** The JSON in front of a chunk's body. */
export interface ChunkHeader {
  readonly tenant: string;
  readonly fingerprint: bigint;
  readonly fromMs: number;
  readonly throughMs: number;
  /** Of the stream, without `__name__`. Answers take labels from here, not from the index. */
  readonly labels: Labels;
  /** 0 when unset, and in chunks of older writers. */
  readonly ingestedAtMs: number;
}

/** A row of the block table. */
export interface ChunkBlockFacts {
  readonly entryCount: number;
  /**
   * As the table has them. Loki's own writer sets `minNs` too late when empty lines without metadata
   * come first, so the rows may begin earlier (never before the header's `fromMs` by intent).
   */
  readonly minNs: bigint;
  readonly maxNs: bigint;
  /** Sum of line bytes + 8 for each pair of metadata; 0 in versions 1 and 2, which do not have it. */
  readonly accountedBytes: number;
  /** Of the compressed bytes in the object, from its first byte; the crc follows them. */
  readonly offset: number;
  /** Where it begins if the blocks lie one after the other; tried when the bytes at `offset` are wrong. */
  readonly contiguousOffset: number;
  readonly storedBytes: number;
}

/** An opened chunk: everything but the blocks is parsed and its checksums hold. Holds `bytes`. */
export interface LokiChunk {
  /** Of the object, for error texts. */
  readonly key: string;
  readonly bytes: Buffer;
  readonly header: ChunkHeader;
  readonly version: 1 | 2 | 3 | 4;
  readonly codec: ChunkCodec;
  /** Names and values of structured metadata, gap 0; empty before version 4. */
  readonly symbols: ByteStrings;
  readonly blocks: readonly ChunkBlockFacts[];
  /** Sum over the block table. */
  readonly entryCount: number;
}

/** Which columns a reader wants (`ColumnNeeds` of the waist fits); timestamps always come. */
export interface ChunkColumnNeeds {
  readonly lines: boolean;
  /** Implied by `lines`. */
  readonly lengths: boolean;
  /** Normalised names, or all. */
  readonly metadata: "all" | readonly string[];
}

/** Rows of [fromNs, toNs) only. */
export interface ChunkRowWindow {
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

/**
 * The rows of one block, sorted by time (stable), as a Block of the waist wants them. Owned by the
 * caller; holds no bytes of the object. `lines` has gap 1.
 */
export interface ChunkRows {
  readonly rowCount: number;
  /** Time of the first row. */
  readonly baseNs: bigint;
  readonly offsets: Float64Array;
  readonly lines: ByteStrings | undefined;
  readonly lengths: Uint32Array | undefined;
  /** Value of row i is values[ids[i] - 1], or absent when ids[i] is 0. Values are distinct. */
  readonly metadata: readonly ChunkMetadataColumn[];
  /**
   * Pairs whose name cannot be rewritten to a label name (docs/differences-from-loki.md: Loki ends
   * the block there and loses the entries after it; here only the pair is dropped).
   */
  readonly droppedPairCount: number;
}

export interface ChunkMetadataColumn {
  readonly name: string;
  readonly ids: Uint32Array;
  /** Gap 0. */
  readonly values: ByteStrings;
}

/** Rows [fromRow, toRow) of a batch, all of one stream; `RowSlice` of the ingester fits. */
export interface ChunkRowSlice {
  readonly batch: EntryBatch;
  readonly fromRow: number;
  readonly toRow: number;
}

/** A chunk ready to be put. */
export interface BuiltChunk {
  readonly ref: ChunkRef;
  readonly bytes: Buffer;
  readonly entryCount: number;
  /** As the index has it: accounted bytes and symbols, in KiB, rounded half up. */
  readonly kb: number;
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** One thing that is wrong with a chunk object. */
export interface ChunkFinding {
  readonly key: string;
  /** In the object. */
  readonly offset: number;
  readonly text: string;
}
