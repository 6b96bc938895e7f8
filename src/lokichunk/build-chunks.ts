import assert from "node:assert";
import type { Labels } from "#model";
import type { BuiltChunk, ChunkCodec, ChunkRowSlice } from "./chunk.ts";

/** Rows of one stream, slices in order of arrival. Sorted and freed of duplicates here. */
export interface ChunkStream {
  readonly tenant: string;
  readonly labels: Labels;
  /** When another than the hash of the labels must be used. */
  readonly fingerprint?: bigint;
  readonly rows: readonly ChunkRowSlice[];
}

export interface BuildChunksOptions {
  /** Version 3 has no structured metadata: it is dropped, and entries that then are equal merge. */
  readonly version: 3 | 4;
  readonly codec: ChunkCodec;
  /** `chunk_block_size`, 262144 when omitted. */
  readonly blockBytes?: number;
  /** `chunk_target_size`, 1572864 when omitted. 0: one chunk, however large. */
  readonly targetBytes?: number;
  /** An entry this much later than the first one of a chunk begins a new chunk (max_chunk_age). */
  readonly spanNsMax?: number;
  /** Written as `ingestedAt`; 0 when omitted. */
  readonly ingestedAtMs?: number;
}

/**
 * All rows of a stream as chunks, in order of time, none overlapping another. The same input gives
 * the same bytes. Compression runs in the thread pool where node:zlib has it.
 */
export async function buildChunks(
  stream: ChunkStream,
  options: BuildChunksOptions,
): Promise<BuiltChunk[]> {
  return buildChunksNow(stream, options);
}

/** As `buildChunks`, on this thread. */
export function buildChunksNow(stream: ChunkStream, options: BuildChunksOptions): BuiltChunk[] {
  assert.fail(`${stream.tenant} ${options.codec}`);
}
