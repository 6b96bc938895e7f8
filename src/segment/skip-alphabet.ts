/**
 * What skip filters see of a line: bytes with ASCII letters in lower case, so that one filter
 * serves exact and case-insensitive searches. Part of the format (docs/formats/segment.md): writer
 * and prober share every line of it.
 */

/** Letters in lower case, all else as it is. */
export const foldedBytes: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte,
);

/** Symbol of the newline alone: trigrams with it are neither stored nor asked for. */
export const newlineSymbol = 63;

/** Trigrams of 6-bit symbols. */
export const trigramBits = 18;

/**
 * A symbol below 64 for each byte. Letters, digits and the 26 characters that logs are full of have
 * one each (space first); all other bytes share symbols by their low bits.
 */
export const symbolOfByte: Uint8Array = makeSymbols();

function makeSymbols(): Uint8Array {
  const symbols = Uint8Array.from({ length: 256 }, (_, byte) => byte % newlineSymbol);
  const own = "abcdefghijklmnopqrstuvwxyz0123456789 \"':,.-_/=[](){};+*#%&<>|@";
  for (let i = 0; i < own.length; i++) symbols[own.charCodeAt(i)] = i;
  for (let byte = 0x41; byte <= 0x5a; byte++) symbols[byte] = symbols[byte + 32]!;
  symbols[10] = newlineSymbol;
  return symbols;
}

/** Bytes of words: letters, digits, `_`, `-`, `.` and everything beyond ASCII. */
export const isWordByte: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const isOther = byte === 0x5f || byte === 0x2d || byte === 0x2e;
  const lower = byte | 0x20;
  const isLetter = lower >= 0x61 && lower <= 0x7a;
  return Number(
    (isLetter && byte < 0x80) || (byte >= 0x30 && byte <= 0x39) || isOther || byte >= 0x80,
  );
});

/**
 * A word this long has at least one gram in the filter, and so has every part of a word this long.
 */
export const longWordBytes = 10;

/** Bytes of a gram. */
export const gramBytes = 5;

/**
 * Of so many neighbouring grams the one with the smallest rank is stored: longWordBytes - gramBytes
 * + 1.
 */
export const gramWindow = 6;

/**
 * A number by which grams compete (unsigned); `low` is the last four bytes, first in the highest
 * place.
 */
export function gramRank(first: number, low: number): number {
  let h = (Math.imul(low, 0x9e3779b1) + Math.imul(first, 0x85ebca6b)) | 0;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

/** 22 bits that stand for a gram: the smallest ranks alone would crowd in one corner of the set. */
export function gramKey(rank: number): number {
  return Math.imul(rank ^ (rank >>> 16), 0x297a2d39) >>> (32 - gramKeyBits);
}

export const gramKeyBits = 22;
