import { ParseError } from "./parse-error.ts";
import { tokenize } from "./lexer.ts";
import type { Span } from "./ast.ts";
import type { Token } from "./tokens.ts";

/** Longer queries are refused before they are read; Loki's bound. */
export const queryLengthMax = 131_072;

/**
 * Parentheses, nested calls and chained operators all deepen the tree, and everything after the
 * parser walks the tree by recursion. 500 levels take a fraction of the stack.
 */
export const nestingMax = 500;

/**
 * The parser's place in the query. Errors follow the habits of Loki's generated parser: the
 * unexpected token, and up to four tokens that could have stood there; the caller names those, or
 * none where there are more.
 */
export class TokenStream {
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;

  constructor(text: string) {
    const length = Buffer.byteLength(text);
    if (length > queryLengthMax) {
      throw new ParseError(`input size too long (${length} > ${queryLengthMax})`);
    }
    this.#tokens = tokenize(text);
  }

  /** Throws the lexer's error when the current token is one. */
  get current(): Token {
    const token = this.#tokens[this.#index]!;
    if (token.error !== undefined) throw token.error;
    return token;
  }

  get kind(): string {
    return this.current.kind;
  }

  is(kind: string): boolean {
    return this.current.kind === kind;
  }

  /** The kind after the current token. */
  get nextKind(): string {
    return this.#tokens[this.#index + 1]?.kind ?? "$end";
  }

  /** End of the last token taken. */
  get lastTo(): number {
    return this.#tokens[this.#index - 1]?.to ?? 0;
  }

  take(): Token {
    const token = this.current;
    if (token.kind !== "$end") this.#index++;
    return token;
  }

  /** Takes the token if it is of this kind. */
  accept(kind: string): Token | undefined {
    return this.kind === kind ? this.take() : undefined;
  }

  /**
   * Takes a token of this kind; `expecting` is what the error lists, the kind itself when not
   * given.
   */
  expect(kind: string, ...expecting: readonly string[]): Token {
    if (this.kind === kind) return this.take();
    return this.unexpected(...(expecting.length === 0 ? [kind] : expecting));
  }

  /** As `expect`, where the error lists nothing. */
  expectUnlisted(kind: string): Token {
    return this.kind === kind ? this.take() : this.unexpected();
  }

  unexpected(...expecting: readonly string[]): never {
    const token = this.current;
    const list = expecting.length === 0 ? "" : `, expecting ${expecting.join(" or ")}`;
    throw new ParseError(`syntax error: unexpected ${token.kind}${list}`, positionOf(token));
  }

  spanFrom(from: number): Span {
    return { from, to: this.lastTo };
  }

  get depth(): number {
    return this.#depth;
  }

  /** One level deeper; the caller restores `depth` when it leaves. */
  deepen(): void {
    this.#depth++;
    if (this.#depth <= nestingMax) return;
    const message = `query is nested deeper than ${nestingMax} levels`;
    throw new ParseError(message, positionOf(this.current));
  }

  set depth(depth: number) {
    this.#depth = depth;
  }
}

function positionOf(token: Token): { line: number; column: number; span: Span } {
  return { line: token.line, column: token.column, span: { from: token.from, to: token.to } };
}
