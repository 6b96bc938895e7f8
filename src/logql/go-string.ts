/**
 * Go's interpreted and raw string literals (The Go Programming Language Specification, "String
 * literals").
 */

const simpleEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  "\\": 92,
};

const digitsOfEscape: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/**
 * Where a quoted literal that opens at `from` ends (after its closing quote), and what is wrong
 * with its shape.
 */
export interface QuotedExtent {
  readonly to: number;
  readonly fault: "literal not terminated" | "invalid char escape" | undefined;
  /** Characters between the quotes, an escape being one. */
  readonly count: number;
}

export function scanQuoted(text: string, from: number): QuotedExtent {
  const quote = text[from]!;
  let fault: QuotedExtent["fault"];
  let count = 0;
  let i = from + 1;
  while (i < text.length) {
    const char = text[i]!;
    if (char === "\n") break;
    if (char === quote) return { to: i + 1, fault, count };
    count++;
    if (char !== "\\") {
      i += (text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1;
      continue;
    }
    const length = escapeLength(text, i, quote);
    if (length === 0) fault ??= "invalid char escape";
    i += Math.max(length, 1);
  }
  return { to: i, fault: fault ?? "literal not terminated", count };
}

/** Length of the escape at `at` with its backslash; 0 when it is none. */
function escapeLength(text: string, at: number, quote: string): number {
  const char = text[at + 1] ?? "";
  if (char === quote || simpleEscapes[char] !== undefined) return 2;
  if (/[0-7]/.test(char)) return /^[0-7]{3}$/.test(text.slice(at + 1, at + 4)) ? 4 : 0;
  const digits = digitsOfEscape[char];
  if (digits === undefined) return 0;
  const hex = text.slice(at + 2, at + 2 + digits);
  return hex.length === digits && /^[0-9a-fA-F]+$/.test(hex) ? 2 + digits : 0;
}

/**
 * The value of a literal whose shape `scanQuoted` accepted (quotes included), or undefined when an
 * escape names no byte or no character. Bytes given by `\x` and octal escapes are read as UTF-8;
 * what is not UTF-8 becomes U+FFFD.
 */
export function unquoteGo(literal: string): string | undefined {
  const quote = literal[0]!;
  const body = literal.slice(1, -1);
  if (quote === "`") return body.replaceAll("\r", "");
  if (!body.includes("\\")) return body;
  let out = "";
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) out += Buffer.from(bytes).toString("utf8");
    bytes = [];
  };
  for (let i = 0; i < body.length; ) {
    if (body[i] !== "\\") {
      flush();
      out += body[i++];
      continue;
    }
    const length = escapeLength(body, i, quote);
    const code = escapeValue(body.slice(i + 1, i + length), quote);
    const isByte = length === 4;
    if (code === undefined || (isByte && code > 0xff)) return undefined;
    if (isByte) bytes.push(code);
    else {
      flush();
      out += String.fromCodePoint(code);
    }
    i += length;
  }
  flush();
  return out;
}

function escapeValue(escape: string, quote: string): number | undefined {
  const first = escape[0]!;
  if (first === quote) return quote.charCodeAt(0);
  const simple = simpleEscapes[first];
  if (simple !== undefined) return simple;
  if (first === "x") return Number.parseInt(escape.slice(1), 16);
  if (first !== "u" && first !== "U") return Number.parseInt(escape, 8);
  const code = Number.parseInt(escape.slice(1), 16);
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? undefined : code;
}
