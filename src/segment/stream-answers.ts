/** Label questions, answered from footers alone. */
import { compareText, type Labels } from "#model";
import type { StreamSelect } from "#storage";
import type { SegmentFooter } from "./footer.ts";
import { offsetRangeOf, selectStreams, streamsInRange } from "./select-streams.ts";

/**
 * One byte per stream of the footer: 1 when it passes the matchers and has entries in the range.
 */
function streamsOf(footer: SegmentFooter, select: StreamSelect): Uint8Array {
  const selected = selectStreams(footer, select.matchers);
  return streamsInRange(footer, selected, offsetRangeOf(select.range, footer.info.day));
}

/** Distinct label sets. */
export function seriesOf(footers: readonly SegmentFooter[], select: StreamSelect): Labels[] {
  const byKey = new Map<string, Labels>();
  for (const footer of footers) {
    const present = streamsOf(footer, select);
    for (let stream = 0; stream < present.length; stream++) {
      if (present[stream] === 0) continue;
      const labels = footer.labelsOf(stream);
      byKey.set(labels.key, labels);
    }
  }
  return [...byKey.values()];
}

/** Distinct names, sorted. */
export function labelNamesOf(footers: readonly SegmentFooter[], select: StreamSelect): string[] {
  const names = new Set<string>();
  for (const footer of footers) {
    const present = streamsOf(footer, select);
    const { postings, symbols } = footer;
    for (let name = 0; name < postings.names.length; name++) {
      const from = postings.valueStarts[name]!;
      const to = postings.valueStarts[name + 1]!;
      if (hasAny(footer, present, from, to)) names.add(symbols.text(postings.names[name]!));
    }
  }
  return [...names].sort(compareText);
}

/** Distinct values of one label, sorted. */
export function labelValuesOf(
  footers: readonly SegmentFooter[],
  select: StreamSelect,
  label: string,
): string[] {
  const values = new Set<string>();
  for (const footer of footers) {
    const { postings, symbols } = footer;
    const symbol = symbols.find(label);
    const name = symbol < 0 ? -1 : postings.names.indexOf(symbol);
    if (name < 0) continue;
    const present = streamsOf(footer, select);
    for (let v = postings.valueStarts[name]!; v < postings.valueStarts[name + 1]!; v++) {
      if (hasAny(footer, present, v, v + 1)) values.add(symbols.text(postings.values[v]!));
    }
  }
  return [...values].sort(compareText);
}

/** Whether a present stream is in the postings of values [from, to). */
function hasAny(footer: SegmentFooter, present: Uint8Array, from: number, to: number): boolean {
  const { runStarts, runFrom, runTo } = footer.postings;
  for (let run = runStarts[from]!; run < runStarts[to]!; run++) {
    const at = present.indexOf(1, runFrom[run]);
    if (at >= 0 && at < runTo[run]!) return true;
  }
  return false;
}
