/** base64 and URL escapes, and the escapers of text/template for HTML, JavaScript and URLs. */

import { Buffer } from "node:buffer";
import { charged, ofStrings, values } from "./arguments.ts";
import type { FunctionTable, GoFunction } from "./go-function.ts";
import { sprint } from "./print.ts";
import { FunctionError } from "./template-error.ts";
import { fromBytes, toBytes } from "./text-bytes.ts";

const base64Alphabet = /[^A-Za-z0-9+/]/;

/** Padding may be left out. A bad text gives the complaint as the result, as Loki does. */
function decodeBase64(text: string): string {
  // Line breaks are skipped; positions in the complaint count them.
  const positions: number[] = [];
  let digits = "";
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === "\n" || char === "\r") continue;
    positions.push(i);
    digits += char;
  }
  if (digits.length % 4 === 0) digits = digits.replace(/={1,2}$/, "");
  const bad = digits.search(base64Alphabet);
  const at = bad < 0 && digits.length % 4 === 1 ? digits.length - 1 : bad;
  if (at >= 0) return `illegal base64 data at input byte ${positions[at] ?? at}`;
  return fromBytes(Buffer.from(digits, "base64"));
}

/** `url.QueryEscape`. */
function escapeQuery(text: string): string {
  let escaped = "";
  for (const byte of toBytes(text)) {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9_.~-]/.test(char)) escaped += char;
    else if (char === " ") escaped += "+";
    else escaped += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return escaped;
}

/** `url.QueryUnescape`. */
function unescapeQuery(text: string): string {
  const bad = /%(?![0-9a-fA-F]{2})/.exec(text);
  if (bad !== null) {
    const shown = text.slice(bad.index, bad.index + 3);
    throw new FunctionError(`invalid URL escape ${JSON.stringify(shown)}`);
  }
  const bytes = Buffer.from(toBytes(text.replaceAll("+", " ")).toString("latin1"), "latin1");
  const decoded = bytes.toString("latin1").replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => {
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
  return fromBytes(Buffer.from(decoded, "latin1"));
}

const htmlEscapes: ReadonlyMap<string, string> = new Map([
  ["\0", "\ufffd"],
  ['"', "&#34;"],
  ["'", "&#39;"],
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
]);

function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (char) => htmlEscapes.get(char) ?? char);
}

function escapeScript(text: string): string {
  return text.replace(/[\\'"<>&=]|[^\p{L}\p{M}\p{N}\p{P}\p{S} \x7f]/gu, (char) => {
    if (char === "\\" || char === "'" || char === '"') return `\\${char}`;
    const hex = (char.codePointAt(0) ?? 0).toString(16).toUpperCase();
    return `\\u${hex.padStart(4, "0")}`;
  });
}

/** Escapers take any values and print them first. */
function escaper(escape: (text: string) => string): GoFunction {
  return {
    parameters: [],
    rest: "any",
    run: (args, context) => charged(escape(sprint(values(args))), context),
  };
}

export const encodingFunctions: FunctionTable = {
  b64dec: ofStrings(1, decodeBase64),
  b64enc: ofStrings(1, (text) => toBytes(text).toString("base64")),
  html: escaper(escapeHtml),
  js: escaper(escapeScript),
  urldecode: ofStrings(1, unescapeQuery),
  urlencode: ofStrings(1, escapeQuery),
  urlquery: escaper(escapeQuery),
};
