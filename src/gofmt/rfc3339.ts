/** RFC 3339 times with nanoseconds, the layout Go calls `time.RFC3339Nano`. */

import { quoteForTime } from "./duration.ts";
import { GoParseError } from "./parse-error.ts";
import { parseGoTime } from "./time-parse.ts";
import { utcZone } from "./time-zone.ts";

const layout = "2006-01-02T15:04:05.999999999Z07:00";
const pattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

function outOfRange(text: string, what: string): GoParseError {
  return new GoParseError(`parsing time ${quoteForTime(text)}: ${what} out of range`);
}

/** `time.Parse(time.RFC3339Nano, text)`. Throws GoParseError. */
export function parseRfc3339Nano(text: string): bigint {
  const parts = pattern.exec(text);
  if (parts === null) return parseGoTime(text, { layout, zone: utcZone }).ns;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map(Number);
  if (month < 1 || month > 12) throw outOfRange(text, "month");
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  if (day < 1 || midnight.getUTCDate() !== day) throw outOfRange(text, "day");
  if (hour > 23) throw outOfRange(text, "hour");
  if (minute > 59) throw outOfRange(text, "minute");
  if (second > 59) throw outOfRange(text, "second");
  const fractionNs = BigInt((parts[7] ?? "").slice(0, 9).padEnd(9, "0"));
  const seconds = midnight.getTime() / 1000 + hour * 3600 + minute * 60 + second;
  return BigInt(seconds - zoneSeconds(parts[8] ?? "Z")) * 1_000_000_000n + fractionNs;
}

function zoneSeconds(zone: string): number {
  if (zone === "Z") return 0;
  const offset = Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(4, 6)) * 60;
  return zone.startsWith("-") ? -offset : offset;
}

/** In UTC, as Go formats `time.RFC3339Nano`: trailing zeros of the fraction are left out. */
export function formatRfc3339Nano(timeNs: bigint): string {
  const fractionNs = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (timeNs - fractionNs) / 1_000_000_000n;
  const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = fractionNs.toString().padStart(9, "0").replace(/0+$/, "");
  return fraction === "" ? `${date}Z` : `${date}.${fraction}Z`;
}
