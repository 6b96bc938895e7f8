/** A moment seen in a zone, and its text by a Go layout. */

import { monthNames, parseLayout, weekdayNames } from "./time-layout.ts";
import { type GoZone, utcZone } from "./time-zone.ts";

/** `time.Time`: nanoseconds since 1970 (any size) and the zone it is shown in. */
export interface GoMoment {
  readonly ns: bigint;
  readonly zone: GoZone;
}

/** Go's zero time, the first of January of the year 1. */
export const zeroMoment: GoMoment = { ns: -62_135_596_800_000_000_000n, zone: utcZone };

export interface CivilTime {
  readonly year: number;
  /** 1…12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly yearDay: number;
  readonly offsetSeconds: number;
  readonly unixSeconds: number;
}

const nsPerSecond = 1_000_000_000n;

/** Seconds since 1970, rounded towards the past. */
export function unixSecondsOf(ns: bigint): bigint {
  const seconds = ns / nsPerSecond;
  return ns % nsPerSecond < 0n ? seconds - 1n : seconds;
}

/** Calendar and clock of a moment; undefined outside the years the runtime's calendar covers. */
export function civilTime(moment: GoMoment): CivilTime | undefined {
  const whole = unixSecondsOf(moment.ns);
  const unixSeconds = Number(whole);
  if (Math.abs(unixSeconds) > 8.64e12 - 86_400) return undefined;
  const offsetSeconds = moment.zone.offsetSecondsAt(unixSeconds);
  const shifted = new Date((unixSeconds + offsetSeconds) * 1000);
  const newYear = new Date(shifted);
  newYear.setUTCMonth(0, 1);
  newYear.setUTCHours(0, 0, 0, 0);
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
    nanosecond: Number(moment.ns - whole * nsPerSecond),
    weekday: shifted.getUTCDay(),
    yearDay: Math.floor((shifted.getTime() - newYear.getTime()) / 86_400_000) + 1,
    offsetSeconds,
    unixSeconds,
  };
}

function pad(value: number, width: number): string {
  return value < 0 ? `-${String(-value).padStart(width, "0")}` : String(value).padStart(width, "0");
}

/** `Time.Format`. A moment outside the runtime's calendar gives an empty text. */
export function formatGoTime(moment: GoMoment, layout: string): string {
  const civil = civilTime(moment);
  if (civil === undefined) return "";
  let text = "";
  for (const part of parseLayout(layout)) {
    text += part.kind === "literal" ? part.text : formatField(part.text, civil, moment.zone);
  }
  return text;
}

function formatField(field: string, civil: CivilTime, zone: GoZone): string {
  switch (field) {
    case "2006":
      return pad(civil.year, 4);
    case "06":
      return pad(Math.abs(civil.year) % 100, 2);
    case "January":
      return monthNames[civil.month - 1] ?? "";
    case "Jan":
      return (monthNames[civil.month - 1] ?? "").slice(0, 3);
    case "1":
      return String(civil.month);
    case "01":
      return pad(civil.month, 2);
    case "Monday":
      return weekdayNames[civil.weekday] ?? "";
    case "Mon":
      return (weekdayNames[civil.weekday] ?? "").slice(0, 3);
    case "2":
      return String(civil.day);
    case "_2":
      return String(civil.day).padStart(2);
    case "02":
      return pad(civil.day, 2);
    case "__2":
      return String(civil.yearDay).padStart(3);
    case "002":
      return pad(civil.yearDay, 3);
    case "MST":
      return zone.abbreviationAt(civil.unixSeconds) || formatOffset("-0700", civil.offsetSeconds);
    default:
      return formatClockField(field, civil);
  }
}

function formatClockField(field: string, civil: CivilTime): string {
  const hour12 = civil.hour % 12 === 0 ? 12 : civil.hour % 12;
  switch (field) {
    case "15":
      return pad(civil.hour, 2);
    case "3":
      return String(hour12);
    case "03":
      return pad(hour12, 2);
    case "4":
      return String(civil.minute);
    case "04":
      return pad(civil.minute, 2);
    case "5":
      return String(civil.second);
    case "05":
      return pad(civil.second, 2);
    case "PM":
      return civil.hour >= 12 ? "PM" : "AM";
    case "pm":
      return civil.hour >= 12 ? "pm" : "am";
    default:
      return /^[.,]/.test(field)
        ? formatFraction(field, civil.nanosecond)
        : formatOffset(field, civil.offsetSeconds);
  }
}

function formatFraction(field: string, nanosecond: number): string {
  const digits = pad(nanosecond, 9)
    .slice(0, field.length - 1)
    .padEnd(field.length - 1, "0");
  if (field.charAt(1) === "0") return field.charAt(0) + digits;
  const kept = digits.replace(/0+$/, "");
  return kept === "" ? "" : field.charAt(0) + kept;
}

function formatOffset(field: string, offsetSeconds: number): string {
  if (field.startsWith("Z") && offsetSeconds === 0) return "Z";
  const magnitude = Math.abs(offsetSeconds);
  const hours = pad(Math.trunc(magnitude / 3600), 2);
  const minutes = pad(Math.trunc(magnitude / 60) % 60, 2);
  const colon = field.includes(":") ? ":" : "";
  let text = (offsetSeconds < 0 ? "-" : "+") + hours;
  if (field.length > 3) text += colon + minutes;
  if (field.length > 6) text += colon + pad(magnitude % 60, 2);
  return text;
}
