// A short name for an entry that fits an address: its time and a hash of what else it is.
import type { Labels } from "../api/types.ts";
import { quote } from "../logql/query-text.ts";
import type { Entry } from "./entry.ts";

/** `1768003200000000000-9e3779b9`: enough to find the entry among those of its time. */
export function keyOf({ timeNs, line, labels }: Pick<Entry, "timeNs" | "line" | "labels">): string {
  const hash = fnv1a(`${selectorText(labels)}\n${line}`);
  return `${timeNs}-${hash.toString(16).padStart(8, "0")}`;
}

/** The time in a key, decimal nanoseconds; undefined when it is none. */
export function timeOfKey(key: string): string | undefined {
  return /^(\d{1,19})-[0-9a-f]{8}$/.exec(key)?.[1];
}

/** `{a="b", c="d"}`, sorted by name. */
export function selectorText(labels: Labels): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${pairs.map(([name, value]) => `${name}=${quote(value)}`).join(", ")}}`;
}

/** FNV-1a over UTF-16 units, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
