/** The float verbs of fmt: `%e %E %f %F %g %G %b %x %X %v`. */

import {
  decomposeFloat,
  formatFixed,
  formatGeneral,
  formatGoFloat,
  formatScientific,
} from "#gofmt";
import type { Verb } from "./printf.ts";

/** undefined when the verb is not one for floats. */
export function formatFloatVerb(value: number, verb: Verb): string | undefined {
  const magnitude = magnitudeText(value, verb);
  if (magnitude === undefined) return undefined;
  const isNegative = value < 0 || Object.is(value, -0);
  const isInfinite = Math.abs(value) === Number.POSITIVE_INFINITY;
  // An infinity shows its sign always, as %v of a sample would.
  const positive = verb.plus || isInfinite ? "+" : verb.space ? " " : "";
  const sign = Number.isNaN(value) ? (verb.plus ? "+" : "") : isNegative ? "-" : positive;
  const missing = (verb.width ?? 0) - sign.length - magnitude.length;
  if (missing <= 0) return sign + magnitude;
  if (verb.minus) return sign + magnitude + " ".repeat(missing);
  if (verb.zero && Number.isFinite(value)) return sign + "0".repeat(missing) + magnitude;
  return " ".repeat(missing) + sign + magnitude;
}

function magnitudeText(value: number, verb: Verb): string | undefined {
  if (!"eEfFgGbxXv".includes(verb.verb)) return undefined;
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return "Inf";
  const { precision } = verb;
  const magnitude = Math.abs(value);
  switch (verb.verb) {
    case "e":
      return formatScientific(magnitude, precision ?? 6);
    case "E":
      return formatScientific(magnitude, precision ?? 6).toUpperCase();
    case "f":
    case "F":
      return formatFixed(magnitude, precision ?? 6);
    case "g":
    case "v":
      return precision === undefined
        ? formatGoFloat(magnitude)
        : formatGeneral(magnitude, precision);
    case "G":
      return (
        precision === undefined ? formatGoFloat(magnitude) : formatGeneral(magnitude, precision)
      ).toUpperCase();
    case "b": {
      const { mantissa, exponent } = decomposeFloat(magnitude);
      return `${mantissa}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
    }
    default: {
      const text = hexFloat(magnitude, precision);
      return verb.verb === "X" ? text.toUpperCase() : text;
    }
  }
}

/** `0x1.8p+01`, with at least two digits of exponent. */
function hexFloat(magnitude: number, precision: number | undefined): string {
  if (magnitude === 0) {
    const zeros = precision === undefined || precision === 0 ? "" : `.${"0".repeat(precision)}`;
    return `0x0${zeros}p+00`;
  }
  let { mantissa, exponent } = decomposeFloat(magnitude);
  while (mantissa < 1n << 52n) {
    mantissa <<= 1n;
    exponent--;
  }
  let binaryExponent = exponent + 52;
  if (precision !== undefined && precision < 13) {
    const dropped = BigInt(4 * (13 - precision));
    const rest = mantissa & ((1n << dropped) - 1n);
    const half = 1n << (dropped - 1n);
    mantissa >>= dropped;
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++;
    mantissa <<= dropped;
    if (mantissa >= 1n << 53n) {
      mantissa >>= 1n;
      binaryExponent++;
    }
  }
  const all = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, "0");
  const kept =
    precision === undefined
      ? all.replace(/0+$/, "")
      : all.slice(0, precision).padEnd(precision, "0");
  const sign = binaryExponent < 0 ? "-" : "+";
  const digits = String(Math.abs(binaryExponent)).padStart(2, "0");
  return `0x1${kept === "" ? "" : `.${kept}`}p${sign}${digits}`;
}
