/** Reading a time by a Go layout: `time.ParseInLocation`. */

import { quoteForTime } from "./duration.ts";
import { GoParseError } from "./parse-error.ts";
import type { GoMoment } from "./time-format.ts";
import { monthNames, parseLayout, weekdayNames } from "./time-layout.ts";
import { fixedZone, type GoZone, utcZone } from "./time-zone.ts";

interface Reading {
  rest: string;
  year: number;
  month: number;
  day: number;
  yearDay: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  half: "am" | "pm" | undefined;
  isUtc: boolean;
  zoneName: string;
  offsetSeconds: number | undefined;
}

/** A field the text does not hold; the message is made where layout and text are known. */
class FieldMismatch extends Error {}
class FieldOutOfRange extends Error {}

/** Throws GoParseError, worded as Go's `ParseError`. `zone` is used where the text names none. */
export function parseGoTime(text: string, options: { layout: string; zone: GoZone }): GoMoment {
  const reading = emptyReading(text);
  const parts = parseLayout(options.layout);
  const quoted = quoteForTime(text);
  const place = `parsing time ${quoted} as ${quoteForTime(options.layout)}`;
  for (const [index, part] of parts.entries()) {
    const before = reading.rest;
    try {
      if (part.kind === "literal") skipLiteral(reading, part.text);
      else readField(reading, part.text, parts[index + 1]?.text ?? "");
    } catch (error) {
      if (error instanceof FieldOutOfRange) {
        throw new GoParseError(`parsing time ${quoted}: ${error.message} out of range`);
      }
      if (!(error instanceof FieldMismatch)) throw error;
      const wanted = quoteForTime(part.text);
      throw new GoParseError(`${place}: cannot parse ${quoteForTime(before)} as ${wanted}`);
    }
  }
  if (reading.rest !== "") {
    throw new GoParseError(`parsing time ${quoted}: extra text: ${quoteForTime(reading.rest)}`);
  }
  return momentOf(reading, { quoted, zone: options.zone });
}

function emptyReading(text: string): Reading {
  return {
    rest: text,
    year: 0,
    month: -1,
    day: -1,
    yearDay: -1,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    half: undefined,
    isUtc: false,
    zoneName: "",
    offsetSeconds: undefined,
  };
}

/** A run of blanks in the layout stands for any run of blanks, also none at the end of the text. */
function skipLiteral(reading: Reading, literal: string): void {
  let wanted = literal;
  while (wanted !== "") {
    if (wanted.startsWith(" ")) {
      if (reading.rest !== "" && !reading.rest.startsWith(" ")) throw new FieldMismatch();
      wanted = wanted.replace(/^ +/, "");
      reading.rest = reading.rest.replace(/^ +/, "");
      continue;
    }
    if (reading.rest.charAt(0) !== wanted.charAt(0)) throw new FieldMismatch();
    wanted = wanted.slice(1);
    reading.rest = reading.rest.slice(1);
  }
}

function take(reading: Reading, pattern: RegExp): string {
  const found = pattern.exec(reading.rest)?.[0];
  if (found === undefined) throw new FieldMismatch();
  reading.rest = reading.rest.slice(found.length);
  return found;
}

const oneOrTwoDigits = /^\d\d?/;
const twoDigits = /^\d\d/;

function takeNumber(
  reading: Reading,
  range: { pattern: RegExp; min: number; max: number; what: string },
): number {
  const value = Number(take(reading, range.pattern));
  if (value < range.min || value > range.max) throw new FieldOutOfRange(range.what);
  return value;
}

function takeName(reading: Reading, names: readonly string[], length: number | undefined): number {
  const rest = reading.rest.toLowerCase();
  for (const [index, name] of names.entries()) {
    const wanted = name.slice(0, length ?? name.length);
    if (!rest.startsWith(wanted.toLowerCase())) continue;
    reading.rest = reading.rest.slice(wanted.length);
    return index;
  }
  throw new FieldMismatch();
}

function readField(reading: Reading, field: string, next: string): void {
  switch (field) {
    case "2006":
      reading.year = Number(take(reading, /^\d{4}/));
      return;
    case "06": {
      const year = Number(take(reading, twoDigits));
      reading.year = year >= 69 ? year + 1900 : year + 2000;
      return;
    }
    case "January":
    case "Jan":
      reading.month = takeName(reading, monthNames, field === "Jan" ? 3 : undefined) + 1;
      return;
    case "1":
    case "01": {
      const pattern = field === "1" ? oneOrTwoDigits : twoDigits;
      reading.month = takeNumber(reading, { pattern, min: 1, max: 12, what: "month" });
      return;
    }
    case "Monday":
    case "Mon":
      takeName(reading, weekdayNames, field === "Mon" ? 3 : undefined);
      return;
    case "2":
    case "_2":
      if (field === "_2" && reading.rest.startsWith(" ")) reading.rest = reading.rest.slice(1);
      reading.day = Number(take(reading, oneOrTwoDigits));
      return;
    case "02":
      reading.day = Number(take(reading, twoDigits));
      return;
    case "002":
    case "__2":
      reading.yearDay = Number(
        take(reading, field === "002" ? /^\d{3}/ : /^(?: {2}\d| \d\d|\d{3})/),
      );
      return;
    default:
      readClockField(reading, field, next);
  }
}

