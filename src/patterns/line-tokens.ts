/**
 * A line cut into words and what stands between them. Separators are part of a line's shape: two
 * lines have a template in common only if their separators agree, so that a template, read as a
 * LogQL pattern, matches every line it was counted for.
 */

/** Words beyond this many are one variable: the start of a line says what it is about. */
export const wordsMax = 64;
/** What follows after so many bytes is one variable, too. */
export const lineBytesMax = 2048;
/** Longer words are ids, tokens or data, not language. */
const wordBytesMax = 64;

const isSeparator = 1;
const isDigit = 2;
/** `<` would be read as the start of a variable when the template is used as a pattern. */
const forcesVariable = 4;
/** Neither letter, digit, `_`, `-` nor `.`: not a key of `key=value`. */
const notInKeys = 8;

const classes: Uint8Array = byteClasses();
const colon = 0x3a;
const quote = 0x22;
const equals = 0x3d;

const hashSeed = 0x811c9dc5;
const hashPrime = 0x01000193;

function byteClasses(): Uint8Array {
  const table = new Uint8Array(256).fill(notInKeys);
  for (const char of " \t\n\r\v\f\"'`=,;()[]{}|") table[char.charCodeAt(0)] = isSeparator;
  // Apostrophes stand in words.
  table["'".charCodeAt(0)] = notInKeys;
  for (const char of "0123456789") table[char.charCodeAt(0)] = isDigit;
  for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.") {
    table[char.charCodeAt(0)] = 0;
  }
  table["<".charCodeAt(0)] = forcesVariable;
  return table;
}

/** The words of the line read last. One object, reused; offsets count from the start of the line. */
export class LineTokens {
  count = 0;
  /** Hash of separators, keys and number of words. */
  shape = 0;
  /** Words that are neither variable nor keys. */
  constantCount = 0;
  /** Where the rest that is one variable starts; -1 when all of the line was cut into words. */
  tailFrom: number = -1;
  /** No byte of a word is above 0x7f. */
  isAscii = true;
  /** End of what was looked at. */
  length = 0;
  readonly froms: Uint16Array = new Uint16Array(wordsMax);
  readonly tos: Uint16Array = new Uint16Array(wordsMax);
  /** Hash of word i, 0 when it is variable. */
  readonly hashes: Uint32Array = new Uint32Array(wordsMax);
  /** 1 for keys, which are part of the shape. */
  readonly keys: Uint8Array = new Uint8Array(wordsMax);

  /** Reads bytes [from, to). */
  read(bytes: Uint8Array, from: number, to: number): void {
    const end = Math.min(to, from + lineBytesMax);
    this.count = 0;
    this.constantCount = 0;
    this.tailFrom = -1;
    this.isAscii = true;
    this.length = end - from;
    let shape = hashSeed;
    let at = from;
    for (;;) {
      while (at < end && (classes[bytes[at]!] === isSeparator || bytes[at] === colon)) {
        shape = Math.imul(shape ^ bytes[at]!, hashPrime);
        at++;
      }
      if (at === end) {
        if (end < to) this.tailFrom = at - from;
        break;
      }
      const wordTo = this.count === wordsMax ? to : wordEnd(bytes, at, end);
      // A word that the end of the look cuts may go on behind it.
      if (this.count === wordsMax || (wordTo === end && end < to)) {
        this.tailFrom = at - from;
        break;
      }
      const isKey = isKeyEnd(bytes, wordTo, end);
      const keyHash = this.#addWord(bytes, from, at, wordTo, isKey);
      shape = Math.imul(shape ^ 0xff, hashPrime) ^ keyHash;
      at = wordTo;
    }
    shape = Math.imul(shape ^ this.count, hashPrime);
    this.shape = this.tailFrom < 0 ? shape : ~shape;
  }

  /**
   * The word bytes[from, to) of the line at `start`; `isBeforeValue`: what follows keys follows it.
   * Returns the word's hash when it is a key, else 0. Called per word: an object would cost more
   * than the positionals.
   */
  #addWord(
    bytes: Uint8Array,
    start: number,
    from: number,
    to: number,
    isBeforeValue: boolean,
  ): number {
    let hash = hashSeed;
    let seen = 0;
    let bits = 0;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      bits |= byte;
      seen |= classes[byte]!;
      hash = Math.imul(hash ^ byte, hashPrime);
    }
    if (bits > 0x7f) this.isAscii = false;
    const i = this.count++;
    this.froms[i] = from - start;
    this.tos[i] = to - start;
    const isKey = isBeforeValue && (seen & (notInKeys | forcesVariable)) === 0;
    const mayVary = (seen & forcesVariable) !== 0 || to - from > wordBytesMax;
    const isVariable = mayVary || ((seen & isDigit) !== 0 && !isKey);
    // Keys with digits in them may be ids: they stay words as others.
    const isFixedKey = isKey && !isVariable && (seen & isDigit) === 0;
    this.keys[i] = isFixedKey ? 1 : 0;
    this.hashes[i] = isVariable ? 0 : hash === 0 ? 1 : hash;
    if (!isVariable && !isFixedKey) this.constantCount++;
    return isFixedKey ? hash : 0;
  }
}

/** A colon ends a word only before a space or an opening of something: `at: x`, not `10:15`. */
function wordEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at]!;
    if (classes[byte] === isSeparator) break;
    if (byte === colon && at + 1 < end && classes[bytes[at + 1]!] === isSeparator) break;
    at++;
  }
  return at;
}

/** `key=` or `"key":`. */
function isKeyEnd(bytes: Uint8Array, to: number, end: number): boolean {
  if (to + 1 >= end) return false;
  return bytes[to] === equals || (bytes[to] === quote && bytes[to + 1] === colon);
}
