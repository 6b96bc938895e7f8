import { GoParseError, parseGoDuration, parseGoFloat, parseGoInt, parseHumanBytes } from "#gofmt";

export type FieldType = "string" | "int" | "float" | "boolean" | "duration" | "bytes";

/** As Go's strconv.ParseBool; `0` and `1` are whole numbers before that. */
const booleans: ReadonlySet<string> = new Set([
  "t",
  "T",
  "true",
  "TRUE",
  "True",
  "f",
  "F",
  "false",
  "FALSE",
  "False",
]);

/** What a value can be read as, the narrowest first, with Go's notation as everywhere in LogQL. */
export function fieldTypeOf(value: string): FieldType {
  if (reads(() => parseGoInt(value, { base: 10 }))) return "int";
  if (reads(() => parseGoFloat(value))) return "float";
  if (booleans.has(value)) return "boolean";
  if (reads(() => parseGoDuration(value))) return "duration";
  if (reads(() => parseHumanBytes(value))) return "bytes";
  return "string";
}

/** Is the whole value a number? */
export function isNumber(value: string): boolean {
  return reads(() => parseGoFloat(value));
}

function reads(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof GoParseError) return false;
    throw error;
  }
}
