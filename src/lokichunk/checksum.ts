import { crc32c as crc32cNative } from "@node-rs/crc32";

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), unsigned: the checksum of everything in chunks and index. */
export function crc32c(bytes: Uint8Array): number {
  return crc32cNative(bytes);
}
