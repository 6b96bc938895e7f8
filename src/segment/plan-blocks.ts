import type { Matcher, TimeRange } from "#model";
import { blockRefOf, type SegmentBlockRef } from "./block-ref.ts";
import type { SegmentFooter } from "./footer.ts";
import { offsetRangeOf, pickBlocks, selectStreams } from "./select-streams.ts";

/** Blocks of a segment with entries of matching streams in the range, reduced to those streams. */
export function planBlocks(
  footer: SegmentFooter,
  matchers: readonly Matcher[],
  range: TimeRange,
): SegmentBlockRef[] {
  const selected = selectStreams(footer, matchers);
  const picked = pickBlocks(footer, selected, offsetRangeOf(range, footer.info.day));
  return picked.map((one) => blockRefOf(footer, one));
}
