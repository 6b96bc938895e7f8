import assert from "node:assert";
import type { EntryBatch } from "#model";
import type { ChunkRows } from "./chunk.ts";

/**
 * Rows of a decoded block (a Block of the waist fits) as the batch `buildChunks` takes: for
 * rewriting and merging. Holds views of the block.
 */
export function batchOfRows(rows: Omit<ChunkRows, "droppedPairCount">): EntryBatch {
  assert.fail(String(rows.rowCount));
}
