import { utf8Text } from "./bytes-text.ts";
import { asciiText } from "./short-texts.ts";

/**
 * How the bytes of a field become its value: `ascii`, `raw` and `plain` bytes are the text, `json`
 * and `logfmt` bytes have escapes, `text` needs no bytes. All but `plain` (captures of `pattern`)
 * are cleared of broken characters.
 */
export type ValueKind = "ascii" | "raw" | "plain" | "json" | "logfmt" | "text";

/** What a broken byte or U+FFFD becomes in a parsed value, as in Loki. */
const replacement = " ";

function decodeValue(text: string): string {
  return text.includes("\ufffd") ? text.replaceAll("\ufffd", replacement) : text;
}

export function valueText(kind: ValueKind, buffer: Buffer, from: number, to: number): string {
  if (kind === "ascii") return asciiText(buffer, from, to);
  const text = utf8Text(buffer, from, to);
  switch (kind) {
    case "plain":
    case "text":
      return text;
    case "raw":
      return decodeValue(text);
    case "json":
      return decodeValue(unescapeJson(text) ?? "");
    case "logfmt":
      return decodeValue(unescapeLogfmt(text) ?? "");
    default:
      return kind satisfies never;
  }
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * The body of a JSON string without its escapes; undefined when an escape or a surrogate is wrong.
 */
export function unescapeJson(text: string): string | undefined {
  let out = "";
  let at = 0;
  for (;;) {
    const next = text.indexOf("\\", at);
    if (next < 0) return out + text.slice(at);
    out += text.slice(at, next);
    const letter = text[next + 1] ?? "";
    if (letter !== "u") {
      const plain = escapes[letter];
      if (plain === undefined) return undefined;
      out += plain;
      at = next + 2;
      continue;
    }
    const unit = hexUnit(text, next + 2);
    if (unit < 0) return undefined;
    at = next + 6;
    if (unit < 0xd800 || unit > 0xdfff) {
      out += String.fromCharCode(unit);
      continue;
    }
    const low = text.startsWith("\\u", at) ? hexUnit(text, at + 2) : -1;
    if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff) return undefined;
    out += String.fromCharCode(unit, low);
    at += 6;
  }
}

/** Four hexadecimal digits, or -1. */
function hexUnit(text: string, from: number): number {
  const digits = text.slice(from, from + 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

/**
 * The inside of a quoted logfmt value that has a backslash in it; undefined when it is not valid:
 * an unknown escape, or a control character as it is. A lone surrogate is U+FFFD.
 */
export function unescapeLogfmt(text: string): string | undefined {
  let out = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char < " ") return undefined;
    if (char !== "\\") {
      out += char;
      continue;
    }
    const letter = text[++at] ?? "";
    if (letter === "u") {
      const unit = hexUnit(text, at + 1);
      if (unit < 0) return undefined;
      out += String.fromCharCode(unit);
      at += 4;
    } else {
      const plain = letter === "'" ? "'" : escapes[letter];
      if (plain === undefined) return undefined;
      out += plain;
    }
  }
  return out.toWellFormed();
}
