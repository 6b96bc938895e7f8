/**
 * Go's reference-time layouts (https://pkg.go.dev/time#pkg-constants): the text of the moment
 * Mon Jan 2 15:04:05 MST 2006 stands for its fields, everything else for itself.
 */

/** A field such as `2006` or `.000`, or literal text. */
export interface LayoutPart {
  readonly kind: "field" | "literal";
  readonly text: string;
}

const names = "January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|PM|pm";
const digits = "002|0[1-6]|15|1|2006|2|(?<=_)2006|__2|_2(?!006)|3|4|5";
const zones = "[-Z](?:070000|07:00:00|0700|07:00|07)";
const fractions = "[.,](?:0+|9+)(?![0-9])";
const fieldPattern = new RegExp(`${names}|${digits}|${zones}|${fractions}`, "g");

export function parseLayout(layout: string): readonly LayoutPart[] {
  const parts: LayoutPart[] = [];
  let from = 0;
  for (const match of layout.matchAll(fieldPattern)) {
    if (match.index > from) parts.push({ kind: "literal", text: layout.slice(from, match.index) });
    parts.push({ kind: "field", text: match[0] });
    from = match.index + match[0].length;
  }
  if (from < layout.length) parts.push({ kind: "literal", text: layout.slice(from) });
  return parts;
}

export const monthNames: readonly string[] = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

export const weekdayNames: readonly string[] = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
];
