/**
 * Go's notation of durations, `1h2m3.5s`: `time.ParseDuration` and `Duration.String`.
 * Facts: https://pkg.go.dev/time.
 */

import { GoParseError } from "./parse-error.ts";

const nsPerUnit: ReadonlyMap<string, number> = new Map([
  ["ns", 1],
  ["us", 1e3],
  ["µs", 1e3],
  ["μs", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
  ["m", 60e9],
  ["h", 3600e9],
]);

const durationPart = /([0-9]*)(\.?)([0-9]*)([^0-9.]*)/y;
const int64Limit = 2n ** 63n;
const utf8 = new TextEncoder();

/** The `time` package's own quoting: bytes outside printable ASCII become hexadecimal escapes. */
export function quoteForTime(text: string): string {
  const body = text.replace(/["\\]|[^ -~]+/gu, (found) => {
    if (found === '"' || found === "\\") return `\\${found}`;
    const bytes = Array.from(utf8.encode(found), (byte) => byte.toString(16).padStart(2, "0"));
    return bytes.map((byte) => `\\x${byte}`).join("");
  });
  return `"${body}"`;
}

function invalidDuration(text: string): GoParseError {
  return new GoParseError(`time: invalid duration ${quoteForTime(text)}`);
}

/** `time.ParseDuration`, in nanoseconds. Throws GoParseError; of bare numbers only 0 is read. */
export function parseGoDuration(text: string): bigint {
  const isNegative = text.startsWith("-");
  const from = isNegative || text.startsWith("+") ? 1 : 0;
  if (text.length === from) throw invalidDuration(text);
  if (text.length === from + 1 && text.charCodeAt(from) === 0x30) return 0n;
  let total = 0n;
  durationPart.lastIndex = from;
  while (durationPart.lastIndex < text.length) {
    total += parsePart(durationPart.exec(text), text);
    if (total > int64Limit) throw invalidDuration(text);
  }
  if (!isNegative && total === int64Limit) throw invalidDuration(text);
  return isNegative ? -total : total;
}

function parsePart(part: RegExpExecArray | null, text: string): bigint {
  const [, whole = "", , fraction = "", unit = ""] = part ?? [];
  if (whole === "" && fraction === "") throw invalidDuration(text);
  const wholeCount = BigInt(whole === "" ? 0 : whole);
  if (wholeCount > int64Limit) throw invalidDuration(text);
  if (unit === "") {
    throw new GoParseError(`time: missing unit in duration ${quoteForTime(text)}`);
  }
  const unitNs = nsPerUnit.get(unit);
  if (unitNs === undefined) {
    const place = `${quoteForTime(unit)} in duration ${quoteForTime(text)}`;
    throw new GoParseError(`time: unknown unit ${place}`);
  }
  // Digits past the 18th cannot change a nanosecond of an hour.
  const kept = fraction.slice(0, 18);
  const fractionNs = kept === "" ? 0 : Math.trunc(Number(kept) * (unitNs / 10 ** kept.length));
  return wholeCount * BigInt(unitNs) + BigInt(fractionNs);
}

/** `Duration.Seconds`: seconds as a float64. */
export function goDurationSeconds(durationNs: bigint): number {
  return Number(durationNs / 1_000_000_000n) + Number(durationNs % 1_000_000_000n) / 1e9;
}

/** `time.ParseDuration(text).Seconds()`. Throws GoParseError. */
export function parseGoDurationSeconds(text: string): number {
  return goDurationSeconds(parseGoDuration(text));
}

function withFraction(value: bigint, digitCount: number): string {
  const scale = 10n ** BigInt(digitCount);
  const fraction = (value % scale).toString().padStart(digitCount, "0").replace(/0+$/, "");
  return fraction === "" ? `${value / scale}` : `${value / scale}.${fraction}`;
}

/** `Duration.String`: `1h0m0.5s`, `12.5ms`, `3µs`, `0s`. */
export function formatGoDuration(durationNs: bigint): string {
  const sign = durationNs < 0n ? "-" : "";
  const ns = durationNs < 0n ? -durationNs : durationNs;
  if (ns === 0n) return "0s";
  if (ns < 1000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${withFraction(ns, 3)}µs`;
  if (ns < 1_000_000_000n) return `${sign}${withFraction(ns, 6)}ms`;
  const minutes = ns / 60_000_000_000n;
  const seconds = withFraction(ns % 60_000_000_000n, 9);
  if (minutes === 0n) return `${sign}${seconds}s`;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}s`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}s`;
}
