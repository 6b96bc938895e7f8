import { latin1Text } from "./bytes-text.ts";

/** Values that come over and over (levels, methods, codes) are short. */
const lengthMax = 24;
const slotBits = 9;

/** Texts made last, by hash of their bytes. */
const slots: string[] = Array.from({ length: 2 ** slotBits }, () => "");

/**
 * ASCII bytes [from, to) as text: the same string as last time, if it was made a moment ago, which
 * spares making it, and hashing it when it is looked up.
 */
export function asciiText(buffer: Buffer, from: number, to: number): string {
  const length = to - from;
  if (length > lengthMax) return latin1Text(buffer, from, to);
  let hash = length;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ buffer[at]!, 0x01000193);
  const slot = (hash ^ (hash >>> 15)) & (slots.length - 1);
  const known = slots[slot]!;
  if (known.length === length && isText(known, buffer, from)) return known;
  const text = latin1Text(buffer, from, to);
  slots[slot] = text;
  return text;
}

function isText(text: string, buffer: Buffer, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== buffer[from + i]) return false;
  return true;
}
