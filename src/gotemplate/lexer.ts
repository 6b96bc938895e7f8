/** A template's text → tokens, as Go's text/template/parse cuts them. Positions: UTF-16 units. */

import { quoteGoString } from "#gofmt";

export type TokenKind =
  | "assign"
  | "bool"
  | "char"
  | "charConstant"
  | "declare"
  | "eof"
  | "error"
  | "field"
  | "identifier"
  | "keyword"
  | "leftDelimiter"
  | "leftParen"
  | "number"
  | "pipe"
  | "rawString"
  | "rightDelimiter"
  | "rightParen"
  | "space"
  | "string"
  | "text"
  | "variable";

export interface Token {
  readonly kind: TokenKind;
  /** The token as written; of an error its message. */
  readonly text: string;
  readonly at: number;
  readonly line: number;
}

const keywords: ReadonlySet<string> = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "nil",
  "range",
  "template",
  "with",
]);

/** How Go names a token in `unexpected …`. */
export function describeToken(token: Token): string {
  if (token.kind === "eof") return "EOF";
  if (token.kind === "error") return token.text;
  if (token.kind === "keyword") return `<${token.text}>`;
  const runes = Array.from(token.text);
  const shown = quoteGoString(runes.slice(0, 10).join(""), { asciiOnly: false });
  return runes.length > 10 ? `${shown}...` : shown;
}

const blank = /[ \t\r\n]/;
const wordPattern = /[_\p{L}\p{Nd}]+/uy;
const wordStart = /[_\p{L}\p{Nd}]/u;
const prefixedNumber = /[+-]?0[bBoO][0-9_]*i?/y;
const hexNumber = /[+-]?0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?i?/y;
const decimalNumber = /[+-]?[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?i?/y;
const terminator = /[ \t\r\n.,|:()]|\}\}/y;

export class Lexer {
  readonly #text: string;
  #at = 0;
  #start = 0;
  #line = 1;
  #countedTo = 0;
  #insideAction = false;
  #parenDepth = 0;
  /** Text after `-}}` and comments loses its leading blanks. */
  #trimNext = false;
  #ended = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** After an error or the end the same kind of token comes again. */
  next(): Token {
    if (this.#ended) return this.#token("eof", "");
    for (;;) {
      this.#start = this.#at;
      const token = this.#insideAction ? this.#scanAction() : this.#scanText();
      if (token !== undefined) return token;
    }
  }

  #token(kind: TokenKind, text: string): Token {
    for (; this.#countedTo < this.#start; this.#countedTo++) {
      if (this.#text.charCodeAt(this.#countedTo) === 10) this.#line++;
    }
    return { kind, text, at: this.#start, line: this.#line };
  }

  #emit(kind: TokenKind): Token {
    return this.#token(kind, this.#text.slice(this.#start, this.#at));
  }

  #error(message: string): Token {
    this.#ended = true;
    return this.#token("error", message);
  }

