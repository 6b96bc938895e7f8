import { crc32c as nativeCrc32c } from "@node-rs/crc32";

/** A call into the library costs more than walking this many bytes here. */
const ownBytesMax = 96;

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), reflected. */
const polynomial = 0x82f63b78;

const table: Int32Array = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) {
    value = (value & 1) === 1 ? (value >>> 1) ^ polynomial : value >>> 1;
  }
  table[byte] = value;
}

/** CRC-32C of `bytes[from, to)`, unsigned. Index files have millions of short records. */
export function checksumOf(bytes: Buffer, from: number, to: number): number {
  if (to - from > ownBytesMax) return nativeCrc32c(bytes.subarray(from, to));
  let crc = -1;
  for (let at = from; at < to; at++) crc = table[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
