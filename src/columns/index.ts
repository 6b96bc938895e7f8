/** Vectors over typed arrays and bytes, and kernels on them. */
export { ByteStrings } from "./byte-strings.ts";
