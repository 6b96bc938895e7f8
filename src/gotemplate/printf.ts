/** `fmt.Sprintf`: verbs, flags, width, precision, and Go's notes about what does not fit. */

import { quoteGoRune, quoteGoString } from "#gofmt";
import { formatFloatVerb } from "./printf-float.ts";
import { widthMax } from "./limits.ts";
import { integerText, mapEntries, sourceText, timeText, valueText } from "./print.ts";
import { toBytes } from "./text-bytes.ts";
import {
  GoInteger,
  type GoMap,
  GoSlice,
  GoTime,
  type GoValue,
  type LabelMap,
  typeName,
} from "./values.ts";

export interface Verb {
  readonly verb: string;
  readonly plus: boolean;
  readonly minus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

const directivePattern =
  /%([+\-# 0]*)((?:\[[^\]]*\])?\*|[0-9]*)(?:(\.)((?:\[[^\]]*\])?\*|[0-9]*))?(\[[^\]]*\]?)?([^]?)/uy;

/** Which argument comes next. */
interface Cursor {
  readonly args: readonly GoValue[];
  next: number;
  reordered: boolean;
  isIndexGood: boolean;
}

export function sprintf(format: string, args: readonly GoValue[]): string {
  const cursor: Cursor = { args, next: 0, reordered: false, isIndexGood: true };
  let text = "";
  let from = 0;
  for (let at = format.indexOf("%"); at >= 0; at = format.indexOf("%", from)) {
    text += format.slice(from, at);
    directivePattern.lastIndex = at;
    const match = directivePattern.exec(format);
    from = at + (match?.[0].length ?? 1);
    text += match === null ? "%!(NOVERB)" : directive(match, cursor);
  }
  text += format.slice(from);
  if (!cursor.reordered && cursor.next < args.length) {
    const extra = args.slice(cursor.next).map((value) => {
      return value === null ? "<nil>" : `${typeName(value)}=${valueText(value)}`;
    });
    text += `%!(EXTRA ${extra.join(", ")})`;
  }
  return text;
}

function directive(match: RegExpExecArray, cursor: Cursor): string {
  const [, flags = "", widthText = "", dot, precisionText = "", indexText, verb = ""] = match;
  let notes = "";
  cursor.isIndexGood = true;
  const width = readSize(widthText, cursor);
  if (width.isBad) notes += "%!(BADWIDTH)";
  const precision = readSize(precisionText, cursor);
  const isBadPrecision = precision.isBad || (precision.size ?? 0) < 0;
  if (isBadPrecision) notes += "%!(BADPREC)";
  if (indexText !== undefined) readIndex(indexText, cursor);
  if (verb === "") return `${notes}%!(NOVERB)`;
  if (verb === "%") return `${notes}%`;
  if (!cursor.isIndexGood) return `${notes}%!${verb}(BADINDEX)`;
  const value = cursor.args[cursor.next];
  if (value === undefined) return `${notes}%!${verb}(MISSING)`;
  cursor.next++;
  const minus = flags.includes("-") || (width.size ?? 0) < 0;
  const given = isBadPrecision ? undefined : (precision.size ?? 0);
  const spec: Verb = {
    verb,
    plus: flags.includes("+"),
    minus,
    sharp: flags.includes("#"),
    space: flags.includes(" "),
    zero: flags.includes("0") && !minus,
    width: width.size === undefined ? undefined : Math.abs(width.size),
    precision: dot === undefined ? undefined : given,
  };
  return notes + formatVerb(value, spec);
}

/** A number, or `*` for the next argument, or `[2]*`. */
function readSize(text: string, cursor: Cursor): { size: number | undefined; isBad: boolean } {
  if (text === "") return { size: undefined, isBad: false };
  if (!text.endsWith("*")) {
    const size = Number(text);
    return size > widthMax ? { size: undefined, isBad: true } : { size, isBad: false };
  }
  if (text.length > 1) readIndex(text.slice(0, -1), cursor);
  const value = cursor.args[cursor.next];
  if (value !== undefined) cursor.next++;
  if (!(value instanceof GoInteger)) return { size: undefined, isBad: true };
  const size = Number(value.value);
  const isBad = Math.abs(size) > widthMax;
  return { size: isBad ? undefined : size, isBad };
}

function readIndex(text: string, cursor: Cursor): void {
  cursor.reordered = true;
  const index = /^\[([0-9]{1,7})\]$/.exec(text)?.[1];
  const position = Number(index) - 1;
  if (index === undefined || position < 0 || position >= cursor.args.length) {
    cursor.isIndexGood = false;
    return;
  }
  cursor.next = position;
}

function padded(text: string, verb: Verb): string {
  if (verb.width === undefined) return text;
  const missing = verb.width - Array.from(text).length;
  if (missing <= 0) return text;
  if (verb.minus) return text + " ".repeat(missing);
  return (verb.zero ? "0" : " ").repeat(missing) + text;
}

function badVerb(value: GoValue, verb: Verb): string {
  if (value === null) return `%!${verb.verb}(<nil>)`;
  return `%!${verb.verb}(${typeName(value)}=${valueText(value)})`;
}

function formatVerb(value: GoValue, verb: Verb): string {
  if (verb.verb === "T") return formatString(typeName(value), { ...verb, verb: "s" });
  if (value === null) return verb.verb === "v" ? padded("<nil>", verb) : badVerb(value, verb);
  if (verb.verb === "v" && verb.sharp) return padded(sourceText(value), verb);
  if (typeof value === "string") return formatString(value, verb);
  if (typeof value === "boolean") {
    const isFitting = verb.verb === "t" || verb.verb === "v";
    return isFitting ? padded(String(value), verb) : badVerb(value, verb);
  }
  if (typeof value === "number") {
    return formatFloatVerb(value, verb) ?? badVerb(value, verb);
  }
  if (value instanceof GoInteger) {
    const hasName = value.type.startsWith("time.");
    if (hasName && "vsqxX".includes(verb.verb)) return formatString(integerText(value), verb);
    return formatInteger(value, verb);
  }
  if (value instanceof GoTime) return formatString(timeText(value), verb);
  return formatCollection(value, verb);
}

function formatCollection(value: GoSlice | GoMap | LabelMap, verb: Verb): string {
  if (value instanceof GoSlice) {
    return `[${value.items.map((item) => formatElement(item, verb)).join(" ")}]`;
  }
  const entries = mapEntries(value).map(
    ([key, item]) => `${formatVerb(key, verb)}:${formatElement(item, verb)}`,
  );
  return `map[${entries.join(" ")}]`;
}

/** A nil inside a collection is printed plainly by `%v` and `%s` alike. */
function formatElement(value: GoValue, verb: Verb): string {
  if (value === null && verb.verb === "s") return "%!s(<nil>)";
  return formatVerb(value, verb);
}

function cut(text: string, precision: number | undefined): string {
  return precision === undefined ? text : Array.from(text).slice(0, precision).join("");
}

function formatString(text: string, verb: Verb): string {
  switch (verb.verb) {
    case "v":
    case "s":
      return padded(cut(text, verb.precision), verb);
    case "q": {
      const kept = cut(text, verb.precision);
      // `%#q` is a raw string where one can hold the text.
      const isRaw = verb.sharp && !/[`\p{Cc}\ufeff]/u.test(kept.replaceAll("\t", ""));
      const quoted = isRaw ? `\`${kept}\`` : quoteGoString(kept, { asciiOnly: verb.plus });
      return padded(quoted, verb);
    }
    case "x":
    case "X":
      return padded(hexText(text, verb), verb);
    default:
      return badVerb(text, verb);
  }
}

function hexText(text: string, verb: Verb): string {
  const prefix = verb.sharp ? "0x" : "";
  const bytes = toBytes(text);
  const pairs = Array.from(bytes.subarray(0, verb.precision ?? bytes.length), (byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  if (pairs.length === 0) return "";
  const hex = verb.space ? pairs.map((pair) => prefix + pair).join(" ") : prefix + pairs.join("");
  return verb.verb === "X" ? hex.toUpperCase() : hex;
}

const bases: ReadonlyMap<string, { radix: number; prefix: string }> = new Map([
  ["v", { radix: 10, prefix: "" }],
  ["d", { radix: 10, prefix: "" }],
  ["b", { radix: 2, prefix: "0b" }],
  ["o", { radix: 8, prefix: "0" }],
  ["O", { radix: 8, prefix: "0o" }],
  ["x", { radix: 16, prefix: "0x" }],
  ["X", { radix: 16, prefix: "0X" }],
]);

function formatInteger(integer: GoInteger, verb: Verb): string {
  const value = integer.value;
  const codePoint = value >= 0n && value <= 0x10ffffn ? Number(value) : 0xfffd;
  if (verb.verb === "c") return padded(String.fromCodePoint(codePoint).toWellFormed(), verb);
  if (verb.verb === "q") return padded(quoteGoRune(codePoint, { asciiOnly: verb.plus }), verb);
  if (verb.verb === "U") {
    const hex = BigInt.asUintN(64, value).toString(16).toUpperCase();
    const text = `U+${hex.padStart(Math.max(4, verb.precision ?? 0), "0")}`;
    const quoted = quoteGoRune(codePoint, { asciiOnly: false });
    return padded(verb.sharp ? `${text} ${quoted}` : text, { ...verb, zero: false });
  }
  const base = bases.get(verb.verb);
  if (base === undefined) return badVerb(integer, verb);
  const isNegative = value < 0n;
  let digits = (isNegative ? -value : value).toString(base.radix);
  if (verb.verb === "X") digits = digits.toUpperCase();
  if (verb.precision === 0 && value === 0n) return padded("", { ...verb, zero: false });
  const hasSign = isNegative || verb.plus || verb.space;
  const zeros = verb.zero ? (verb.width ?? 0) - (hasSign ? 1 : 0) : 0;
  digits = digits.padStart(verb.precision ?? zeros, "0");
  if (verb.sharp || verb.verb === "O") {
    const isOctalAlready = verb.verb === "o" && digits.startsWith("0");
    if (!isOctalAlready) digits = base.prefix + digits;
  }
  const positive = verb.plus ? "+" : verb.space ? " " : "";
  return padded((isNegative ? "-" : positive) + digits, { ...verb, zero: false });
}
