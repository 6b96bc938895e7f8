import assert from "node:assert";
import type { LokiChunk } from "./chunk.ts";

/**
 * Parses a chunk object: header, symbols, block table. Verifies the object's checksum when the
 * reference it was found by is given, and the checksums of symbols and table. Keeps `bytes`.
 * StoreError `corrupt` with key, offset, expected and actual. Blocks are verified when decoded.
 */
export function openChunk(key: string, bytes: Buffer, checksum?: number): LokiChunk {
  assert.fail(`${key} ${bytes.length} ${checksum}`);
}
