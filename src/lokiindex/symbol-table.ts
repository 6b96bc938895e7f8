import { type ByteCursor, corrupt } from "./byte-cursor.ts";
import { compareBytes } from "./compare-bytes.ts";

/**
 * Characters of texts kept decoded. Names and frequent values repeat in every series; the rest
 * comes once.
 */
const decodedCharactersMax = 262_144;

/** What a string costs beside its characters. */
const textOverhead = 40;

/**
 * All label names and values of a file, sorted by bytes; a symbol's number is its position. Only
 * where each starts is held (4 bytes a symbol), the texts stay in the file.
 */
export class SymbolTable {
  readonly count: number;
  readonly #bytes: Buffer;
  readonly #key: string;
  readonly #base: number;
  /** Of symbol i: where its length stands, relative to `#base`. One more: the end. */
  readonly #starts: Uint32Array;
  readonly #decoded = new Map<number, string>();
  #decodedCharacters = 0;

  /** `content` is the verified section. Symbols out of order or twice are damage. */
  constructor(content: ByteCursor) {
    this.#bytes = content.bytes;
    this.#key = content.key;
    const count = content.u32("number of symbols");
    // Each takes a byte at least, so the file's size bounds what is allocated.
    if (count > content.left) {
      throw corrupt(content.key, {
        at: content.at - 4,
        expected: `at most ${content.left} symbols`,
        actual: count,
      });
    }
    this.count = count;
    this.#base = content.at;
    this.#starts = new Uint32Array(count + 1);
    let previousFrom = -1;
    let previousTo = -1;
    for (let i = 0; i < count; i++) {
      const at = content.at;
      this.#starts[i] = at - this.#base;
      const from = content.skipText("symbol");
      const span = { aFrom: previousFrom, aTo: previousTo, bFrom: from, bTo: content.at };
      if (i > 0 && compareBytes(content.bytes, span) >= 0) {
        throw corrupt(content.key, { at, expected: "sorted symbols", actual: "a smaller one" });
      }
      previousFrom = from;
      previousTo = content.at;
    }
    this.#starts[count] = content.at - this.#base;
    if (content.left > 0) {
      throw corrupt(content.key, {
        at: content.at,
        expected: "the end of the symbols",
        actual: `${content.left} bytes more`,
      });
    }
  }

  /** Of the starts, and of the texts that may come to be kept, two bytes a character. */
  get heldBytes(): number {
    const textBytes = this.#starts[this.count]! + this.count * textOverhead;
    return this.#starts.byteLength + 2 * Math.min(textBytes, decodedCharactersMax);
  }

  /** `at` is where the number was read, for the message. */
  text(symbol: number, at: number): string {
    const known = this.#decoded.get(symbol);
    if (known !== undefined) return known;
    if (symbol >= this.count) {
      throw corrupt(this.#key, {
        at,
        expected: `a symbol below ${this.count}`,
        actual: symbol,
      });
    }
    let start = this.#base + this.#starts[symbol]!;
    while (this.#bytes[start]! >= 0x80) start++;
    const end = this.#base + this.#starts[symbol + 1]!;
    const text = this.#bytes.toString("utf8", start + 1, end);
    this.#remember(symbol, text);
    return text;
  }

  #remember(symbol: number, text: string): void {
    const cost = text.length + textOverhead;
    if (cost > decodedCharactersMax) return;
    if (this.#decodedCharacters + cost > decodedCharactersMax) {
      this.#decoded.clear();
      this.#decodedCharacters = 0;
    }
    this.#decoded.set(symbol, text);
    this.#decodedCharacters += cost;
  }

  /** The number of a text, or -1. */
  find(text: string): number {
    const wanted = Buffer.from(text);
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      let start = this.#base + this.#starts[middle]!;
      while (this.#bytes[start]! >= 0x80) start++;
      const end = this.#base + this.#starts[middle + 1]!;
      const order = this.#bytes.compare(wanted, 0, wanted.length, start + 1, end);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
