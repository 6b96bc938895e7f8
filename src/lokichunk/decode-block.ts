import assert from "node:assert";
import type {
  ChunkBlockFacts,
  ChunkColumnNeeds,
  ChunkRows,
  ChunkRowWindow,
  LokiChunk,
} from "./chunk.ts";

/**
 * Decodes one block on this thread. StoreError `corrupt` naming key, offset, expected and actual
 * checksum; the other blocks of the chunk can still be read. A block whose rows span 2^53 ns or more
 * is decoded window by window (`blockWindows`).
 */
export function decodeChunkBlock(
  chunk: LokiChunk,
  block: number,
  needs: ChunkColumnNeeds,
  window?: ChunkRowWindow,
): ChunkRows {
  assert.fail(`${chunk.key} ${block} ${needs.lines} ${window}`);
}

/** As `decodeChunkBlock`, decompression in the thread pool for gzip, flate and zstd. */
export async function decodeChunkBlockAsync(
  chunk: LokiChunk,
  block: number,
  needs: ChunkColumnNeeds,
  window?: ChunkRowWindow,
): Promise<ChunkRows> {
  return decodeChunkBlock(chunk, block, needs, window);
}

/** Nearly always [undefined]: the whole block. More windows when the block spans 2^53 ns (104 days) or more. */
export function blockWindows(facts: ChunkBlockFacts): readonly (ChunkRowWindow | undefined)[] {
  assert.fail(String(facts.offset));
}
