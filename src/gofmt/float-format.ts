/**
 * Floats to a given precision, rounded as Go's `strconv.FormatFloat` rounds: to the nearest, exact
 * halves to the even digit. The runtime's own `toFixed` rounds halves up, so the digits are made
 * from the exact binary value.
 */

import { formatExponent } from "./number.ts";

const bits = new DataView(new ArrayBuffer(8));

/** |value| = mantissa × 2^exponent, exactly. `value` is finite. */
export function decomposeFloat(value: number): { mantissa: bigint; exponent: number } {
  bits.setFloat64(0, Math.abs(value));
  const raw = bits.getBigUint64(0);
  const biased = Number(raw >> 52n);
  const fraction = raw & ((1n << 52n) - 1n);
  if (biased === 0) return { mantissa: fraction, exponent: -1074 };
  return { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** round(|value| × 10^scale), halves to even. */
function scaledInteger(value: number, scale: number): bigint {
  const { mantissa, exponent } = decomposeFloat(value);
  let numerator = mantissa;
  let denominator = 1n;
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  if (scale >= 0) numerator *= 10n ** BigInt(scale);
  else denominator *= 10n ** BigInt(-scale);
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  if (twice > denominator || (twice === denominator && (quotient & 1n) === 1n)) {
    return quotient + 1n;
  }
  return quotient;
}

/** `%.<precision>f` of |value|, finite. */
export function formatFixed(value: number, precision: number): string {
  const digits = scaledInteger(value, precision)
    .toString()
    .padStart(precision + 1, "0");
  const point = digits.length - precision;
  return precision === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** The digits of |value|, finite: the first and `precision` more, and the first one's exponent. */
export function significantDigits(
  value: number,
  precision: number,
): { digits: string; exponent: number } {
  if (value === 0) return { digits: "0".repeat(precision + 1), exponent: 0 };
  let exponent = Number(Math.abs(value).toExponential().split("e")[1]);
  let digits = scaledInteger(value, precision - exponent).toString();
  if (digits.length > precision + 1) {
    exponent++;
    digits = digits.slice(0, precision + 1);
  }
  return { digits, exponent };
}

/** `%.<precision>e` of |value|, finite. */
export function formatScientific(value: number, precision: number): string {
  const { digits, exponent } = significantDigits(value, precision);
  const fraction = precision === 0 ? "" : `.${digits.slice(1)}`;
  return digits.slice(0, 1) + fraction + formatExponent(exponent);
}

/** `%.<precision>g` of |value|, finite: zeros at the end are dropped. */
export function formatGeneral(value: number, precision: number): string {
  const wanted = Math.max(precision, 1);
  const { digits, exponent } = significantDigits(value, wanted - 1);
  const kept = digits.replace(/0+$/, "") || "0";
  // Go compares with the number of digits there are when that is below the precision asked for.
  const limit = wanted > kept.length && kept.length >= exponent + 1 ? kept.length : wanted;
  if (exponent < -4 || exponent >= limit) {
    const fraction = kept.length > 1 ? `.${kept.slice(1)}` : "";
    return kept.slice(0, 1) + fraction + formatExponent(exponent);
  }
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${kept}`;
  const whole = kept.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = kept.slice(exponent + 1);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
