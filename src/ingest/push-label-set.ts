import { RequestError } from "#base";
import type { LabelPair } from "#model";

/**
 * Label sets as text, `{a="b", c="d"}`, in the syntax and with the error texts of Prometheus (which
 * Loki uses): columns count bytes from 1. Pairs are returned in order of the text; names may
 * repeat, values may be empty.
 */
export function parseLabelSet(text: string): LabelPair[] {
  const lexer = new Lexer(text);
  const pairs: LabelPair[] = [];
  let token = lexer.next();
  if (token.kind === "identifier") {
    pairs.push(["__name__", token.text]);
    token = lexer.next();
  }
  if (token.kind === "{") {
    lexer.insideBraces = true;
    readPairs(lexer, pairs);
    lexer.insideBraces = false;
    token = lexer.next();
  }
  if (token.kind !== "end") throw unexpected(lexer, token, "", "");
  return pairs;
}

function readPairs(lexer: Lexer, pairs: LabelPair[]): void {
  let token = lexer.next();
  while (token.kind !== "}") {
    if (token.kind !== "identifier") {
      throw unexpected(lexer, token, "label set", 'identifier or "}"');
    }
    const name = token.text;
    token = lexer.next();
    if (token.kind !== "=") throw unexpected(lexer, token, "label set", '"="');
    token = lexer.next();
    if (token.kind !== "string") throw unexpected(lexer, token, "label set", "string");
    pairs.push([name, token.text]);
    token = lexer.next();
    if (token.kind === "}") return;
    if (token.kind !== ",") throw unexpected(lexer, token, "label set", '"," or "}"');
    token = lexer.next();
  }
}

interface Token {
  readonly kind: "identifier" | "string" | "{" | "}" | "," | "=" | "operator" | "end";
  /** An identifier or the value of a string. */
  readonly text: string;
  /** As written. */
  readonly source: string;
  readonly at: number;
}

class Lexer {
  readonly text: string;
  insideBraces = false;
  #at = 0;

  constructor(text: string) {
    this.text = text;
  }

  next(): Token {
    while (this.#at < this.text.length && /[ \t\r\n]/.test(this.text[this.#at]!)) this.#at++;
    const at = this.#at;
    const char = this.text[at];
    if (char === undefined) {
      if (this.insideBraces) throw this.error(at, "unexpected end of input inside braces");
      return { kind: "end", text: "", source: "", at };
    }
    const word = matchAt(this.insideBraces ? /[a-zA-Z_]\w*/y : /[a-zA-Z_:][\w:]*/y, this.text, at);
    if (word !== undefined) return this.#take("identifier", word, at);
    if (char === "{" && !this.insideBraces) return this.#take("{", char, at);
    if (char === "}" || char === ",") return this.#take(char, char, at);
    const operator = matchAt(/=~|!~|!=/y, this.text, at);
    if (operator !== undefined) return this.#take("operator", operator, at);
    if (char === "=") return this.#take("=", char, at);
    if (char === '"' || char === "'" || char === "`") return this.#string(char, at);
    throw this.error(at, this.#unknown(at));
  }

  #unknown(at: number): string {
    const char = quoteRune(this.text.codePointAt(at)!);
    if (!this.insideBraces) return `unexpected character: ${char}`;
    if (this.text[at] === "!") {
      const next = this.text.codePointAt(at + 1);
      const shown = next === undefined ? "'\\x00'" : quoteRune(next);
      return `unexpected character after '!' inside braces: ${shown}`;
    }
    return `unexpected character inside braces: ${char}`;
  }

  #take(kind: Token["kind"], text: string, at: number): Token {
    this.#at = at + text.length;
    return { kind, text, source: text, at };
  }

