/** Lines of a block → what its skip filters hold. Scratch memory is reused by the next block. */
import { sameBytes } from "#columns";
import {
  foldedBytes,
  gramBytes,
  gramKey,
  gramKeyBits,
  gramRank,
  gramWindow,
  isWordByte,
  longWordBytes,
  newlineSymbol,
  symbolOfByte,
  trigramBits,
} from "./skip-alphabet.ts";
import { packTrigrams } from "./trigram-set.ts";

/** Keys that a word of `#usedKeys` stands for. */
const keysPerGroup: number = 32 * 32;

/** Slots for words seen a moment ago: log lines say the same few hundred words over and over. */
const wordSlotBits = 12;

const noKeys = new Uint32Array(0);

export class SkipScanner {
  /** A byte per trigram: a plain store is twice as fast as setting a bit. */
  readonly #trigrams = new Uint8Array(2 ** trigramBits);
  readonly #keys = new Uint32Array(2 ** (gramKeyBits - 5));
  /** A bit per word of #keys that is not zero. */
  readonly #usedKeys = new Uint32Array(2 ** (gramKeyBits - 10));
  readonly #seenFrom = new Uint32Array(2 ** wordSlotBits);
  readonly #seenLength = new Uint32Array(2 ** wordSlotBits);
  readonly #ranks = new Uint32Array(gramWindow);
  /** Keys on their way out. */
  #taken: Uint32Array = noKeys;

  /**
   * Trigrams of the lines as a bit set in bytes: bit t % 8 of byte t / 8. The caller may keep it.
   */
  trigrams(lines: Uint8Array): Buffer {
    this.#trigrams.fill(0);
    markTrigrams(lines, this.#trigrams);
    clearNewlines(this.#trigrams);
    return packTrigrams(this.#trigrams);
  }

  /** Keys of the grams of all long words: ascending, distinct. */
  gramKeys(lines: Uint8Array): Uint32Array {
    this.#seenLength.fill(0);
    let from = 0;
    while (from < lines.length) from = this.#addWords(lines, from, from + bytesPerCall);
    return this.#takeKeys();
  }

  /** Grams of the long words that begin in [from, until); returns where to go on. */
  #addWords(lines: Uint8Array, from: number, until: number): number {
    let start = from;
    while (start < until) {
      const last = start + longWordBytes - 1;
      if (last >= lines.length) return lines.length;
      // From the back: a byte of no word rules out every long word that would start before it.
      let at = last;
      while (at >= start && isWordByte[lines[at]!] === 1) at--;
      if (at >= start) {
        start = at + 1;
        continue;
      }
      const to = endOfWord(lines, last + 1);
      if (!this.#wasSeen(lines, start, to)) this.#addWord(lines, start, to);
      start = to + 1;
    }
    return start;
  }

  #wasSeen(lines: Uint8Array, from: number, to: number): boolean {
    const length = to - from;
    // Ends and middle tell most words apart; the comparison below is what counts.
    const head = lines[from]! | (lines[from + 1]! << 8) | (lines[from + 2]! << 16);
    const tail = lines[to - 1]! | (lines[to - 2]! << 8) | (lines[to - 3]! << 16);
    const middle = lines[from + (length >>> 1)]! | (lines[from + 4]! << 8) | (lines[to - 5]! << 16);
    let hash = Math.imul(head ^ (length << 24), 0x9e3779b1) ^ Math.imul(tail, 0x85ebca6b);
    hash = Math.imul(hash ^ middle, 0x2c1b3c6d);
    const slot = hash >>> (32 - wordSlotBits);
    const seenFrom = this.#seenFrom[slot]!;
    const isSame =
      this.#seenLength[slot] === length && sameBytes(lines, seenFrom, lines, from, length);
    this.#seenFrom[slot] = from;
    this.#seenLength[slot] = length;
    return isSame;
  }

  #addWord(lines: Uint8Array, from: number, to: number): void {
    const ranks = this.#ranks;
    let low = 0;
    for (let i = from; i < from + gramBytes - 1; i++) low = (low << 8) | foldedBytes[lines[i]!]!;
    let first = foldedBytes[lines[from]!]!;
    let best = 0xffffffff;
    let bestAge = gramWindow;
    let slot = 0;
    for (let i = from + gramBytes - 1, seen = 1; i < to; i++, seen++) {
      low = (low << 8) | foldedBytes[lines[i]!]!;
      const rank = gramRank(first, low);
      first = foldedBytes[lines[i - gramBytes + 2]!]!;
      ranks[slot] = rank;
      slot = slot + 1 === gramWindow ? 0 : slot + 1;
      bestAge++;
      if (rank < best) {
        best = rank;
        bestAge = 0;
        if (seen >= gramWindow) this.#addKey(best);
      } else if (seen === gramWindow) {
        this.#addKey(best);
      } else if (bestAge >= gramWindow && seen > gramWindow) {
        best = 0xffffffff;
        // From the oldest on, so that of equal ranks the youngest stays longest.
        for (let j = 0, k = slot; j < gramWindow; j++, k = k + 1 === gramWindow ? 0 : k + 1) {
          if (ranks[k]! <= best) {
            best = ranks[k]!;
            bestAge = gramWindow - 1 - j;
          }
        }
        this.#addKey(best);
      }
    }
  }

  #addKey(rank: number): void {
    const key = gramKey(rank);
    const word = key >>> 5;
    this.#keys[word]! |= 1 << (key & 31);
    this.#usedKeys[word >>> 5]! |= 1 << (word & 31);
  }

