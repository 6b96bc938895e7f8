/** Constants of a template, numbers, characters and quoted strings, as Go reads them. */

import { Buffer } from "node:buffer";
import { GoParseError, parseGoFloat, parseGoInt, quoteGoString } from "#gofmt";
import { fromBytes } from "./text-bytes.ts";

/** A number fits some of the types; which one it becomes depends on where it stands. */
export interface NumberConstant {
  readonly asInteger: bigint | undefined;
  readonly asFloat: number | undefined;
  /** Written as a float, so it is one where no type is asked for. */
  readonly isFloatForm: boolean;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GoParseError) return undefined;
    throw error;
  }
}

/** A uint64 past int64: a number to Go, but none that a template can use as an int. */
function isUnsigned(text: string): boolean {
  const isPlain = /^(?:[1-9][0-9]{0,19}|0[xX][0-9a-fA-F]{1,16})$/.test(text);
  return isPlain && BigInt(text) < 2n ** 64n;
}

/** Throws GoParseError. Complex constants are not numbers here. */
export function parseNumber(text: string): NumberConstant {
  const isHex = /^0[xX]/.test(text) && !/[pP]/.test(text);
  const isFloatForm = !isHex && /[.eEpP]/.test(text);
  const integer = attempt(() => parseGoInt(text, { base: 0 }));
  if (integer !== undefined) return { asInteger: integer, asFloat: Number(integer), isFloatForm };
  if (isUnsigned(text)) return { asInteger: undefined, asFloat: Number(text), isFloatForm };
  const float = attempt(() => parseGoFloat(text));
  const quoted = quoteGoString(text, { asciiOnly: false });
  if (float === undefined) throw new GoParseError(`illegal number syntax: ${quoted}`);
  if (!/[.eEpP]/.test(text)) throw new GoParseError(`integer overflow: ${quoted}`);
  const isWhole = Number.isInteger(float) && Math.abs(float) < 2 ** 63;
  return { asInteger: isWhole ? BigInt(float) : undefined, asFloat: float, isFloatForm };
}

const escapes: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["b", 8],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
  ["v", 11],
  ["\\", 92],
]);

const escapePattern =
  /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\'"]))/y;

interface Escape {
  readonly length: number;
  /** Either one byte or one character. */
  readonly byte: number | undefined;
  readonly codePoint: number | undefined;
}

function readEscape(text: string, options: { at: number; quote: string }): Escape {
  const invalid = (): GoParseError => new GoParseError("invalid syntax");
  escapePattern.lastIndex = options.at;
  const match = escapePattern.exec(text);
  if (match === null) throw invalid();
  const [found, hexByte, octal, short, long, simple] = match;
  const length = found.length;
  if (simple !== undefined) {
    const isQuote = simple === "'" || simple === '"';
    if (isQuote && simple !== options.quote) throw invalid();
    return { length, byte: undefined, codePoint: escapes.get(simple) ?? simple.charCodeAt(0) };
  }
  const byte = hexByte === undefined ? octal : hexByte;
  if (byte !== undefined) {
    const value = Number.parseInt(byte, hexByte === undefined ? 8 : 16);
    if (value > 255) throw invalid();
    return { length, byte: value, codePoint: undefined };
  }
  const codePoint = Number.parseInt(short ?? long ?? "", 16);
  const isRune = codePoint <= 0x10ffff && (codePoint & ~0x7ff) !== 0xd800;
  if (!isRune) throw invalid();
  return { length, byte: undefined, codePoint };
}

/** `strconv.Unquote` of a token `"…"` or `` `…` ``. Throws GoParseError `invalid syntax`. */
export function unquoteString(token: string): string {
  const body = token.slice(1, -1);
  if (token.startsWith("`")) return body.replaceAll("\r", "");
  if (!body.includes("\\")) return body;
  let text = "";
  let pendingBytes: number[] = [];
  const flush = (): void => {
    if (pendingBytes.length > 0) text += fromBytes(Buffer.from(pendingBytes));
    pendingBytes = [];
  };
  for (let at = 0; at < body.length; ) {
    if (body.charAt(at) !== "\\") {
      flush();
      text += body.charAt(at);
      at++;
      continue;
    }
    const escape = readEscape(body, { at, quote: '"' });
    at += escape.length;
    if (escape.byte !== undefined) {
      pendingBytes.push(escape.byte);
      continue;
    }
    flush();
    text += String.fromCodePoint(escape.codePoint ?? 0xfffd);
  }
  flush();
  return text;
}

/** A character constant `'a'`, an integer. Throws GoParseError. */
export function parseCharacter(token: string): NumberConstant {
  const body = token.slice(1);
  let codePoint = body.codePointAt(0) ?? 0;
  let length = codePoint > 0xffff ? 2 : 1;
  if (body.startsWith("'")) throw new GoParseError("invalid syntax");
  if (body.startsWith("\\")) {
    const escape = readEscape(body, { at: 0, quote: "'" });
    codePoint = escape.codePoint ?? escape.byte ?? 0;
    length = escape.length;
  }
  if (body.slice(length) !== "'") {
    throw new GoParseError(`malformed character constant: ${token}`);
  }
  return { asInteger: BigInt(codePoint), asFloat: codePoint, isFloatForm: false };
}
