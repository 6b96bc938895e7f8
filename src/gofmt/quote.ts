/**
 * Go's quoted strings (`strconv.Quote`, `%q`): what is printable stays, the rest becomes an escape.
 * Printable are letters, marks, numbers, punctuation, symbols and the ASCII space.
 */

const needsEscape = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;
const needsAsciiEscape = /["\\]|[^ -~]/gu;
const runeNeedsEscape = /['\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const runeNeedsAsciiEscape = /['\\]|[^ -~]/u;

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ['"', '\\"'],
  ["'", "\\'"],
  ["\\", "\\\\"],
]);

function escapeRune(rune: string): string {
  const short = shortEscapes.get(rune);
  if (short !== undefined) return short;
  const code = rune.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code > 0xffff) return `\\U${code.toString(16).padStart(8, "0")}`;
  if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

/** `strconv.Quote`; with `asciiOnly`, `strconv.QuoteToASCII`. */
export function quoteGoString(text: string, options: { asciiOnly: boolean }): string {
  return `"${text.replace(options.asciiOnly ? needsAsciiEscape : needsEscape, escapeRune)}"`;
}

/** `strconv.QuoteRune`; a code point that does not exist is quoted as U+FFFD. */
export function quoteGoRune(codePoint: number, options: { asciiOnly: boolean }): string {
  const isRune = codePoint >= 0 && codePoint <= 0x10ffff && (codePoint & ~0x7ff) !== 0xd800;
  const rune = isRune ? String.fromCodePoint(codePoint) : "\ufffd";
  const mustEscape = (options.asciiOnly ? runeNeedsAsciiEscape : runeNeedsEscape).test(rune);
  return `'${mustEscape ? escapeRune(rune) : rune}'`;
}
