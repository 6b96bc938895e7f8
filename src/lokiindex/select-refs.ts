import type { Matcher } from "#model";
import type { SeriesSelect } from "./index-types.ts";
import { tenantLabel } from "./limits.ts";
import { intersectLists, type ListFile, readList, RefSet, subtractSet } from "./ref-set.ts";

/** Alternatives without any sign of a regular expression: what dashboards make of a choice. */
const plainAlternatives = /^[\w \-/:@%&,;=<>~!"'#]+(\|[\w \-/:@%&,;=<>~!"'#]+)*$/;

/**
 * References of the series that pass the matchers, ascending, before any shard. Matchers that
 * refuse the empty string keep the union of the values they take; the others remove the union of
 * the values they refuse, so that a series without the label stays.
 */
export function selectRefs(file: ListFile, select: SeriesSelect): Uint32Array {
  const kept: (readonly number[])[] = [];
  const removed: number[] = [];
  if (select.tenant !== undefined) {
    const entry = file.postings.find(tenantLabel, select.tenant);
    if (entry < 0) return new Uint32Array(0);
    kept.push([entry]);
  }
  for (const matcher of select.matchers) {
    if (matcher.name === "__name__") continue;
    const takesAbsent = matcher.test("");
    if (matcher.name === tenantLabel) {
      // The label is no part of any stream, so nobody has it.
      if (!takesAbsent) return new Uint32Array(0);
      continue;
    }
    const entries = entriesWhere(file, { matcher, passes: !takesAbsent });
    if (takesAbsent) for (const entry of entries) removed.push(entry);
    else if (entries.length === 0) return new Uint32Array(0);
    else kept.push(entries);
  }
  return combine(file, { kept, removed, matcherCount: select.matchers.length });
}

/** Entries of the matcher's name whose value passes it, or does not. */
function entriesWhere(
  file: ListFile,
  wanted: { matcher: Matcher; passes: boolean },
): readonly number[] {
  const { matcher, passes } = wanted;
  const { postings } = file;
  const named = namedValues(matcher);
  const isAsked = passes === (matcher.op === "=" || matcher.op === "=~");
  if (named !== undefined && isAsked) {
    const found = named.map((value) => postings.find(matcher.name, value));
    return [...new Set(found)].filter((entry) => entry >= 0);
  }
  const { from, to } = postings.entriesOf(matcher.name);
  const entries: number[] = [];
  for (let entry = from; entry < to; entry++) {
    if (matcher.test(postings.valueOf(matcher.name, entry)) === passes) entries.push(entry);
  }
  return entries;
}

/** The values a matcher names outright; `undefined` for a real regular expression. */
function namedValues(matcher: Matcher): readonly string[] | undefined {
  if (matcher.op === "=" || matcher.op === "!=") return [matcher.value];
  return plainAlternatives.test(matcher.value) ? matcher.value.split("|") : undefined;
}

function combine(
  file: ListFile,
  sets: { kept: (readonly number[])[]; removed: readonly number[]; matcherCount: number },
): Uint32Array {
  const { kept, removed, matcherCount } = sets;
  if (kept.length === 0) {
    const all = file.postings.find("", "");
    // A file without series has no list of them.
    if (all < 0) return new Uint32Array(0);
    kept.push([all]);
  }
  let result: Uint32Array | undefined;
  for (const entries of kept) {
    const list = unionOf(file, entries);
    result = result === undefined ? list : intersectLists(result, list);
    if (result.length === 0) return result;
  }
  if (removed.length === 0) return result!;
  const refused = new RefSet(file, { namesMax: matcherCount });
  for (const entry of removed) refused.addEntry(entry);
  return subtractSet(result!, refused);
}

function unionOf(file: ListFile, entries: readonly number[]): Uint32Array {
  if (entries.length === 1) return readList(file, entries[0]!);
  const union = new RefSet(file, { namesMax: 1 });
  for (const entry of entries) union.addEntry(entry);
  return union.toList();
}
