/** Loki's chunk objects: keys, reading, writing, verifying. Pure: no object store in here. */
export {
  type BuildChunksOptions,
  buildChunks,
  buildChunksNow,
  type ChunkStream,
} from "./build-chunks.ts";
export type {
  BuiltChunk,
  ChunkBlockFacts,
  ChunkCodec,
  ChunkColumnNeeds,
  ChunkFinding,
  ChunkHeader,
  ChunkMetadataColumn,
  ChunkRef,
  ChunkRows,
  ChunkRowSlice,
  ChunkRowWindow,
  LokiChunk,
} from "./chunk.ts";
export {
  type ChunkKeyForm,
  chunkKeyFormOf,
  formatChunkKey,
  type KeyMapping,
  type KeyMappingOptions,
  keyMapping,
  parseChunkKey,
} from "./chunk-key.ts";
export { blockWindows, decodeChunkBlock, decodeChunkBlockAsync } from "./decode-block.ts";
export { type InspectedChunk, inspectChunk, isLokiChunk } from "./inspect-chunk.ts";
export { crc32c } from "./checksum.ts";
export { openChunk } from "./open-chunk.ts";
export { batchOfRows } from "./rows-batch.ts";
export { type ExpectedChunk, verifyChunk } from "./verify-chunk.ts";
