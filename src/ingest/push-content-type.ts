import { RequestError } from "#base";

/** RFC 9110's token characters. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/;

/**
 * The media type of a Content-Type header, in lower case and without parameters. RequestError 400
 * in the words of Go's mime package for what is not one.
 */
export function parseMediaType(header: string | undefined): string {
  const value = header ?? "";
  const semicolon = value.indexOf(";");
  const media = (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  const type = token.exec(media)?.[0] ?? "";
  if (type === "") throw new RequestError(400, "mime: no media type");
  if (type !== media) {
    if (media[type.length] !== "/") {
      throw new RequestError(400, "mime: expected slash after first token");
    }
    const rest = media.slice(type.length + 1);
    const subtype = token.exec(rest)?.[0] ?? "";
    if (subtype === "") throw new RequestError(400, "mime: expected token after slash");
    if (subtype !== rest) {
      throw new RequestError(400, "mime: unexpected content after media subtype");
    }
  }
  if (semicolon >= 0) checkParameters(value.slice(semicolon));
  return media;
}

const parameter =
  /^\s*;\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[!#$%&'*+\-.^_`|~0-9A-Za-z]+)/;

function checkParameters(text: string): void {
  const names = new Set<string>();
  let rest = text;
  while (rest.trim() !== "" && rest.trim() !== ";") {
    const found = parameter.exec(rest);
    if (found === null) throw new RequestError(400, "mime: invalid media parameter");
    const name = found[1]!.toLowerCase();
    if (names.has(name)) throw new RequestError(400, "mime: duplicate parameter name");
    names.add(name);
    rest = rest.slice(found[0].length);
  }
}
