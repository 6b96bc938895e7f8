/** Bytes [from, to) as text; broken UTF-8 becomes U+FFFD. */
export function utf8Text(buffer: Buffer, from = 0, to: number = buffer.length): string {
  return buffer.toString("utf8", from, to);
}

/** Bytes [from, to), each a character; the text itself when all are ASCII. */
export function latin1Text(buffer: Buffer, from: number, to: number): string {
  return buffer.toString("latin1", from, to);
}
