import { packUints } from "#columns";
import { compareText } from "#model";
import { nextTurn } from "#world";
import { sortedInTurns } from "./sort-in-turns.ts";

/** Texts encoded between two turns of the event loop. */
const textsPerTurn = 16_384;

/** Every text of a footer once, numbered in order of its bytes. */
export class SymbolNumbers {
  /** By text: the order of first use, from `number` on the symbol. */
  readonly #numbers = new Map<string, number>();
  #texts: string[] = [];
  /** Symbols by order of first use. */
  #finals: Uint32Array = new Uint32Array(0);

  constructor() {
    this.add("");
  }

  get count(): number {
    return this.#texts.length;
  }

  /** The number by first use. */
  add(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.length;
      this.#numbers.set(text, number);
      this.#texts.push(text);
    }
    return number;
  }

  /** Once all texts are added. */
  async number(): Promise<void> {
    const texts = this.#texts;
    const order = await sortedInTurns(texts, compareText);
    this.#finals = new Uint32Array(texts.length);
    for (let symbol = 0; symbol < order.length; symbol++) this.#finals[order[symbol]!] = symbol;
    this.#texts = Array.from(order, (index) => texts[index]!);
  }

  /** Turns numbers by first use into symbols, in place. */
  renumber(numbers: Uint32Array): void {
    const finals = this.#finals;
    for (let i = 0; i < numbers.length; i++) numbers[i] = finals[numbers[i]!]!;
  }

  of(text: string): number {
    return this.#finals[this.#numbers.get(text)!]!;
  }

  /** The symbols section. */
  async encode(): Promise<Buffer> {
    const lengths = new Uint32Array(this.#texts.length);
    const parts: Buffer[] = [];
    for (let from = 0; from < lengths.length; from += textsPerTurn) {
      const some = this.#texts.slice(from, from + textsPerTurn);
      // Each on its own: joined, halves of a surrogate pair would become one character.
      const encoded = some.map((text) => Buffer.from(text));
      for (const [i, bytes] of encoded.entries()) lengths[from + i] = bytes.length;
      parts.push(Buffer.concat(encoded));
      if (from > 0) await nextTurn();
    }
    return Buffer.concat([packUints(lengths), ...parts]);
  }
}
