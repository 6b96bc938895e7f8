/**
 * Scanning JSON text byte by byte, without checking more than is read. All take [at, end) of
 * `buffer` and return a position, or -1 when the text ends first. What counts as broken follows the
 * reference, which reads JSON the same loose way: a number is whatever starts like one and ends at
 * a delimiter.
 */
const quote = 0x22;
const backslash = 0x5c;

/** First byte that is not white space, or `end`. */
export function skipSpace(buffer: Buffer, at: number, end: number): number {
  let i = at;
  while (i < end) {
    const byte = buffer[i]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    i++;
  }
  return i;
}

/**
 * The closing quote of a string whose first character is at `at`. When there are escapes inside,
 * the bitwise complement of its position, which is below -1.
 */
export function stringEnd(buffer: Buffer, at: number, end: number): number {
  let hasEscapes = false;
  for (let i = at; i < end; i++) {
    const byte = buffer[i]!;
    if (byte === quote) return hasEscapes ? ~i : i;
    if (byte === backslash) {
      hasEscapes = true;
      i++;
    }
  }
  return -1;
}

/** Just behind the bracket that closes the one at `at`. */
export function blockEnd(buffer: Buffer, at: number, end: number): number {
  const open = buffer[at]!;
  const close = open + 2;
  let depth = 0;
  for (let i = at; i < end; i++) {
    const byte = buffer[i]!;
    if (byte === quote) {
      const closing = stringEnd(buffer, i + 1, end);
      if (closing === -1) return -1;
      i = closing < 0 ? ~closing : closing;
    } else if (byte === open) depth++;
    else if (byte === close && --depth === 0) return i + 1;
  }
  return -1;
}

/** Where a number or word ends; `end` at the latest. */
export function tokenEnd(buffer: Buffer, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    const byte = buffer[i]!;
    const isDelimiter = byte === 0x2c || byte === 0x7d || byte === 0x5d;
    const isSpace = byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    if (isDelimiter || isSpace) return i;
  }
  return end;
}

export type TokenType = "number" | "boolean" | "null" | "unknown";

/** What the bytes [from, to) are, going by the first one. */
export function tokenType(buffer: Buffer, from: number, to: number): TokenType {
  const first = buffer[from]!;
  if ((first >= 0x30 && first <= 0x39) || first === 0x2d) return "number";
  if (first === 0x74 && hasText(buffer, from, to, "true")) return "boolean";
  if (first === 0x66 && hasText(buffer, from, to, "false")) return "boolean";
  if (first === 0x6e && hasText(buffer, from, to, "null")) return "null";
  return "unknown";
}

function hasText(buffer: Buffer, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (buffer[from + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** What is wrong with a line, in the words users of the reference know. */
export const jsonProblems = {
  syntax: "Malformed JSON error",
  string: `Value is string, but can't find closing '"' symbol`,
  array: "Value is array, but can't find closing ']' symbol",
  object: "Value looks like object, but can't find closing '}' symbol",
  type: "Unknown value type",
  escape: "Encountered an invalid escape sequence in a string",
} as const;
