// Numbers and times as people read them.
import { zone } from "./zone.ts";

function zoneOptions(): Intl.DateTimeFormatOptions {
  return zone.value === "utc" ? { timeZone: "UTC" } : {};
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatWith(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${name} ${zone.value}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("sv-SE", { ...options, ...zoneOptions() });
    formats.set(key, format);
  }
  return format;
}

const toSeconds: Intl.DateTimeFormatOptions = {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
};

/** `2026-01-10 14:03:07` */
export function formatMoment(ms: number): string {
  return formatWith("moment", toSeconds).format(ms);
}

/** `2026-01-10 14:03:07.123` */
export function formatNs(timeNs: string): string {
  const ms = msOfNs(timeNs);
  return `${formatMoment(ms)}.${String(ms % 1000).padStart(3, "0")}`;
}

/** `14:03:07.123` */
export function formatClock(timeNs: string): string {
  return formatNs(timeNs).slice(11);
}

/** Milliseconds, rounded down: enough for showing, not for telling entries apart. */
export function msOfNs(timeNs: string): number {
  return Number(timeNs.slice(0, -6));
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** `1.5 MiB` */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : shortNumber(value)} ${byteUnits[unit]}`;
}

/** Three digits, no zeros behind the point. */
function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

const wholeNumbers = new Intl.NumberFormat("en-US");

/** `1,234,567` */
export function formatCount(count: number): string {
  return wholeNumbers.format(count);
}

const shortNumbers = new Intl.NumberFormat("en-US", {
  notation: "compact",
  maximumSignificantDigits: 4,
});

/** `1.235M`; a value of a metric. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(2);
  return shortNumbers.format(value);
}

/** `850 ms`, `1.23 s` */
export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${shortNumber(seconds * 1000)} ms`;
  return `${shortNumber(seconds)} s`;
}
