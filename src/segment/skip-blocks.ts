import type { BlockPlan, ReadOptions } from "#storage";
import type { SegmentBlockRef } from "./block-ref.ts";
import type { FilterCache } from "./filter-cache.ts";
import type { SegmentFooter } from "./footer.ts";
import type { SkipReason, SkipTest } from "./skip-test.ts";

/** Counts of blocks by what ruled them out. */
export type SkipCounts = Map<SkipReason, number>;

/**
 * Planned blocks of one segment without those its filters rule out, which are counted in `counts`.
 */
export async function skipBlocks(
  footer: SegmentFooter,
  refs: readonly SegmentBlockRef[],
  how: {
    readonly test: SkipTest;
    readonly cache: FilterCache;
    readonly counts: SkipCounts;
    readonly options: ReadOptions;
  },
): Promise<readonly SegmentBlockRef[]> {
  const { test, cache, counts, options } = how;
  if (test.isIdle || refs.length === 0) return refs;
  const blocks = refs.map((ref) => ref.block);
  const filters = await cache.get(footer, blocks, options);
  options.signal.throwIfAborted();
  let asked = refs[0]!;
  // One for all refs; few questions need more than the filters.
  const block = {
    get streams() {
      return asked.facts.streams.map(({ labels }) => labels);
    },
    get metadataNames() {
      return asked.columns.metadata.map(({ name }) => name);
    },
    filters: filters[0]!,
  };
  return refs.filter((ref, i) => {
    asked = ref;
    block.filters = filters[i]!;
    const reason = test.ruledOutBy(block);
    if (reason === undefined) return true;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return false;
  });
}

/** For `BlockPlan`. */
export function skipFacts(counts: SkipCounts): Pick<BlockPlan, "skippedBlocks" | "skippedBy"> {
  let skippedBlocks = 0;
  for (const count of counts.values()) skippedBlocks += count;
  return { skippedBlocks, skippedBy: counts };
}
