// Fields that stand in a line though the query does not parse it: the first level of JSON, or
// key=value. Only for showing and for offering a filter; the server's parsers decide.
import { withoutAnsi } from "./ansi.ts";

export interface LineFields {
  readonly kind: "json" | "logfmt";
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** Longer lines are not looked into. */
const charsMax = 100_000;
/** More fields than this are not shown. */
const fieldsMax = 200;
/** `level=info msg="…"`: fewer pairs than this may be chance. */
const pairsMin = 2;

export function lineFields(line: string): LineFields | undefined {
  if (line.length > charsMax) return undefined;
  const text = withoutAnsi(line).trim();
  return text.startsWith("{") ? jsonFields(text) : logfmtFields(text);
}

function jsonFields(text: string): LineFields | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields: [string, string][] = [];
  collect(value, "", fields);
  return { kind: "json", fields: fields.slice(0, fieldsMax) };
}

/** Names as the parser makes them: nested ones joined by `_`, what a name may not hold is `_`. */
function collect(value: object, prefix: string, fields: [string, string][]): void {
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    if (fields.length >= fieldsMax) return;
    const name = prefix === "" ? nameOf(key) : `${prefix}_${nameOf(key)}`;
    if (typeof inner === "string") fields.push([name, inner]);
    else if (typeof inner === "number" || typeof inner === "boolean") {
      fields.push([name, String(inner)]);
    } else if (typeof inner === "object" && inner !== null && !Array.isArray(inner)) {
      collect(inner, name, fields);
    }
  }
}

function nameOf(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9_]/g, "_");
  return /^\d/.test(name) ? `_${name}` : name;
}

function logfmtFields(text: string): LineFields | undefined {
  const fields: [string, string][] = [];
  for (const match of text.matchAll(/(?:^|\s)([A-Za-z_][\w.-]*)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g)) {
    const quoted = match[2];
    fields.push([nameOf(match[1]!), quoted === undefined ? match[3]! : unescaped(quoted)]);
    if (fields.length >= fieldsMax) break;
  }
  return fields.length >= pairsMin ? { kind: "logfmt", fields } : undefined;
}

function unescaped(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
