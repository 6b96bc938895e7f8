/** How templates read any value as a number: what cannot be read is 0 (Go's package `cast`). */

import { GoParseError, parseGoFloat, parseGoInt } from "#gofmt";
import { GoInteger, type GoValue } from "./values.ts";

const int64Min = -(2n ** 63n);

function orZero<T>(zero: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof GoParseError) return zero;
    throw error;
  }
}

/** `3.7` is read as `3`, `-.5` as `-0`; anything else with a point is left to fail. */
function withoutFraction(text: string): string {
  const whole = /^([-+]?[0-9]*)(?:\.[0-9]*)?$/.exec(text)?.[1];
  if (!text.includes(".") || whole === undefined) return text;
  return /[0-9]$/.test(whole) ? whole : `${whole}0`;
}

/** An int64. Prefixes as in Go source: `0x10` is 16, `010` is 8. */
export function readInteger(value: GoValue): bigint {
  if (typeof value === "string") {
    return orZero(0n, () => parseGoInt(withoutFraction(value), { base: 0 }));
  }
  if (typeof value === "number") {
    // What amd64 gives for a float that is no int64.
    const isInside = value >= -(2 ** 63) && value < 2 ** 63;
    return isInside ? BigInt(Math.trunc(value)) : int64Min;
  }
  if (typeof value === "boolean") return value ? 1n : 0n;
  return value instanceof GoInteger ? value.value : 0n;
}

export function readFloat(value: GoValue): number {
  if (typeof value === "string") return orZero(0, () => parseGoFloat(value));
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return value instanceof GoInteger ? Number(value.value) : 0;
}
