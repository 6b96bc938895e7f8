/** Which streams and blocks of one segment a query needs, from its footer alone. */
import type { Matcher, TimeRange } from "#model";
import { dayStartNs, nsPerDay } from "#model";
import { nextTurn } from "#world";
import type { SegmentFooter } from "./footer.ts";
import type { Turns } from "./turns.ts";

/** Nanoseconds since the segment's day began: from <= t < to. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

/** A range of absolute time, cut to a day. */
export function offsetRangeOf(range: TimeRange, day: number): OffsetRange {
  const start = dayStartNs(day);
  return { from: cutToDay(range.fromNs - start), to: cutToDay(range.toNs - start) };
}

function cutToDay(offset: bigint): number {
  if (offset < 0n) return 0;
  return Number(offset > nsPerDay ? nsPerDay : offset);
}

/** One byte per stream: 1 when it passes all matchers. */
export async function selectStreams(
  footer: SegmentFooter,
  matchers: readonly Matcher[],
  turns: Turns,
): Promise<Uint8Array> {
  const { postings, symbols, streams } = footer;
  const selected = new Uint8Array(streams.count).fill(1);
  for (const matcher of matchers) {
    const symbol = symbols.find(matcher.name);
    const name = symbol < 0 ? -1 : postings.names.indexOf(symbol);
    const passes = new Uint8Array(streams.count);
    // A stream without the label has the empty value.
    const ofMissing = matcher.test("") ? 1 : 0;
    if (ofMissing === 1) passes.fill(1);
    if (name >= 0) await markValues(footer, name, matcher, { passes, ofMissing, turns });
    for (let i = 0; i < selected.length; i++) selected[i]! &= passes[i]!;
  }
  return selected;
}

/** What a value read as text and tested costs, in the units of `Turns`. */
const unitsPerTest = 10;

async function markValues(
  footer: SegmentFooter,
  name: number,
  matcher: Matcher,
  target: { passes: Uint8Array; ofMissing: number; turns: Turns },
): Promise<void> {
  const { postings, symbols } = footer;
  const from = postings.valueStarts[name]!;
  const to = postings.valueStarts[name + 1]!;
  const fill = (v: number, passes: number): void => {
    for (let run = postings.runStarts[v]!; run < postings.runStarts[v + 1]!; run++) {
      target.passes.fill(passes, postings.runFrom[run], postings.runTo[run]);
    }
  };
  // Of all values only the named one answers otherwise than a missing label does. The empty value
  // is that of missing ones, and is compared with every value below.
  if ((matcher.op === "=" || matcher.op === "!=") && matcher.value !== "") {
    const v = findValue(postings.values, { from, to }, symbols.find(matcher.value));
    if (v >= 0) fill(v, 1 - target.ofMissing);
    return;
  }
  for (let v = from; v < to; v++) {
    const passes = matcher.test(symbols.textOnce(postings.values[v]!)) ? 1 : 0;
    if (passes !== target.ofMissing) fill(v, passes);
    if (target.turns.spend(unitsPerTest)) await nextTurn();
  }
}

/** Where a symbol is among the values [from, to), which ascend; -1 when it is not there. */
function findValue(
  values: Uint32Array,
  range: { from: number; to: number },
  symbol: number,
): number {
  let low = range.from;
  let high = range.to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < symbol) low = middle + 1;
    else high = middle;
  }
  return low < range.to && values[low] === symbol ? low : -1;
}

/** A block and those of its runs (numbers in the run table) that a query needs, in row order. */
export interface PickedBlock {
  readonly block: number;
  readonly runs: readonly number[];
}

/** Blocks with entries of selected streams in the range. */
export function pickBlocks(
  footer: SegmentFooter,
  selected: Uint8Array,
  range: OffsetRange,
): PickedBlock[] {
  const { blocks } = footer;
  const { streams, minOffsets, maxOffsets } = blocks.runs;
  const picked: PickedBlock[] = [];
  for (let block = 0; block < blocks.count; block++) {
    const runs: number[] = [];
    for (let run = blocks.runStarts[block]!; run < blocks.runStarts[block + 1]!; run++) {
      const isInside = minOffsets[run]! < range.to && maxOffsets[run]! >= range.from;
      if (isInside && selected[streams[run]!] === 1) runs.push(run);
    }
    if (runs.length > 0) picked.push({ block, runs });
  }
  return picked;
}

/**
 * One byte per stream: 1 when it is selected and has entries in the range (by the times of its
 * runs).
 */
export function streamsInRange(
  footer: SegmentFooter,
  selected: Uint8Array,
  range: OffsetRange,
): Uint8Array {
  const { streams, minOffsets, maxOffsets } = footer.blocks.runs;
  const present = new Uint8Array(footer.streams.count);
  for (let run = 0; run < streams.length; run++) {
    const isInside = minOffsets[run]! < range.to && maxOffsets[run]! >= range.from;
    if (isInside && selected[streams[run]!] === 1) present[streams[run]!] = 1;
  }
  return present;
}
