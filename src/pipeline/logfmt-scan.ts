import { unescapeLogfmt } from "./value-text.ts";
import { utf8Text } from "./bytes-text.ts";

const quote = 0x22;
const equals = 0x3d;
const backslash = 0x5c;

/**
 * Walks over the pairs of a logfmt line. White space is every byte up to and including space. A
 * pair that is not valid sets `problem` and `problemAt` and gives no key; the walk goes on behind
 * it.
 */
export class LogfmtPairs {
  buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #lineFrom = 0;
  keyFrom = 0;
  keyTo = 0;
  valueFrom = 0;
  valueTo = 0;
  isValueEscaped = false;
  isKeyAscii = true;
  /** Words for what is wrong with the pair, or "". */
  problem = "";

  start(buffer: Buffer, from: number, to: number): void {
    this.buffer = buffer;
    this.#at = from;
    this.#end = to;
    this.#lineFrom = from;
  }

  /** Steps to the next pair; false at the end of the line. */
  next(): boolean {
    const { buffer } = this;
    const end = this.#end;
    let at = this.#at;
    while (at < end && buffer[at]! <= 0x20) at++;
    if (at >= end) return false;
    this.problem = "";
    this.isValueEscaped = false;
    this.keyFrom = at;
    let all = 0;
    let byte = 0;
    for (; at < end; at++) {
      byte = buffer[at]!;
      if (byte <= 0x20 || byte === equals || byte === quote) break;
      all |= byte;
    }
    this.keyTo = at;
    this.isKeyAscii = all < 0x80;
    this.valueFrom = at;
    this.valueTo = at;
    this.#at = at;
    if (at >= end || byte <= 0x20) return true;
    if (byte === quote || at === this.keyFrom) return this.#bad(at, unexpected(byte));
    return this.#value(at + 1);
  }

  #value(from: number): boolean {
    const { buffer } = this;
    const end = this.#end;
    this.valueFrom = from;
    if (from < end && buffer[from] === quote) return this.#quoted(from + 1);
    let at = from;
    for (; at < end; at++) {
      const byte = buffer[at]!;
      if (byte <= 0x20) break;
      if (byte === equals || byte === quote) return this.#bad(at, unexpected(byte));
    }
    this.valueTo = at;
    this.#at = at;
    return true;
  }

  #quoted(from: number): boolean {
    const { buffer } = this;
    const end = this.#end;
    this.valueFrom = from;
    for (let at = from; at < end; at++) {
      const byte = buffer[at]!;
      if (byte === backslash) {
        this.isValueEscaped = true;
        at++;
      } else if (byte === quote) {
        this.valueTo = at;
        this.#at = at + 1;
        return this.isValueEscaped ? this.#checkEscapes() : true;
      }
    }
    this.#at = end;
    return this.#bad(end, "unterminated quoted value");
  }

  #checkEscapes(): boolean {
    const inside = utf8Text(this.buffer, this.valueFrom, this.valueTo);
    if (unescapeLogfmt(inside) !== undefined) return true;
    return this.#bad(this.#at, "invalid quoted value");
  }

  /** The rest of the malformed pair, up to white space, is skipped. */
  #bad(at: number, words: string): boolean {
    this.problem = `logfmt syntax error at pos ${at - this.#lineFrom + 1} : ${words}`;
    let behind = at;
    while (behind < this.#end && this.buffer[behind]! > 0x20) behind++;
    this.#at = behind;
    return true;
  }

  /** The key is not UTF-8 text. */
  rejectKey(): void {
    this.#bad(this.keyTo, "invalid key");
  }
}

function unexpected(byte: number): string {
  return `unexpected ${byte === quote ? `'"'` : "'='"}`;
}