  /** Empties the set. */
  #takeKeys(): Uint32Array {
    this.#taken = new Uint32Array(4096);
    const count = this.#takeGroups();
    const keys = this.#taken.slice(0, count);
    this.#taken = noKeys;
    return keys;
  }

  #takeGroups(): number {
    let count = 0;
    for (let i = 0; i < this.#usedKeys.length; i++) {
      if (this.#usedKeys[i] === 0) continue;
      if (count + keysPerGroup > this.#taken.length) this.#taken = grown(this.#taken);
      count = this.#takeGroup(i, this.#taken, count);
    }
    return count;
  }

  /** The keys of one word of #usedKeys, into `out` from `count` on. */
  #takeGroup(group: number, out: Uint32Array, count: number): number {
    let taken = count;
    for (let used = this.#usedKeys[group]!; used !== 0; used &= used - 1) {
      const word = group * 32 + 31 - Math.clz32(used & -used);
      taken = unpackWord(this.#keys[word]!, word * 32, out, taken);
      this.#keys[word] = 0;
    }
    this.#usedKeys[group] = 0;
    return taken;
  }
}

function grown(values: Uint32Array): Uint32Array {
  const out = new Uint32Array(values.length * 2);
  out.set(values);
  return out;
}

function endOfWord(lines: Uint8Array, from: number): number {
  let to = from;
  while (to < lines.length && isWordByte[lines[to]!] === 1) to++;
  return to;
}

/** Numbers of the bits that are set, ascending. */
function unpackWord(word: number, base: number, out: Uint32Array, from: number): number {
  let at = from;
  for (let rest = word; rest !== 0; rest &= rest - 1) {
    out[at++] = base + 31 - Math.clz32(rest & -rest);
  }
  return at;
}

/**
 * Both symbols of two neighbouring bytes, by the number they make (the first one low, as the
 * machines read it that Node runs on).
 */
const symbolsOfBytes: Uint16Array = Uint16Array.from(
  { length: 65_536 },
  (_, two) => (symbolOfByte[two & 0xff]! << 6) | symbolOfByte[two >>> 8]!,
);

/** Between two calls: a function that is called often is compiled as a whole, and once. */
const bytesPerCall = 4_096;
const pairsPerCall: number = bytesPerCall / 2;

const trigramMask: number = 2 ** trigramBits - 1;

/** Marks with a newline are cleared afterwards. */
function markTrigrams(lines: Uint8Array, marks: Uint8Array): void {
  // Newlines before the first byte.
  let before = (newlineSymbol << 6) | newlineSymbol;
  const head = lines.byteOffset % 2;
  before = markBytes(lines, 0, Math.min(head, lines.length), { marks, before });
  const count = Math.max(0, lines.length - head) >>> 2;
  const pairs = new Uint16Array(lines.buffer, lines.byteOffset + head, count * 2);
  for (let from = 0; from < pairs.length; from += pairsPerCall) {
    const to = Math.min(from + pairsPerCall, pairs.length);
    before = markPairs(pairs, from, to, { marks, before });
  }
  markBytes(lines, Math.min(head, lines.length) + count * 4, lines.length, { marks, before });
}

interface Marking {
  readonly marks: Uint8Array;
  /** The two symbols before. */
  readonly before: number;
}

/** Hot, hence two bytes at a time, which takes half the time of one. [from, to) is an even number. */
function markPairs(pairs: Uint16Array, from: number, to: number, marking: Marking): number {
  const { marks } = marking;
  let { before } = marking;
  for (let i = from; i < to; i += 2) {
    const a = symbolsOfBytes[pairs[i]!]!;
    const b = symbolsOfBytes[pairs[i + 1]!]!;
    marks[(before << 6) | (a >>> 6)] = 1;
    marks[((before << 12) & trigramMask) | a] = 1;
    marks[(a << 6) | (b >>> 6)] = 1;
    marks[((a << 12) & trigramMask) | b] = 1;
    before = b;
  }
  return before;
}

function markBytes(lines: Uint8Array, from: number, to: number, marking: Marking): number {
  let { before } = marking;
  for (let at = from; at < to; at++) {
    const symbol = symbolOfByte[lines[at]!]!;
    marking.marks[(before << 6) | symbol] = 1;
    before = ((before << 6) | symbol) & 0xfff;
  }
  return before;
}

function clearNewlines(marks: Uint8Array): void {
  const n = newlineSymbol;
  marks.fill(0, n << 12);
  for (let a = 0; a < n; a++) {
    marks.fill(0, (a << 12) | (n << 6), (a + 1) << 12);
    for (let b = 0; b < n; b++) marks[(a << 12) | (b << 6) | n] = 0;
  }
}
