import { RequestError } from "#base";

const quote = 0x22;
const backslash = 0x5c;

/**
 * A cursor over JSON bytes. It makes no objects: the caller walks the structure it expects and
 * passes over the rest. Strings are unescaped in place, which always fits because every escape is
 * longer than what it stands for; so the bytes of a string that has been read are at [from, to) of
 * the same buffer, and THE BUFFER IS OVERWRITTEN. All that is malformed is a RequestError 400.
 */
export class JsonReader {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;
  /** Span of the string read last. */
  from = 0;
  to = 0;

  /**
   * Deeper nesting than this is refused; nothing real comes near, and it bounds what `skip` must
   * remember.
   */
  static readonly depthMax = 512;

  constructor(bytes: Buffer, from = 0, to: number = bytes.length) {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
  }

  /** Next byte that is not white space, not consumed; -1 at the end. */
  peek(): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end) {
      const byte = bytes[at]!;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
      at++;
    }
    this.at = at;
    return at < end ? bytes[at]! : -1;
  }

  fail(expected: string): never {
    const found =
      this.at < this.end ? JSON.stringify(String.fromCharCode(this.bytes[this.at]!)) : "the end";
    throw new RequestError(
      400,
      `invalid JSON: expected ${expected} but found ${found} at byte ${this.at}`,
    );
  }

  expect(byte: number): void {
    if (this.peek() !== byte) this.fail(JSON.stringify(String.fromCharCode(byte)));
    this.at++;
  }

  /** Consumes `null` when it is next. */
  tryNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.#literal("null");
    return true;
  }

  /**
   * For objects and lists: after the opening bracket call with `first`, then after every element.
   * True when another element follows; false when `close` was consumed.
   */
  more(close: number, first: boolean): boolean {
    const byte = this.peek();
    if (byte === close) {
      this.at++;
      return false;
    }
    if (first) return true;
    if (byte !== 0x2c) this.fail(`"," or ${JSON.stringify(String.fromCharCode(close))}`);
    this.at++;
    if (this.peek() === close) this.fail("an element");
    return true;
  }

  /** A key and its colon; the key's bytes are [from, to). */
  key(): void {
    this.string();
    this.expect(0x3a);
  }

  keyText(): string {
    this.key();
    return this.bytes.toString("utf8", this.from, this.to);
  }

  text(): string {
    this.string();
    return this.bytes.toString("utf8", this.from, this.to);
  }

  /** Reads a string; afterwards its bytes are [from, to). */
  string(): void {
    if (this.peek() !== quote) this.fail("a string");
    const { bytes, end } = this;
    let at = this.at + 1;
    this.from = at;
    let byte = 0;
    while (at < end) {
      byte = bytes[at]!;
      if (byte === quote || byte === backslash) break;
      at++;
    }
    if (at >= end) {
      this.at = end;
      this.fail("the end of a string");
    }
    if (byte === quote) {
      this.to = at;
      this.at = at + 1;
      return;
    }
    this.#unescape(at);
  }

  /** Goes on with a string from its first backslash, writing behind itself. */
  #unescape(first: number): void {
    const { bytes, end } = this;
    let at = first;
    let out = first;
    while (at < end) {
      const byte = bytes[at]!;
      if (byte === quote) {
        this.to = out;
        this.at = at + 1;
        return;
      }
      if (byte !== backslash) {
        bytes[out++] = byte;
        at++;
        continue;
      }
      const escape = at + 1 < end ? bytes[at + 1]! : 0;
      const plain = escape === 0x75 ? 0 : escapes[escape]!;
      if (plain !== 0) {
        bytes[out++] = plain;
        at += 2;
        continue;
      }
      this.at = at;
      if (escape !== 0x75) this.fail("a valid escape");
      const code = this.#codePoint(at);
      at = this.at;
      out += writeUtf8(bytes, out, code);
    }
    this.at = end;
    this.fail("the end of a string");
  }

  /**
   * `\uXXXX`, two of them for a surrogate pair; a lone surrogate becomes U+FFFD. Moves `at` behind
   * it.
   */
  #codePoint(at: number): number {
    const high = this.#hex(at + 2);
    this.at = at + 6;
    if (high < 0xd800 || high > 0xdfff) return high;
    if (high > 0xdbff || this.bytes[at + 6] !== backslash || this.bytes[at + 7] !== 0x75) {
      return 0xfffd;
    }
    const low = this.#hex(at + 8);
    if (low < 0xdc00 || low > 0xdfff) return 0xfffd;
    this.at = at + 12;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  }

  #hex(from: number): number {
    let value = 0;
    for (let i = from; i < from + 4; i++) {
      const digit = i < this.end ? hexDigits[this.bytes[i]!]! : -1;
      if (digit < 0) this.fail("four hexadecimal digits");
      value = value * 16 + digit;
    }
    return value;
  }

  #literal(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.at + i >= this.end || this.bytes[this.at + i] !== word.charCodeAt(i))
        this.fail(word);
    }
    this.at += word.length;
  }

  /** Consumes a number, `true`, `false` or `null` and returns its text. */
  scalar(): string {
    const byte = this.peek();
    if (byte === 0x74) return this.#word("true");
    if (byte === 0x66) return this.#word("false");
    if (byte === 0x6e) return this.#word("null");
    const from = this.at;
    while (this.at < this.end && isNumberByte(this.bytes[this.at]!)) this.at++;
    const text = this.bytes.toString("latin1", from, this.at);
    if (!/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) {
      this.at = from;
      this.fail("a value");
    }
    return text;
  }

  #word(word: string): string {
    this.#literal(word);
    return word;
  }

  /**
   * Passes over any value without changing the buffer; its bytes are then [from, to), quotes
   * included.
   */
  skip(): void {
    this.peek();
    const start = this.at;
    let depth = 0;
    do {
      const byte = this.peek();
      if (byte === quote) {
        this.#skipString();
      } else if (byte === 0x7b || byte === 0x5b) {
        if (++depth > JsonReader.depthMax) this.fail("less nesting");
        this.at++;
      } else if (byte === 0x7d || byte === 0x5d) {
        if (--depth < 0) this.fail("a value");
        this.at++;
      } else if ((byte === 0x2c || byte === 0x3a) && depth > 0) {
        this.at++;
      } else {
        this.scalar();
      }
    } while (depth > 0);
    this.from = start;
    this.to = this.at;
  }

  #skipString(): void {
    const { bytes, end } = this;
    let at = this.at + 1;
    while (at < end && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
    if (at >= end) {
      this.at = end;
      this.fail("the end of a string");
    }
    this.at = at + 1;
  }

  /** Is bytes[from, to) of the last string equal to this ASCII word? */
  is(word: string): boolean {
    if (this.to - this.from !== word.length) return false;
    for (let i = 0; i < word.length; i++) {
      if (this.bytes[this.from + i] !== word.charCodeAt(i)) return false;
    }
    return true;
  }
}

function isNumberByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x65 ||
    byte === 0x45
  );
}

const escapes = new Uint8Array(256);
for (const [escape, plain] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"]) {
  escapes[escape!.charCodeAt(0)] = plain!.charCodeAt(0);
}

const hexDigits = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  hexDigits[i.toString(16).charCodeAt(0)] = i;
  hexDigits[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

/** Returns how many bytes were written. */
function writeUtf8(bytes: Buffer, at: number, code: number): number {
  if (code < 0x80) {
    bytes[at] = code;
    return 1;
  }
  if (code < 0x800) {
    bytes[at] = 0xc0 | (code >> 6);
    bytes[at + 1] = 0x80 | (code & 0x3f);
    return 2;
  }
  if (code < 0x10000) {
    bytes[at] = 0xe0 | (code >> 12);
    bytes[at + 1] = 0x80 | ((code >> 6) & 0x3f);
    bytes[at + 2] = 0x80 | (code & 0x3f);
    return 3;
  }
  bytes[at] = 0xf0 | (code >> 18);
  bytes[at + 1] = 0x80 | ((code >> 12) & 0x3f);
  bytes[at + 2] = 0x80 | ((code >> 6) & 0x3f);
  bytes[at + 3] = 0x80 | (code & 0x3f);
  return 4;
}
