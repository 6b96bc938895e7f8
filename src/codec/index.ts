/** Bytes of the wire: compression with bounds, protobuf and JSON read in place. */
export {
  compressSnappyBlock,
  type DecompressLimits,
  decompressBody,
  checkedSnappyLength,
  decompressSnappyBlock,
  snappyBlockLength,
} from "./decompress.ts";
export { JsonReader } from "./json-reader.ts";
export { ProtoReader, WireType } from "./proto-reader.ts";
export { ProtoWriter } from "./proto-writer.ts";
