/**
 * Go's notation of numbers: what `strconv.ParseFloat` and `strconv.ParseInt` accept, and how
 * `strconv.FormatFloat` and `%v` print. Facts: https://pkg.go.dev/strconv.
 */

import { type GoParseError, strconvError } from "./parse-error.ts";
import { quoteGoString } from "./quote.ts";

const decimalFloat =
  /^[+-]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]*[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?$/;
const hexFloat = /^([+-]?)0[xX]([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?[0-9][0-9_]*)$/;
const plainFloat = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/;
/** An underscore that does not stand between two digits (or right after a base prefix). */
const strayUnderscore = /(?<![0-9a-fA-F]|0[xXoObB])_|_(?![0-9a-fA-F])/;

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

function syntaxError(name: string, text: string): GoParseError {
  const quoted = quoteGoString(text, { asciiOnly: false });
  return strconvError({ function: name, reason: "invalid syntax" }, quoted);
}

function rangeError(name: string, text: string): GoParseError {
  const quoted = quoteGoString(text, { asciiOnly: false });
  return strconvError({ function: name, reason: "value out of range" }, quoted);
}

/**
 * `strconv.ParseFloat(text, 64)`: decimal and hexadecimal floats, `_` between digits, `Inf`,
 * `Infinity` and `NaN` in any case. Throws GoParseError, also when the value is beyond float64.
 */
export function parseGoFloat(text: string): number {
  if (plainFloat.test(text)) return finite(Number(text), text);
  if (decimalFloat.test(text)) {
    if (text.includes("_") && strayUnderscore.test(text)) throw syntaxError("ParseFloat", text);
    return finite(Number(text.replaceAll("_", "")), text);
  }
  const special = parseSpecialFloat(text);
  if (special !== undefined) return special;
  const hex = hexFloat.exec(text);
  if (hex === null || strayUnderscore.test(text)) throw syntaxError("ParseFloat", text);
  return parseHexFloat(hex, text);
}

function finite(value: number, text: string): number {
  if (!Number.isFinite(value)) throw rangeError("ParseFloat", text);
  return value;
}

function parseSpecialFloat(text: string): number | undefined {
  switch (text.toLowerCase()) {
    case "nan":
      return Number.NaN;
    case "inf":
    case "+inf":
    case "infinity":
    case "+infinity":
      return Number.POSITIVE_INFINITY;
    case "-inf":
    case "-infinity":
      return Number.NEGATIVE_INFINITY;
    default:
      return undefined;
  }
}

function parseHexFloat(parts: RegExpExecArray, text: string): number {
  const [, sign = "", whole = "", fraction = "", exponentText = "0"] = parts;
  const fractionDigits = fraction.replaceAll("_", "");
  const digits = whole.replaceAll("_", "") + fractionDigits;
  if (digits === "") throw syntaxError("ParseFloat", text);
  const exponent = Number(exponentText.replaceAll("_", "")) - 4 * fractionDigits.length;
  const mantissa = Number(BigInt(`0x${digits}`));
  if (mantissa === 0) return sign === "-" ? -0 : 0;
  // Two steps, so that neither factor leaves the range while the product is still inside it.
  const half = Math.trunc(exponent / 2);
  const value = mantissa * 2 ** half * 2 ** (exponent - half);
  return finite(sign === "-" ? -value : value, text);
}

const digitsOfBase: ReadonlyMap<number, RegExp> = new Map([
  [2, /^[01]+$/],
  [8, /^[0-7]+$/],
  [10, /^[0-9]+$/],
  [16, /^[0-9a-fA-F]+$/],
]);

/**
 * `strconv.ParseInt(text, base, 64)`. Base 0 reads the base from the prefix (`0x`, `0o`, `0b`, a
 * leading `0` means octal) and allows `_` between digits. Throws GoParseError, also outside int64.
 */
export function parseGoInt(text: string, options: { base: 0 | 10 }): bigint {
  const isNegative = text.startsWith("-");
  let digits = isNegative || text.startsWith("+") ? text.slice(1) : text;
  let base = 10;
  if (options.base === 0) {
    if (digits.includes("_")) {
      if (strayUnderscore.test(digits)) throw syntaxError("ParseInt", text);
      digits = digits.replaceAll("_", "");
    }
    const prefix = /^0(?:[xX]|[oO]|[bB]|(?=.))/.exec(digits)?.[0] ?? "";
    if (prefix !== "") {
      digits = digits.slice(prefix.length);
      base = { x: 16, o: 8, b: 2 }[prefix.slice(1).toLowerCase()] ?? 8;
    }
  }
  if (digitsOfBase.get(base)?.test(digits) !== true) throw syntaxError("ParseInt", text);
  const value = BigInt(base === 10 ? digits : basePrefix(base) + digits);
  const signed = isNegative ? -value : value;
  if (signed < int64Min || signed > int64Max) throw rangeError("ParseInt", text);
  return signed;
}

function basePrefix(base: number): string {
  if (base === 16) return "0x";
  return base === 8 ? "0o" : "0b";
}

/** The fewest digits that read back as `value` (finite, not zero), and the first one's exponent. */
function shortestDigits(value: number): { digits: string; exponent: number } {
  const [mantissa = "", exponent = "0"] = Math.abs(value).toExponential().split("e");
  return { digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

function formatNonFinite(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return undefined;
}

/** The exponent as Go prints it: a sign and at least two digits. */
export function formatExponent(exponent: number): string {
  return `e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** From this decimal exponent on, `%v` and `%g` print the shortest digits with an exponent. */
const exponentFrom = 6;

/** `%v` of a float64: the shortest digits that read back: `1e-05`, `0.0001`, `123456`, `1e+06`. */
export function formatGoFloat(value: number): string {
  const special = formatNonFinite(value);
  if (special !== undefined) return special;
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const { digits, exponent } = shortestDigits(value);
  if (exponent >= -4 && exponent < exponentFrom) return formatSampleValue(value);
  const sign = value < 0 ? "-" : "";
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  return `${sign}${digits.slice(0, 1)}${fraction}${formatExponent(exponent)}`;
}

/**
 * A sample's value as Prometheus prints it (`strconv.FormatFloat(v, 'f', -1, 64)`): the shortest
 * digits, never an exponent.
 */
export function formatSampleValue(value: number): string {
  const special = formatNonFinite(value);
  if (special !== undefined) return special;
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const magnitude = Math.abs(value);
  // JavaScript prints without an exponent in this range, with the same shortest digits.
  if (magnitude < 1e21 && magnitude >= 1e-6) return String(value);
  const { digits, exponent } = shortestDigits(value);
  const sign = value < 0 ? "-" : "";
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, "0");
}
