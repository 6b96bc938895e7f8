/**
 * The labels of a pushed stream as text: `{a="b", c="d"}`, as Prometheus' parser of metrics takes
 * it. Errors carry line and column (bytes, from 1) and Prometheus' words.
 */
import { RequestError } from "#base";
import { compareText, type LabelPair, Labels } from "#model";
import { scanQuoted, unquoteGo } from "./go-string.ts";

/** Labels of a stream; of a name that occurs twice the last counts. Throws RequestError 400. */
export function parseLabels(text: string): Labels {
  return Labels.of(parseLabelPairs(text));
}

/** As `parseLabels`, sorted by name, with every repetition of a name and with empty values. */
export function parseLabelPairs(text: string): LabelPair[] {
  const pairs = parsePlain(text) ?? new LabelsParser(text).parse();
  let isSorted = true;
  for (let i = 1; i < pairs.length && isSorted; i++) {
    isSorted = compareText(pairs[i - 1]![0], pairs[i]![0]) <= 0;
  }
  return isSorted ? pairs : pairs.sort((a, b) => compareText(a[0], b[0]));
}

const plainPair = /([A-Za-z_][A-Za-z0-9_]*)="([^"\\\n]*)"(?:, ?|(?=\}$))/y;

/** The way clients write it: no escapes, no odd spaces. Undefined for anything else. */
function parsePlain(text: string): LabelPair[] | undefined {
  if (text[0] !== "{") return undefined;
  const pairs: LabelPair[] = [];
  let at = 1;
  while (at < text.length - 1) {
    plainPair.lastIndex = at;
    const match = plainPair.exec(text);
    if (match === null) return undefined;
    pairs.push([match[1]!, match[2]!]);
    at = plainPair.lastIndex;
  }
  return at === text.length - 1 && text[at] === "}" ? pairs : undefined;
}

interface LabelToken {
  /** A symbol, "identifier", "string", "number" or "end of input". */
  readonly kind: string;
  readonly text: string;
  readonly from: number;
}

const space = /[ \t\r\n]*/y;
const nameAt = /[A-Za-z_][A-Za-z0-9_]*/y;
const metricNameAt = /[A-Za-z_:][A-Za-z0-9_:]*/y;
const operators: readonly string[] = ["=~", "!=", "!~"];

class LabelsParser {
  readonly #text: string;
  #at = 0;
  #token: LabelToken;

  constructor(text: string) {
    this.#text = text;
    this.#token = this.#scanOutside();
  }

  parse(): LabelPair[] {
    const pairs: LabelPair[] = [];
    if (this.#token.kind === "identifier") {
      pairs.push(["__name__", this.#token.text]);
      this.#token = this.#scanOutside();
    }
    if (this.#token.kind === "{") this.#parseBraces(pairs);
    if (this.#token.kind !== "end of input") this.#unexpected("", "");
    return pairs;
  }

  #parseBraces(pairs: LabelPair[]): void {
    this.#next();
    while (this.#token.kind !== "}") {
      const name = this.#take("identifier", 'identifier or "}"');
      this.#take("=", '"="');
      pairs.push([name, this.#take("string", "string")]);
      if (this.#token.kind === "}") break;
      this.#take(",", '"," or "}"');
    }
    this.#token = this.#scanOutside();
  }

  #take(kind: string, expected: string): string {
    const { kind: actual, text } = this.#token;
    if (actual !== kind) this.#unexpected(" in label set", `, expected ${expected}`);
    this.#next();
    return text;
  }

  #next(): void {
    this.#token = this.#scanInside();
  }

  #skipSpace(): void {
    space.lastIndex = this.#at;
    space.exec(this.#text);
    this.#at = space.lastIndex;
  }

  #scanInside(): LabelToken {
    this.#skipSpace();
    const from = this.#at;
    const char = this.#text[from];
    if (char === undefined) this.#fail(from, "unexpected end of input inside braces");
    nameAt.lastIndex = from;
    const name = nameAt.exec(this.#text)?.[0];
    if (name !== undefined) return this.#make("identifier", name, name.length);
    if (char === '"' || char === "'" || char === "`") return this.#scanString(char);
    const pair = this.#text.slice(from, from + 2);
    if (operators.includes(pair)) return this.#make(pair, pair, 2);
    if (char === "=" || char === "," || char === "}") return this.#make(char, char, 1);
    if (char === "{") this.#fail(from, "unexpected left brace '{' inside braces");
    const shown = String.fromCodePoint(this.#text.codePointAt(from)!);
    if (char === "!") {
      const next = this.#text[from + 1] ?? "";
      this.#fail(from + 1, `unexpected character after '!' inside braces: '${next}'`);
    }
    return this.#fail(from, `unexpected character inside braces: '${shown}'`);
  }

  #scanString(quote: string): LabelToken {
    const text = this.#text;
    const from = this.#at;
    if (quote === "`") {
      const end = text.indexOf("`", from + 1);
      if (end < 0) this.#fail(from, "unterminated raw string");
      return this.#make("string", text.slice(from + 1, end), end + 1 - from);
    }
    const { to, fault } = scanQuoted(text, from);
    if (fault === "literal not terminated") this.#fail(from, "unterminated quoted string");
    const value = fault === undefined ? unquoteGo(text.slice(from, to)) : undefined;
    if (value === undefined) this.#fail(from, "unknown escape sequence in string");
    return this.#make("string", value, to - from);
  }

  #scanOutside(): LabelToken {
    this.#skipSpace();
    const from = this.#at;
    const char = this.#text[from];
    if (char === undefined) return this.#make("end of input", "", 0);
    metricNameAt.lastIndex = from;
    const name = metricNameAt.exec(this.#text)?.[0];
    if (name !== undefined) return this.#make("identifier", name, name.length);
    const number = /^[0-9]+/.exec(this.#text.slice(from, from + 32))?.[0];
    if (number !== undefined) return this.#make("number", number, number.length);
    if (char === '"' || char === "'" || char === "`") return this.#scanString(char);
    if ("{}=,()[]+-*/%^<>".includes(char)) return this.#make(char, char, 1);
    const shown = String.fromCodePoint(this.#text.codePointAt(from)!);
    return this.#fail(from, `unexpected character: '${shown}'`);
  }

  #make(kind: string, text: string, length: number): LabelToken {
    const token = { kind, text, from: this.#at };
    this.#at += length;
    return token;
  }

  #unexpected(context: string, expected: string): never {
    const { kind, text, from } = this.#token;
    const quoted = text.length > 10 ? `${JSON.stringify(text.slice(0, 10))}...` : undefined;
    const described: Record<string, string> = {
      identifier: `identifier ${JSON.stringify(text)}`,
      string: `string ${quoted ?? JSON.stringify(text)}`,
      number: `number ${JSON.stringify(text)}`,
      "end of input": "end of input",
    };
    const symbol = operators.includes(kind) ? `<op:${kind}>` : JSON.stringify(kind);
    return this.#fail(from, `unexpected ${described[kind] ?? symbol}${context}${expected}`);
  }

  #fail(at: number, message: string): never {
    const before = this.#text.slice(0, at);
    const lineStart = before.lastIndexOf("\n") + 1;
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(lineStart)) + 1;
    throw new RequestError(
      400,
      `couldn't parse labels: ${line}:${column}: parse error: ${message}`,
    );
  }
}
