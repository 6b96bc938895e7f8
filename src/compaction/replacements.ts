/** Which segments of a day others stand for. Pure. */
import type { ListedSegment } from "#segment";
import { byMaking } from "./plan.ts";

/** Ids that a segment names in its footer; undefined when its footer cannot be read. */
export type ReplacedBy = (segment: ListedSegment) => readonly string[] | undefined;

export interface Replacements {
  /** Segments that nothing replaces, in order of their making: what queries read. */
  readonly live: readonly ListedSegment[];
  /**
   * Segments that may go once `by`, which is live, is known to be sound. Those that a replaced segment itself replaces
   * come before it: were it gone first, they would come back to life.
   */
  readonly replaced: readonly { readonly segment: ListedSegment; readonly by: ListedSegment }[];
}

/** `segments`: all of one tenant and day that exist. */
export function replacementsOf(
  segments: readonly ListedSegment[],
  replacedBy: ReplacedBy,
): Replacements {
  const sorted = [...segments].sort(byMaking);
  const byId = new Map(sorted.map((segment) => [segment.id, segment]));
  const namers = new Map<string, ListedSegment[]>();
  for (const segment of sorted) {
    if (segment.replacesCount === 0) continue;
    for (const id of replacedBy(segment) ?? []) {
      if (id === segment.id || !byId.has(id)) continue;
      namers.set(id, [...(namers.get(id) ?? []), segment]);
    }
  }
  const live = sorted.filter(({ id }) => !namers.has(id));
  const replaced: { segment: ListedSegment; by: ListedSegment }[] = [];
  const seen = new Set<string>();
  const visit = (segment: ListedSegment, by: ListedSegment): void => {
    for (const id of replacedBy(segment) ?? []) {
      const target = byId.get(id);
      if (target === undefined || seen.has(id) || id === by.id) continue;
      seen.add(id);
      visit(target, by);
      replaced.push({ segment: target, by });
    }
  };
  for (const by of live) if (by.replacesCount > 0) visit(by, by);
  return { live, replaced };
}

/**
 * Whether a broken merged segment can be dropped: everything it stands for exists, or is in something it stands for
 * that exists.
 */
export function isDispensable(
  broken: ListedSegment,
  segments: readonly ListedSegment[],
  replacedBy: ReplacedBy,
): boolean {
  const names = replacedBy(broken);
  if (names === undefined || names.length === 0) return false;
  const own = new Set(names);
  const sources = segments.filter(({ id }) => own.has(id));
  const accounted = new Set(sources.map(({ id }) => id));
  for (const source of sources) for (const id of replacedBy(source) ?? []) accounted.add(id);
  return names.every((id) => accounted.has(id));
}
