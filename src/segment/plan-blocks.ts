import type { Matcher, TimeRange } from "#model";
import { blockRefOf, type SegmentBlockRef } from "./block-ref.ts";
import type { SegmentFooter } from "./footer.ts";
import { offsetRangeOf, pickBlocks, selectStreams } from "./select-streams.ts";
import type { Turns } from "./turns.ts";

/** Blocks of a segment with entries of matching streams in the range, reduced to those streams. */
export async function planBlocks(
  footer: SegmentFooter,
  matchers: readonly Matcher[],
  range: TimeRange,
  turns: Turns,
): Promise<SegmentBlockRef[]> {
  const selected = await selectStreams(footer, matchers, turns);
  const picked = pickBlocks(footer, selected, offsetRangeOf(range, footer.info.day));
  return picked.map((one) => blockRefOf(footer, one));
}
