import { RequestError } from "#base";
import { quoteGo } from "#model";

/** More parameters than this are not from a client of ours. */
const pairsMax = 10_000;

/**
 * `a=1&b=2` as Go's net/url reads it: `+` is a space, empty parts are passed over, a `;` or a bad
 * escape is an error (400 in Go's words). Bytes that are not UTF-8 become U+FFFD.
 */
export function parseQueryString(text: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const part of text.split("&", pairsMax + 1)) {
    if (part === "") continue;
    if (part.includes(";")) throw new RequestError(400, "invalid semicolon separator in query");
    if (pairs.length === pairsMax) throw new RequestError(400, "too many parameters");
    const at = part.indexOf("=");
    const name = at < 0 ? part : part.slice(0, at);
    pairs.push([unescapeQuery(name), at < 0 ? "" : unescapeQuery(part.slice(at + 1))]);
  }
  return pairs;
}

function unescapeQuery(text: string): string {
  if (!text.includes("%")) return text.replaceAll("+", " ");
  const bad = /%(?![0-9a-fA-F]{2})/.exec(text);
  if (bad !== null) {
    const escape = text.slice(bad.index, bad.index + 3);
    throw new RequestError(400, `invalid URL escape ${quoteGo(escape)}`);
  }
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return decodeLoosely(spaced);
  }
}

/** Escapes that are not UTF-8 together. */
function decodeLoosely(text: string): string {
  const latin1 = Buffer.from(text, "utf8").toString("latin1");
  const bytes = latin1.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
