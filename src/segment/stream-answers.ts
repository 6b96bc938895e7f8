/** Label questions, answered from footers alone. */
import { compareText, type Labels } from "#model";
import type { StreamSelect } from "#storage";
import { nextTurn } from "#world";
import type { SegmentFooter } from "./footer.ts";
import { offsetRangeOf, selectStreams, streamsInRange } from "./select-streams.ts";
import { sortedInTurns } from "./sort-in-turns.ts";
import { Turns } from "./turns.ts";

/** One byte per stream: 1 when it passes the matchers and has entries in the range. */
async function streamsOf(
  footer: SegmentFooter,
  select: StreamSelect,
  turns: Turns,
): Promise<Uint8Array> {
  const selected = await selectStreams(footer, select.matchers, turns);
  const range = offsetRangeOf(select.range, footer.info.day);
  const { minOffset, maxOffset } = footer.blocks.runs;
  // Every stream has entries, so all times of a segment inside means all of its streams.
  if (range.from <= minOffset && maxOffset < range.to) return selected;
  return streamsInRange(footer, selected, range);
}

/** Whether the question is about all of the segment's streams: its postings are the answer then. */
function isWhole(footer: SegmentFooter, select: StreamSelect): boolean {
  const range = offsetRangeOf(select.range, footer.info.day);
  const { minOffset, maxOffset } = footer.blocks.runs;
  return select.matchers.length === 0 && range.from <= minOffset && maxOffset < range.to;
}

/** Distinct label sets. */
export async function seriesOf(
  footers: readonly SegmentFooter[],
  select: StreamSelect,
): Promise<Labels[]> {
  const byKey = new Map<string, Labels>();
  const turns = new Turns();
  for (const footer of footers) {
    const present = await streamsOf(footer, select, turns);
    for (let s = present.indexOf(1); s >= 0; s = present.indexOf(1, s + 1)) {
      const labels = footer.labelsOf(s);
      byKey.set(labels.key, labels);
      // A label set costs as much as many bytes looked at.
      if (turns.spend(50)) await nextTurn();
    }
    if (turns.spendFooter(footer)) await nextTurn();
  }
  return [...byKey.values()];
}

/** Distinct names, sorted. */
export async function labelNamesOf(
  footers: readonly SegmentFooter[],
  select: StreamSelect,
): Promise<string[]> {
  const names = new Set<string>();
  const turns = new Turns();
  for (const footer of footers) {
    const { postings, symbols } = footer;
    const present = isWhole(footer, select)
      ? undefined
      : new PresentStreams(footer, await streamsOf(footer, select, turns));
    for (let name = 0; name < postings.names.length; name++) {
      const from = postings.valueStarts[name]!;
      const to = postings.valueStarts[name + 1]!;
      if (present?.haveAny(from, to) ?? true) names.add(symbols.text(postings.names[name]!));
    }
    if (present === undefined ? turns.spend(500) : turns.spendFooter(footer)) await nextTurn();
  }
  return sortedTexts(names);
}

/** Distinct values of one label, sorted. */
export async function labelValuesOf(
  footers: readonly SegmentFooter[],
  select: StreamSelect,
  label: string,
): Promise<string[]> {
  const values = new Set<string>();
  const turns = new Turns();
  for (const footer of footers) {
    const { postings, symbols } = footer;
    const symbol = symbols.find(label);
    const name = symbol < 0 ? -1 : postings.names.indexOf(symbol);
    if (name < 0) continue;
    const present = isWhole(footer, select)
      ? undefined
      : new PresentStreams(footer, await streamsOf(footer, select, turns));
    for (let v = postings.valueStarts[name]!; v < postings.valueStarts[name + 1]!; v++) {
      if (!(present?.haveAny(v, v + 1) ?? true)) continue;
      values.add(symbols.textOnce(postings.values[v]!));
      if (turns.spend(10)) await nextTurn();
    }
    if (present === undefined ? turns.spend(500) : turns.spendFooter(footer)) await nextTurn();
  }
  return sortedTexts(values);
}

async function sortedTexts(texts: ReadonlySet<string>): Promise<string[]> {
  const all = [...texts];
  return Array.from(await sortedInTurns(all, compareText), (index) => all[index]!);
}

/** The streams of a footer that a question is about, to be met with postings. */
class PresentStreams {
  readonly #footer: SegmentFooter;
  /** For each stream the first present one from it on. */
  readonly #next: Uint32Array;

  /** `present` has one byte per stream. */
  constructor(footer: SegmentFooter, present: Uint8Array) {
    this.#footer = footer;
    const next = new Uint32Array(present.length);
    let nearest = present.length;
    for (let stream = present.length - 1; stream >= 0; stream--) {
      if (present[stream] === 1) nearest = stream;
      next[stream] = nearest;
    }
    this.#next = next;
  }

  /** Whether one of them is in the postings of values [from, to). */
  haveAny(from: number, to: number): boolean {
    const { runStarts, runFrom, runTo } = this.#footer.postings;
    for (let run = runStarts[from]!; run < runStarts[to]!; run++) {
      if (this.#next[runFrom[run]!]! < runTo[run]!) return true;
    }
    return false;
  }
}