  #string(quote: string, at: number): Token {
    if (quote === "`") {
      const end = this.text.indexOf("`", at + 1);
      if (end < 0) throw this.error(at, "unterminated raw string");
      this.#at = end + 1;
      const text = this.text.slice(at + 1, end);
      return { kind: "string", text, source: this.text.slice(at, end + 1), at };
    }
    const parts: Buffer[] = [];
    let from = at + 1;
    for (let i = from; i < this.text.length; ) {
      const char = this.text[i]!;
      if (char === "\n") break;
      if (char === quote) {
        parts.push(Buffer.from(this.text.slice(from, i)));
        this.#at = i + 1;
        const text = Buffer.concat(parts).toString();
        return { kind: "string", text, source: this.text.slice(at, i + 1), at };
      }
      if (char !== "\\") {
        i++;
        continue;
      }
      parts.push(Buffer.from(this.text.slice(from, i)));
      const escape = readEscape(this.text, i + 1, quote);
      if (typeof escape === "string") throw this.error(at, escape);
      parts.push(escape.bytes);
      i += 1 + escape.length;
      from = i;
    }
    throw this.error(at, "unterminated quoted string");
  }

  error(at: number, message: string): RequestError {
    const lineStart = this.text.lastIndexOf("\n", at - 1) + 1;
    const line = at === 0 ? 1 : this.text.slice(0, at).split("\n").length;
    const column = Buffer.byteLength(this.text.slice(lineStart, at)) + 1;
    return new RequestError(
      400,
      `couldn't parse labels: ${line}:${column}: parse error: ${message}`,
    );
  }
}

/** What a sticky expression matches at an index. */
function matchAt(expression: RegExp, text: string, at: number): string | undefined {
  expression.lastIndex = at;
  return expression.exec(text)?.[0];
}

function unexpected(lexer: Lexer, token: Token, context: string, expected: string): RequestError {
  let message = `unexpected ${describe(token)}`;
  if (context !== "") message += ` in ${context}`;
  if (expected !== "") message += `, expected ${expected}`;
  return lexer.error(token.at, message);
}

function describe(token: Token): string {
  const shown =
    token.source.length > 10
      ? `${JSON.stringify(token.source.slice(0, 10))}...`
      : JSON.stringify(token.source);
  switch (token.kind) {
    case "end":
      return "end of input";
    case "operator":
      return `<op:${token.source}>`;
    case "identifier":
    case "string":
      return `${token.kind} ${shown}`;
    case "{":
    case "}":
    case ",":
    case "=":
      return shown;
    default:
      return token.kind satisfies never;
  }
}

/** A rune as Go's %q prints it. */
function quoteRune(code: number): string {
  if (code === 0x27) return "'\\''";
  if (code === 0x5c) return "'\\\\'";
  const char = String.fromCodePoint(code);
  if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char)) return `'${char}'`;
  if (code < 0x80) return `'\\x${code.toString(16).padStart(2, "0")}'`;
  return `'\\u${code.toString(16).padStart(4, "0")}'`;
}

const simpleEscapes: Record<string, number> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 0x5c,
};

/**
 * Go's escapes: what they stand for and how many characters follow the backslash, or what is wrong.
 */
function readEscape(
  text: string,
  at: number,
  quote: string,
): { readonly bytes: Buffer; readonly length: number } | string {
  const char = text[at];
  if (char === undefined) return "escape sequence not terminated";
  if (char === quote) return { bytes: Buffer.from(char), length: 1 };
  const simple = simpleEscapes[char];
  if (simple !== undefined) return { bytes: Buffer.from([simple]), length: 1 };
  const octal = /^[0-7]{3}/.exec(text.slice(at, at + 3));
  if (octal !== null) {
    const code = Number.parseInt(octal[0], 8);
    if (code > 255) return "escape sequence is an invalid Unicode code point";
    return { bytes: Buffer.from([code]), length: 3 };
  }
  const digits = char === "x" ? 2 : char === "u" ? 4 : char === "U" ? 8 : 0;
  if (digits === 0) {
    const code = text.codePointAt(at)!;
    const hex = code.toString(16).toUpperCase().padStart(4, "0");
    return `unknown escape sequence U+${hex} ${quoteRune(code)}`;
  }
  const hex = text.slice(at + 1, at + 1 + digits);
  if (hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) return "escape sequence not terminated";
  const code = Number.parseInt(hex, 16);
  if (digits === 2) return { bytes: Buffer.from([code]), length: 3 };
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    return "escape sequence is an invalid Unicode code point";
  }
  return { bytes: Buffer.from(String.fromCodePoint(code)), length: digits + 1 };
}
