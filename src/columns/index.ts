/** Vectors over typed arrays and bytes, and kernels on them. */
export { ByteStrings } from "./byte-strings.ts";
export { hashBytes, sameBytes } from "./hash-bytes.ts";
export {
  type PackedUints,
  packedUintsWidthMax,
  packUints,
  startsOf,
  sumDifferences,
  unpackNumbers,
  unpackNumbersInto,
  unpackUint32s,
  writeVarint,
} from "./packed-uints.ts";
export { packSparseSet, SparseSet, sparseSetBytes, sparseSetUniverseMax } from "./sparse-set.ts";
export { stableOrder } from "./stable-order.ts";
