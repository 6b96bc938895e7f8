/**
 * Reading packed metadata sets (see EntryBatch) in place; the bytes are our own, so they are not
 * checked.
 */
/** Where the number that begins at `from` ends. */
export function behindVarint(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}

export function varintAt(bytes: Buffer, from: number): number {
  let value = 0;
  let shift = 0;
  for (let at = from; ; at++, shift += 7) {
    const byte = bytes[at]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}
