// How the values of a name are spread over entries; pure.
import { valueOf } from "./display.ts";
import type { Entry } from "./entry.ts";

export interface ValueShare {
  readonly value: string;
  readonly count: number;
}

export interface Distribution {
  /** The most frequent first. */
  readonly top: readonly ValueShare[];
  readonly distinct: number;
  /** Entries that have the name. */
  readonly present: number;
  readonly total: number;
}

const topMax = 6;
/** More entries than this are not counted at once: it must not be felt. */
const countedMax = 50_000;

export function distributionOf(
  entries: readonly Entry[],
  name: string,
  read: (entry: Entry, name: string) => string | undefined = valueOf,
): Distribution {
  const counts = new Map<string, number>();
  const counted = entries.slice(0, countedMax);
  let present = 0;
  for (const entry of counted) {
    const value = read(entry, name);
    if (value === undefined) continue;
    present++;
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const top = [...counts].sort((a, b) => b[1] - a[1]).slice(0, topMax);
  return {
    top: top.map(([value, count]) => ({ value, count })),
    distinct: counts.size,
    present,
    total: counted.length,
  };
}
