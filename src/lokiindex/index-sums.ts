import type { ChunkWalker } from "./chunk-walker.ts";
import type { IndexSums, MsRange } from "./index-types.ts";

export function newIndexSums(): IndexSums {
  return { chunkCount: 0, bytes: 0, entryCount: 0 };
}

/**
 * Adds the chunk that the walker stands at. A chunk that the range cuts counts by the share of its
 * time inside, truncated to whole KiB and entries.
 */
export function addChunk(sums: IndexSums, chunk: ChunkWalker, range: MsRange): void {
  const share = shareInside(chunk, range);
  sums.chunkCount++;
  sums.bytes += Math.trunc(chunk.kib * share) * 1024;
  sums.entryCount += Math.trunc(chunk.entries * share);
}

/** A chunk of one instant lies inside when it is reached at all. */
function shareInside(chunk: ChunkWalker, range: MsRange): number {
  const length = chunk.maxMs - chunk.minMs;
  if (length <= 0) return 1;
  const from = Math.max(chunk.minMs, range.fromMs);
  const to = Math.min(chunk.maxMs, range.toMs);
  return Math.max(0, to - from) / length;
}
