/**
 * Chunk objects of Loki, under the names they have in a bucket or in the folder of its filesystem
 * store. When the path ends as a key does, the content must agree with it.
 */
import { type InspectedChunk, inspectChunk, keyMapping, parseChunkKey } from "#lokichunk";

/** Parts of a chunk's key, of either form. */
const keyPartsMax = 3;

export function inspectLokiChunk(name: string, bytes: Buffer): InspectedChunk {
  return inspectChunk(name, bytes, keyOfPath(name));
}

/** The key that the end of a path is, or undefined. */
function keyOfPath(path: string): string | undefined {
  const mapping = keyMapping({ medium: "filesystem" });
  const parts = path.split(/[\\/]/);
  for (let count = 1; count <= keyPartsMax; count++) {
    const key = mapping.toLogical(parts.slice(-count).join("/"));
    if (key !== undefined && parseChunkKey(key) !== undefined) return key;
  }
  return undefined;
}
