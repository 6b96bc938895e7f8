import assert from "node:assert";
import type { Labels } from "#model";
import type { ChunkFinding, ChunkRef } from "./chunk.ts";

/** What the index says of the chunk, for comparison. */
export interface ExpectedChunk {
  readonly ref: ChunkRef;
  /** Of the series, without the tenant label. */
  readonly labels: Labels;
  readonly entryCount?: number;
  readonly kb?: number;
}

/**
 * Everything that Loki demands of a chunk object, checked strictly: [] for a sound one. Never throws
 * for what is wrong with the bytes.
 */
export function verifyChunk(key: string, bytes: Buffer, expected?: ExpectedChunk): ChunkFinding[] {
  assert.fail(`${key} ${bytes.length} ${expected}`);
}