function readClockField(reading: Reading, field: string, next: string): void {
  const pattern = field.startsWith("0") ? twoDigits : oneOrTwoDigits;
  switch (field) {
    case "15":
      reading.hour = takeNumber(reading, { pattern, min: 0, max: 23, what: "hour" });
      return;
    case "3":
    case "03":
      reading.hour = takeNumber(reading, { pattern, min: 0, max: 12, what: "hour" });
      return;
    case "4":
    case "04":
      reading.minute = takeNumber(reading, { pattern, min: 0, max: 59, what: "minute" });
      return;
    case "5":
    case "05":
      reading.second = takeNumber(reading, { pattern, min: 0, max: 59, what: "second" });
      // A fraction may follow the seconds even where the layout has none.
      if (!/^[.,]/.test(next) && /^[.,]\d/.test(reading.rest)) readFraction(reading);
      return;
    case "PM":
      reading.half = take(reading, /^[AP]M/) === "PM" ? "pm" : "am";
      return;
    case "pm":
      reading.half = take(reading, /^[ap]m/) === "pm" ? "pm" : "am";
      return;
    case "MST":
      readZoneName(reading);
      return;
    default:
      if (!/^[.,]/.test(field)) readOffset(reading, field);
      else if (field.charAt(1) === "9") {
        if (/^[.,]\d/.test(reading.rest)) readFraction(reading);
      } else {
        const digits = take(reading, new RegExp(`^[.,]\\d{${field.length - 1}}`)).slice(1);
        reading.nanosecond = Number(digits.slice(0, 9).padEnd(9, "0"));
      }
  }
}

function readFraction(reading: Reading): void {
  const digits = take(reading, /^[.,]\d+/).slice(1);
  reading.nanosecond = Number(digits.slice(0, 9).padEnd(9, "0"));
}

function readZoneName(reading: Reading): void {
  if (reading.rest.startsWith("UTC")) {
    reading.rest = reading.rest.slice(3);
    reading.isUtc = true;
    return;
  }
  const pattern = /^(?:ChST|MeST|GMT(?:[+-]\d{1,2})?|[+-]\d\d(?:\d\d)?|[A-Z]{3,4}T|[A-Z]{3}|WITA)/;
  reading.zoneName = take(reading, pattern);
}

function readOffset(reading: Reading, field: string): void {
  if (field.startsWith("Z") && reading.rest.startsWith("Z")) {
    reading.rest = reading.rest.slice(1);
    reading.isUtc = true;
    return;
  }
  const colon = field.includes(":") ? ":" : "";
  const groups = field.length === 3 ? 1 : field.length <= 6 ? 2 : 3;
  const pattern = new RegExp(`^[+-]${Array.from({ length: groups }, () => "\\d\\d").join(colon)}`);
  const found = take(reading, pattern);
  const [hours = 0, minutes = 0, seconds = 0] = (found.match(/\d\d/g) ?? []).map(Number);
  if (hours > 24) throw new FieldOutOfRange("time zone offset hour");
  if (minutes > 59) throw new FieldOutOfRange("time zone offset minute");
  if (seconds > 59) throw new FieldOutOfRange("time zone offset second");
  const magnitude = hours * 3600 + minutes * 60 + seconds;
  reading.offsetSeconds = found.startsWith("-") ? -magnitude : magnitude;
}

function localSeconds(reading: Reading, quoted: string): number {
  let { month, day } = reading;
  const midnight = new Date(0);
  if (reading.yearDay >= 0) {
    midnight.setUTCFullYear(reading.year, 0, reading.yearDay);
    const isThere = reading.yearDay >= 1 && midnight.getUTCFullYear() === reading.year;
    if (!isThere) throw new GoParseError(`parsing time ${quoted}: day-of-year out of range`);
    const differs =
      (month >= 0 && month !== midnight.getUTCMonth() + 1) ||
      (day >= 0 && day !== midnight.getUTCDate());
    if (differs) {
      throw new GoParseError(`parsing time ${quoted}: day-of-year does not match`);
    }
  } else {
    month = month < 0 ? 1 : month;
    day = day < 0 ? 1 : day;
    midnight.setUTCFullYear(reading.year, month - 1, day);
    if (day < 1 || midnight.getUTCDate() !== day) {
      throw new GoParseError(`parsing time ${quoted}: day out of range`);
    }
  }
  let hour = reading.hour;
  if (reading.half === "pm" && hour < 12) hour += 12;
  else if (reading.half === "am" && hour === 12) hour = 0;
  return midnight.getTime() / 1000 + hour * 3600 + reading.minute * 60 + reading.second;
}

/** The offset that holds at a local time; next to a change of the clock, as `time.Date` decides. */
function offsetAtLocal(zone: GoZone, seconds: number): number {
  const guess = zone.offsetSecondsAt(seconds);
  return zone.offsetSecondsAt(seconds - guess);
}

function momentOf(reading: Reading, context: { quoted: string; zone: GoZone }): GoMoment {
  const seconds = localSeconds(reading, context.quoted);
  const at = (offsetSeconds: number, zone: GoZone): GoMoment => ({
    ns: BigInt(seconds - offsetSeconds) * 1_000_000_000n + BigInt(reading.nanosecond),
    zone,
  });
  if (reading.isUtc) return at(0, utcZone);
  if (reading.offsetSeconds !== undefined) {
    const unixSeconds = seconds - reading.offsetSeconds;
    const isLocal = context.zone.offsetSecondsAt(unixSeconds) === reading.offsetSeconds;
    const zone = isLocal ? context.zone : fixedZone(reading.zoneName, reading.offsetSeconds);
    return at(reading.offsetSeconds, zone);
  }
  const offset = offsetAtLocal(context.zone, seconds);
  if (reading.zoneName === "") return at(offset, context.zone);
  if (context.zone.abbreviationAt(seconds - offset) === reading.zoneName) {
    return at(offset, context.zone);
  }
  const hours = /^(?:GMT)?([+-]\d{1,2})$/.exec(reading.zoneName)?.[1];
  const named = Number(hours ?? 0) * 3600;
  return at(named, fixedZone(reading.zoneName, named));
}
