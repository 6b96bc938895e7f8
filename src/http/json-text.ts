/**
 * JSON written as text, piece by piece: answers can be large, and numbers of nanoseconds do not fit
 * a JavaScript number. Strings are escaped as JSON.stringify does.
 */
import type { LabelPair } from "#model";

export function labelsJson(pairs: readonly LabelPair[]): string {
  let out = "{";
  for (const [name, value] of pairs) {
    if (out.length > 1) out += ",";
    out += `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return `${out}}`;
}

/** A list of what is JSON already. */
export function* listJson(items: Iterable<string>): Generator<string> {
  let separator = "[";
  for (const item of items) {
    yield separator + item;
    separator = ",";
  }
  yield separator === "[" ? "[]" : "]";
}

/** Milliseconds since 1970 as seconds with up to three decimals. */
export function secondsJson(timeMs: number): string {
  const seconds = Math.floor(timeMs / 1000);
  const rest = timeMs - seconds * 1000;
  if (rest === 0) return String(seconds);
  if (timeMs < 0) return String(timeMs / 1000);
  return `${seconds}.${String(rest).padStart(3, "0").replace(/0+$/, "")}`;
}