  #scanText(): Token | undefined {
    const text = this.#text;
    if (this.#trimNext) {
      while (blank.test(text.charAt(this.#at))) this.#at++;
      this.#trimNext = false;
      this.#start = this.#at;
    }
    const open = text.indexOf("{{", this.#at);
    if (open < 0) {
      this.#at = text.length;
      if (this.#at > this.#start) return this.#emit("text");
      this.#ended = true;
      return this.#token("eof", "");
    }
    if (open === this.#start) return this.#scanLeftDelimiter();
    let end = open;
    if (text.charAt(open + 2) === "-" && blank.test(text.charAt(open + 3))) {
      while (end > this.#start && blank.test(text.charAt(end - 1))) end--;
    }
    this.#at = open;
    if (end === this.#start) return undefined;
    return this.#token("text", text.slice(this.#start, end));
  }

  #scanLeftDelimiter(): Token | undefined {
    const text = this.#text;
    const trims = text.charAt(this.#at + 2) === "-" && blank.test(text.charAt(this.#at + 3));
    const afterMarker = this.#at + (trims ? 4 : 2);
    if (text.startsWith("/*", afterMarker)) return this.#scanComment(afterMarker);
    this.#at += 2;
    const token = this.#emit("leftDelimiter");
    this.#at = afterMarker;
    this.#insideAction = true;
    this.#parenDepth = 0;
    return token;
  }

  #scanComment(from: number): Token | undefined {
    const end = this.#text.indexOf("*/", from + 2);
    if (end < 0) return this.#error("unclosed comment");
    const after = end + 2;
    const close = this.#rightDelimiterAt(after);
    if (close === undefined) return this.#error("comment ends before closing delimiter");
    this.#at = after + close.length;
    this.#trimNext = close.trims;
    return undefined;
  }

  #rightDelimiterAt(at: number): { length: number; trims: boolean } | undefined {
    const text = this.#text;
    const trims = blank.test(text.charAt(at)) && text.startsWith("-}}", at + 1);
    if (trims) return { length: 4, trims };
    return text.startsWith("}}", at) ? { length: 2, trims } : undefined;
  }

  #scanAction(): Token | undefined {
    const close = this.#rightDelimiterAt(this.#at);
    if (close !== undefined) {
      if (this.#parenDepth > 0) return this.#error("unclosed left paren");
      return this.#scanRightDelimiter(close);
    }
    const char = this.#text.charAt(this.#at);
    if (char === "") return this.#error("unclosed action");
    if (blank.test(char)) return this.#scanSpace();
    switch (char) {
      case ":":
        if (this.#text.charAt(this.#at + 1) !== "=") return this.#error("expected :=");
        return this.#emitLength("declare", 2);
      case "=":
        return this.#emitLength("assign", 1);
      case "|":
        return this.#emitLength("pipe", 1);
      case "(":
        this.#parenDepth++;
        return this.#emitLength("leftParen", 1);
      case ")":
        this.#parenDepth--;
        if (this.#parenDepth < 0) return this.#error("unexpected right paren");
        return this.#emitLength("rightParen", 1);
      case '"':
        return this.#scanQuoted("string", "unterminated quoted string");
      case "'":
        return this.#scanQuoted("charConstant", "unterminated character constant");
      case "`":
        return this.#scanRawString();
      default:
        return this.#scanWord(char);
    }
  }

  #emitLength(kind: TokenKind, length: number): Token {
    this.#at += length;
    return this.#emit(kind);
  }

  #scanRightDelimiter(close: { length: number; trims: boolean }): Token {
    if (close.trims) this.#start += 2;
    this.#at += close.length;
    this.#insideAction = false;
    this.#trimNext = close.trims;
    return this.#emit("rightDelimiter");
  }

  #scanSpace(): Token | undefined {
    while (blank.test(this.#text.charAt(this.#at))) this.#at++;
    // The last blank may belong to the trim marker of the closing delimiter.
    if (this.#rightDelimiterAt(this.#at - 1)?.trims === true) this.#at--;
    return this.#at === this.#start ? undefined : this.#emit("space");
  }

  #scanQuoted(kind: "string" | "charConstant", complaint: string): Token {
    const quote = this.#text.charAt(this.#at);
    for (this.#at++; ; this.#at++) {
      let char = this.#text.charAt(this.#at);
      if (char === "\\") {
        this.#at++;
        char = this.#text.charAt(this.#at);
        if (char !== "" && char !== "\n") continue;
      }
      if (char === "" || char === "\n") return this.#error(complaint);
      if (char === quote) return this.#emitLength(kind, 1);
    }
  }

  #scanRawString(): Token {
    const end = this.#text.indexOf("`", this.#at + 1);
    if (end < 0) return this.#error("unterminated raw quoted string");
    this.#at = end + 1;
    return this.#emit("rawString");
  }

  #scanWord(char: string): Token {
    const next = this.#text.charAt(this.#at + 1);
    const isNumber = /[0-9+-]/.test(char) || (char === "." && /[0-9]/.test(next));
    if (isNumber) return this.#scanNumber();
    if (char === "." || char === "$") return this.#scanField(char);
    const rune = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    if (wordStart.test(rune)) return this.#scanIdentifier();
    if (/[!-~]/.test(char)) return this.#emitLength("char", 1);
    return this.#error(`unrecognized character in action: ${describeRune(rune)}`);
  }

  #scanField(char: "." | "$"): Token {
    this.#at++;
    if (this.#isAtTerminator()) {
      return this.#emit(char === "." ? "keyword" : "variable");
    }
    this.#skipWord();
    if (!this.#isAtTerminator()) return this.#badCharacter();
    return this.#emit(char === "." ? "field" : "variable");
  }

  #scanIdentifier(): Token {
    this.#skipWord();
    if (!this.#isAtTerminator()) return this.#badCharacter();
    const word = this.#text.slice(this.#start, this.#at);
    if (keywords.has(word)) return this.#emit("keyword");
    return this.#emit(word === "true" || word === "false" ? "bool" : "identifier");
  }

  #skipWord(): void {
    wordPattern.lastIndex = this.#at;
    this.#at += wordPattern.exec(this.#text)?.[0].length ?? 0;
  }

  #isAtTerminator(): boolean {
    if (this.#at >= this.#text.length) return true;
    terminator.lastIndex = this.#at;
    return terminator.test(this.#text);
  }

  #badCharacter(): Token {
    const rune = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    return this.#error(`bad character ${describeRune(rune)}`);
  }

  /** Loose, as Go's: what is not a number after all is found when it is converted. */
  #scanNumber(): Token {
    const found = [prefixedNumber, hexNumber, decimalNumber].map((pattern) => {
      pattern.lastIndex = this.#at;
      return pattern.exec(this.#text)?.[0].length ?? 0;
    });
    this.#at += Math.max(...found);
    const rune = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    const isGlued = wordStart.test(rune);
    if (isGlued) this.#at += rune.length;
    const text = this.#text.slice(this.#start, this.#at);
    if (isGlued || /[+-]/.test(this.#text.charAt(this.#at))) {
      return this.#error(`bad number syntax: ${quoteGoString(text, { asciiOnly: false })}`);
    }
    return this.#emit("number");
  }
}

/** `%#U` of a character: `U+0040 '@'`. */
function describeRune(rune: string): string {
  const code = rune.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase().padStart(4, "0");
  return /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(rune) ? `U+${hex} '${rune}'` : `U+${hex}`;
}
