import type { ParsePosition } from "./parse-error.ts";
import { ParseError } from "./parse-error.ts";
import { scanQuoted, unquoteGo } from "./go-string.ts";
import { parseBytes, parseDuration, parseRangeDuration } from "./literals.ts";
import { scanNumber } from "./scan-number.ts";
import {
  composedSymbols,
  functionFlags,
  functionKinds,
  keywords,
  symbols,
  type Token,
} from "./tokens.ts";

/**
 * Text → tokens. The list always ends with `$end`, or with an `error` token where the lexer could
 * not go on: the parser reports that one only when it gets there, so that a fault of syntax before
 * it comes first.
 *
 * A character that starts no token is an IDENTIFIER of its own, as in Loki, whose errors then name
 * it so.
 */
export function tokenize(text: string): readonly Token[] {
  return new Lexer(text).run();
}

type TokenExtra = Partial<Pick<Token, "ns" | "bytes" | "error" | "text">>;

const identifierAt = /[_\p{L}][_\p{L}\p{Nd}]*/uy;
/**
 * What may follow a number and make it a duration or a byte size. No sensible one is longer, and the
 * bound keeps `1.1.1.1…` from being looked through again for every number in it.
 */
const durationTail = /[0-9.nuµμmshdwy]{0,64}/y;
const bytesTail = /[0-9.bikmgtpeBIKMGTPE]{0,64}/y;
const digitsTail = /[0-9.]{0,64}/y;

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  /** Line and offset of its first character, and the characters before `#columnAt` in it. */
  #line = 1;
  #column = 1;
  #columnAt = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): readonly Token[] {
    for (;;) {
      const commentFault = this.#skipBlanks();
      if (commentFault !== undefined) return this.#fail(commentFault, this.#at, this.#text.length);
      if (this.#at >= this.#text.length) break;
      this.#next();
      if (this.#tokens.at(-1)?.kind === "error") return this.#tokens;
    }
    // An empty text has no position at all, which is how Loki words its error.
    const isEmpty = this.#text === "";
    const { line, column } = this.#positionOf(this.#at);
    this.#push("$end", this.#at, { at: isEmpty ? { line: 0, column: 0 } : { line, column } });
    return this.#tokens;
  }

  /** White space and comments: `#` to the end of the line, and both kinds of Go's comments. */
  #skipBlanks(): string | undefined {
    const text = this.#text;
    for (;;) {
      const char = text[this.#at];
      if (char === " " || char === "\t" || char === "\n" || char === "\r") this.#at++;
      else if (char === "#" || (char === "/" && text[this.#at + 1] === "/")) {
        const end = text.indexOf("\n", this.#at);
        this.#at = end < 0 ? text.length : end;
      } else if (char === "/" && text[this.#at + 1] === "*") {
        const end = text.indexOf("*/", this.#at + 2);
        if (end < 0) return "comment not terminated";
        this.#at = end + 2;
      } else return undefined;
    }
  }

  #next(): void {
    const text = this.#text;
    const from = this.#at;
    const char = text[from]!;
    if (char === '"' || char === "`") return this.#string(from);
    if (char === "'") return this.#charLiteral(from);
    if (/[0-9]/.test(char) || (char === "." && /[0-9]/.test(text[from + 1] ?? ""))) {
      return this.#number(from);
    }
    identifierAt.lastIndex = from;
    const word = identifierAt.exec(text)?.[0];
    if (word !== undefined) return this.#word(word, from);
    if (char === "[") return this.#range(from);
    if (char === "-" && this.#flagOrDuration(from)) return;
    const pair = text.slice(from, from + 2);
    if (composedSymbols.has(pair)) return this.#push(pair, from + 2, { line0: true });
    if (symbols.has(char)) return this.#push(char, from + 1);
    if (char === "\0") {
      this.#fail("invalid character NUL", from, from + 1);
      return;
    }
    this.#push("IDENTIFIER", from + ((text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1));
  }

  #word(word: string, from: number): void {
    const lower = word.toLowerCase();
    const to = from + word.length;
    const functionKind = functionKinds.get(lower);
    if (keywords.has(lower)) this.#push(lower, to, { extra: { text: word } });
    else if (functionKind !== undefined && this.#isCall(to)) this.#push(functionKind, to);
    else this.#push("IDENTIFIER", to);
  }

  /** Does `(`, `by (` or `without (` follow? */
  #isCall(at: number): boolean {
    const call = /\s*(?:(?:by|without)\s*)?\(/iy;
    call.lastIndex = at;
    return call.test(this.#text);
  }

  #string(from: number): void {
    const text = this.#text;
    let to: number;
    if (text[from] === "`") {
      const end = text.indexOf("`", from + 1);
      if (end < 0) return void this.#fail("literal not terminated", from, text.length);
      to = end + 1;
    } else {
      const extent = scanQuoted(text, from);
      if (extent.fault !== undefined) return void this.#fail(extent.fault, from, extent.to);
      to = extent.to;
    }
    const value = unquoteGo(text.slice(from, to));
    if (value === undefined) return void this.#fail("invalid syntax", from, to);
    this.#push("STRING", to, { extra: { text: value } });
  }

  /** LogQL has no character literals, but its lexer knows them: one character is an IDENTIFIER. */
  #charLiteral(from: number): void {
    const extent = scanQuoted(this.#text, from);
    const fault = extent.fault ?? (extent.count === 1 ? undefined : "invalid char literal");
    if (fault !== undefined) return void this.#fail(fault, from, extent.to);
    this.#push("IDENTIFIER", extent.to);
  }

  #number(from: number): void {
    const { to, fault } = scanNumber(this.#text, from);
    if (fault !== undefined) return void this.#fail(fault, from, to);
    if (this.#duration(from, to)) return;
    const end = this.#tail(bytesTail, to);
    const bytes = end > to ? parseBytes(this.#text.slice(from, end)) : undefined;
    if (bytes !== undefined) return this.#push("BYTES", end, { line0: true, extra: { bytes } });
    this.#push("NUMBER", to);
  }

  #duration(from: number, numberTo: number): boolean {
    const end = this.#tail(durationTail, numberTo);
    const ns = end > numberTo ? parseDuration(this.#text.slice(from, end)) : undefined;
    if (ns === undefined) return false;
    this.#push("DURATION", end, { line0: true, extra: { ns } });
    return true;
  }

  #tail(pattern: RegExp, at: number): number {
    pattern.lastIndex = at;
    return at + (pattern.exec(this.#text)?.[0].length ?? 0);
  }

  /** `--strict`, or a negative duration (`offset -5m`); a negative number is two tokens. */
  #flagOrDuration(from: number): boolean {
    const flag = /^--[a-z-]+/i.exec(this.#text.slice(from, from + 32))?.[0].toLowerCase();
    if (flag !== undefined && functionFlags.has(flag)) {
      this.#push("FUNCTION_FLAG", from + flag.length, { line0: true, extra: { text: flag } });
      return true;
    }
    const digits = this.#tail(digitsTail, from + 1);
    return digits > from + 1 && this.#tail(durationTail, digits) > digits
      ? this.#duration(from, digits)
      : false;
  }

  #range(from: number): void {
    const end = this.#text.indexOf("]", from);
    if (end < 0) {
      this.#fail("missing closing ']' in duration", from, this.#text.length, true);
      return;
    }
    const range = parseRangeDuration(this.#text.slice(from + 1, end));
    if ("fault" in range) return void this.#fail(range.fault, from, end + 1, true);
    this.#push("RANGE", end + 1, { line0: true, extra: { ns: range.value } });
  }

  #fail(message: string, from: number, to: number, line0 = false): readonly Token[] {
    this.#at = from;
    const { line, column } = this.#positionOf(from);
    const position: ParsePosition = { line: line0 ? 0 : line, column, span: { from, to } };
    this.#push("error", to, { extra: { error: new ParseError(message, position) } });
    return this.#tokens;
  }

  #push(
    kind: string,
    to: number,
    options: { line0?: boolean; extra?: TokenExtra; at?: { line: number; column: number } } = {},
  ): void {
    const from = this.#at;
    const { line, column } = options.at ?? this.#positionOf(from);
    this.#at = to;
    this.#tokens.push({
      kind,
      text: options.extra?.text ?? this.#text.slice(from, to),
      ns: options.extra?.ns ?? 0n,
      bytes: options.extra?.bytes ?? 0,
      line: options.line0 === true ? 0 : line,
      column,
      from,
      to,
      error: options.extra?.error,
    });
  }

  /** Must be called with growing offsets: it counts on from the last one. */
  #positionOf(offset: number): { line: number; column: number } {
    const text = this.#text;
    for (; this.#columnAt < offset; this.#columnAt++) {
      const code = text.charCodeAt(this.#columnAt);
      if (code === 10) {
        this.#line++;
        this.#column = 1;
      } else if (code < 0xdc00 || code > 0xdfff) this.#column++;
    }
    return { line: this.#line, column: this.#column };
  }
}
