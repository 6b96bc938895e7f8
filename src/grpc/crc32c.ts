/** Bytes to 32-bit words of CRC-32C (Castagnoli, RFC 3720 appendix B.4), reflected. */
const polynomial = 0x82f63b78;

const table: Int32Array = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++)
    value = (value & 1) === 1 ? (value >>> 1) ^ polynomial : value >>> 1;
  table[byte] = value;
}

/** Unsigned. node:zlib has only the other CRC-32. */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) crc = table[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
