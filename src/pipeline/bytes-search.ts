/**
 * Position of `needle` in bytes [from, to) of `buffer`, or -1. For single lines; whole blocks are
 * left to Buffer.indexOf.
 */
export function findBytes(buffer: Buffer, from: number, to: number, needle: Buffer): number {
  const length = needle.length;
  if (length === 0) return from;
  const first = needle[0];
  const last = to - length;
  for (let at = from; at <= last; at++) {
    if (buffer[at] !== first) continue;
    let i = 1;
    while (i < length && buffer[at + i] === needle[i]) i++;
    if (i === length) return at;
  }
  return -1;
}

/** Are the bytes [from, to) of `buffer` these? */
export function hasBytes(buffer: Buffer, from: number, to: number, bytes: Buffer): boolean {
  const length = to - from;
  if (length !== bytes.length) return false;
  for (let i = 0; i < length; i++) if (buffer[from + i] !== bytes[i]) return false;
  return true;
}
