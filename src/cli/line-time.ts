/** The time that stands in a line of a log, for lines that come without one. Pure. */
import { nsPerSecond } from "#base";

/** Times stand in front; further back they are more often about something else. */
const searchedCharacters = 160;

/** RFC 3339 and its cousins: `T` or blank, `.` or `,`, zone with or without colon, or none (UTC). */
const isoTime =
  /(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?/;

/** `02/Jan/2006:15:04:05 -0700`, of web servers. */
const webServerTime = /(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})/;

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"].concat([
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
]);

/** A member of a JSON or logfmt line with Unix time: seconds, or ms, µs, ns by its size. */
const unixTime =
  /(?:"(?:ts|time|timestamp|@timestamp)"\s*:\s*|\b(?:ts|time)=)"?(\d{10,19})(\.\d+)?/;

/** Nanoseconds since 1970; undefined when no time is found. */
export function timeOfLine(line: string): bigint | undefined {
  const start = line.slice(0, searchedCharacters);
  const iso = isoTime.exec(start);
  if (iso !== null) {
    const [, year, month, day, hours, minutes, seconds, fraction = "", zone] = iso;
    const date = { year, month: Number(month), day, hours, minutes, seconds };
    return timeNs(date, fraction, zone);
  }
  const web = webServerTime.exec(start);
  if (web !== null) {
    const [, day, monthName, year, hours, minutes, seconds, zone] = web;
    const month = months.indexOf(monthName!) + 1;
    if (month > 0) return timeNs({ year, month, day, hours, minutes, seconds }, "", zone);
  }
  const unix = unixTime.exec(line);
  return unix === null ? undefined : unixNs(unix[1]!, unix[2] ?? "");
}

interface DateParts {
  readonly year: string | undefined;
  readonly month: number;
  readonly day: string | undefined;
  readonly hours: string | undefined;
  readonly minutes: string | undefined;
  readonly seconds: string | undefined;
}

function timeNs(date: DateParts, fraction: string, zone: string | undefined): bigint | undefined {
  const { year, month, day, hours, minutes, seconds } = date;
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)];
  if (month < 1 || month > 12 || Number(day) < 1 || Number(day) > 31) return undefined;
  if (h > 23 || m > 59 || s > 60) return undefined;
  const ms = Date.UTC(Number(year), month - 1, Number(day), h, m, s) - zoneMs(zone);
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

function zoneMs(zone: string | undefined): number {
  if (zone === undefined || zone === "Z") return 0;
  const digits = zone.slice(1).replace(":", "");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}

function unixNs(digits: string, fraction: string): bigint {
  const whole = BigInt(digits);
  if (digits.length <= 11) {
    return whole * nsPerSecond + BigInt(fraction.slice(1, 10).padEnd(9, "0"));
  }
  if (digits.length <= 14) return whole * 1_000_000n;
  return digits.length <= 17 ? whole * 1000n : whole;
}
