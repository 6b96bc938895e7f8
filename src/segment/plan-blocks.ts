/**
 * Blocks of a segment for a selection of streams. Plans of whole segments are remembered: the same
 * selectors come over and over, and thousands of small objects made for each query are most of what
 * a small query costs. A plan's refs are shared by queries and never written to.
 */
import { LruMap, MiB } from "#base";
import type { Matcher, TimeRange } from "#model";
import { blockRefOf, type SegmentBlockRef } from "./block-ref.ts";
import type { SegmentFooter } from "./footer.ts";
import { offsetRangeOf, pickBlocks, selectStreams } from "./select-streams.ts";
import type { Turns } from "./turns.ts";

/** Some plans of a hundred thousand blocks. */
export const planCacheBytesDefault: number = 32 * MiB;

/** About what a ref with its facts, and what a run with its stream's facts takes once asked for. */
const refWeightBytes = 700;
const runWeightBytes = 250;

/** Longer selectors are rare, and would be kept in every key. */
const selectorLengthMax = 1000;

export interface PlanRequest {
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  readonly turns: Turns;
}

interface KnownPlan {
  /** The footer that the refs belong to; it may have been read anew since. */
  readonly footer: SegmentFooter;
  readonly refs: readonly SegmentBlockRef[];
  /** Times of all entries of the segment, selected or not. */
  readonly span: OffsetSpan;
}

/** Nanoseconds since the segment's day began, both inclusive. */
interface OffsetSpan {
  readonly min: number;
  readonly max: number;
}

/** Plans of segments that lie in the range as a whole, bounded by bytes. */
export class PlanCache {
  readonly #plans: LruMap<string, KnownPlan>;

  constructor(cacheBytes: number) {
    this.#plans = new LruMap({ name: "block_plans", weightMax: cacheBytes, weigh: weightOf });
  }

  /** Blocks with entries of matching streams in the range, reduced to those streams. */
  async get(
    footer: SegmentFooter,
    { matchers, range, turns }: PlanRequest,
  ): Promise<readonly SegmentBlockRef[]> {
    const offsets = offsetRangeOf(range, footer.info.day);
    const selector = selectorOf(matchers);
    const key = `${footer.name} ${selector}`;
    const plan = this.#plans.get(key);
    const known = plan?.footer === footer ? plan : undefined;
    const span = known?.span ?? spanOf(footer);
    const isWhole = span.min >= offsets.from && span.max < offsets.to;
    if (isWhole && known !== undefined) return known.refs;
    const selected = await selectStreams(footer, matchers, turns);
    const refs = pickBlocks(footer, selected, offsets).map((one) => blockRefOf(footer, one));
    if (isWhole && selector.length <= selectorLengthMax) {
      this.#plans.set(key, { footer, refs, span });
    }
    return refs;
  }
}

function spanOf(footer: SegmentFooter): OffsetSpan {
  const { minOffsets, maxOffsets } = footer.blocks.runs;
  let [min, max] = [Infinity, 0];
  for (let run = 0; run < minOffsets.length; run++) {
    if (minOffsets[run]! < min) min = minOffsets[run]!;
    if (maxOffsets[run]! > max) max = maxOffsets[run]!;
  }
  return { min, max };
}

/** Says what the matchers test: they are made of nothing else (logql). */
function selectorOf(matchers: readonly Matcher[]): string {
  let text = "";
  for (const { name, op, value } of matchers) text += `${name}${op}${JSON.stringify(value)},`;
  return text;
}

/** A plan keeps its footer in memory, too. */
function weightOf({ footer, refs }: KnownPlan): number {
  let bytes = footer.weightBytes;
  for (const { runs } of refs) bytes += refWeightBytes + runs.length * runWeightBytes;
  return bytes;
}
