/**
 * Strings by their bytes. Go's strings are bytes and templates can cut them inside a character;
 * such a byte is kept as the lone surrogate U+DC00 + byte, so that joining the halves restores the
 * character. `finishText` replaces what is left by U+FFFD.
 */

import { Buffer, isUtf8 } from "node:buffer";

const asciiOnly = /^[\0-\x7f]*$/;

export function isAscii(text: string): boolean {
  return asciiOnly.test(text);
}

export function byteLength(text: string): number {
  if (isAscii(text)) return text.length;
  return text.isWellFormed() ? Buffer.byteLength(text) : toBytes(text).length;
}

export function toBytes(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const bytes: number[] = [];
  for (const rune of text) {
    const code = rune.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code & 0xff);
    else bytes.push(...Buffer.from(rune));
  }
  return Buffer.from(bytes);
}

/** Length of the UTF-8 sequence that starts at `from`, 0 when there is none. */
function sequenceLength(bytes: Buffer, from: number): number {
  const first = bytes[from] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return isUtf8(bytes.subarray(from, from + length)) ? length : 0;
}

export function fromBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let from = 0; from < bytes.length; ) {
    const length = sequenceLength(bytes, from);
    if (length === 0) text += String.fromCharCode(0xdc00 + (bytes[from] ?? 0));
    else text += bytes.toString("utf8", from, from + length);
    from += Math.max(length, 1);
  }
  return text;
}

export function sliceBytes(text: string, from: number, to: number): string {
  return isAscii(text) ? text.slice(from, to) : fromBytes(toBytes(text).subarray(from, to));
}

/** The text without half characters: whole ones are restored, other stray bytes are U+FFFD. */
export function finishText(text: string): string {
  return text.isWellFormed() ? text : fromBytes(toBytes(text)).toWellFormed();
}

/** Go's order of strings, by bytes. */
export function compareStrings(left: string, right: string): number {
  if (left === right) return 0;
  if (isAscii(left) && isAscii(right)) return left < right ? -1 : 1;
  return Buffer.compare(toBytes(left), toBytes(right));
}
