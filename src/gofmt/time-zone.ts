/** Time zones as Go's `time.Location` knows them: offsets and abbreviations at an instant. */

import { LruMap } from "#base";

export interface GoZone {
  readonly name: string;
  /** Seconds east of Greenwich at an instant given in seconds since 1970. */
  offsetSecondsAt(unixSeconds: number): number;
  /** `UTC`, `CET`, `+03`; empty when the zone has no name (a bare offset). */
  abbreviationAt(unixSeconds: number): string;
}

export const utcZone: GoZone = {
  name: "UTC",
  offsetSecondsAt: () => 0,
  abbreviationAt: () => "UTC",
};

/** `time.FixedZone`. */
export function fixedZone(name: string, offsetSeconds: number): GoZone {
  return { name, offsetSecondsAt: () => offsetSeconds, abbreviationAt: () => name };
}

/** Abbreviations of the IANA data, without summer time, where the runtime has none or others. */
const abbreviations: ReadonlyMap<string, string> = new Map([
  ["Asia/Tokyo", "JST"],
  ["Asia/Seoul", "KST"],
  ["Asia/Shanghai", "CST"],
  ["Asia/Taipei", "CST"],
  ["Asia/Hong_Kong", "HKT"],
  ["Asia/Manila", "PST"],
  ["Asia/Jakarta", "WIB"],
  ["Asia/Karachi", "PKT"],
  ["Asia/Kolkata", "IST"],
  ["Asia/Calcutta", "IST"],
  ["Europe/Moscow", "MSK"],
  ["Africa/Johannesburg", "SAST"],
  ["Africa/Nairobi", "EAT"],
  ["Africa/Lagos", "WAT"],
  ["Asia/Dubai", "+04"],
  ["GMT", "GMT"],
]);

const abbreviationLocales = ["en-US", "en-GB", "en-AU", "en-NZ", "en-CA"];

/** Zones are few in practice; each costs several formatters of the runtime. */
const zoneCountMax = 64;
const zones = new LruMap<string, GoZone>({ weightMax: zoneCountMax });

function zonePart(format: Intl.DateTimeFormat, unixSeconds: number): string {
  const parts = format.formatToParts(new Date(unixSeconds * 1000));
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

function parseOffset(text: string): number {
  const parts = /^GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text);
  if (parts === null) return 0;
  const [, sign, hours, minutes, seconds] = parts;
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0);
  return sign === "-" ? -total : total;
}

function numericAbbreviation(offsetSeconds: number): string {
  const minutes = Math.trunc(Math.abs(offsetSeconds) / 60);
  const hours = String(Math.trunc(minutes / 60)).padStart(2, "0");
  const rest = minutes % 60 === 0 ? "" : String(minutes % 60).padStart(2, "0");
  return `${offsetSeconds < 0 ? "-" : "+"}${hours}${rest}`;
}

function ianaZone(name: string): GoZone {
  const offsets = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  const names = abbreviationLocales.map(
    (locale) => new Intl.DateTimeFormat(locale, { timeZone: name, timeZoneName: "short" }),
  );
  const offsetSecondsAt = (unixSeconds: number): number =>
    parseOffset(zonePart(offsets, unixSeconds));
  return {
    name,
    offsetSecondsAt,
    abbreviationAt(unixSeconds) {
      const fixed = abbreviations.get(name);
      if (fixed !== undefined) return fixed;
      for (const format of names) {
        const short = zonePart(format, unixSeconds);
        if (/^[A-Z]{3,5}$/.test(short)) return short;
      }
      return numericAbbreviation(offsetSecondsAt(unixSeconds));
    },
  };
}

/** `time.LoadLocation`; undefined for an unknown name. `Local` is UTC, as on a server. */
export function loadGoZone(name: string): GoZone | undefined {
  if (name === "" || name === "UTC" || name === "Local") return utcZone;
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return undefined;
  const known = zones.get(name);
  if (known !== undefined) return known;
  try {
    const zone = ianaZone(name);
    zones.set(name, zone);
    return zone;
  } catch (error) {
    // The runtime's answer to a zone it does not know.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
