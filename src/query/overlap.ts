import type { BlockRef } from "#storage";

/** Times of one stream in one block, in which an entry may also have come from another source. */
export interface SharedRange {
  readonly fromNs: bigint;
  /** Inclusive. */
  readonly toNs: bigint;
}

interface Part {
  readonly block: BlockRef;
  readonly stream: number;
  readonly minNs: bigint;
  readonly maxNs: bigint;
  fromNs: bigint | undefined;
  toNs: bigint;
}

/**
 * Within one source entries are unique, so duplicates can only be where the blocks of one stream
 * from different sources overlap in time. Returns, for the blocks of one tenant concerned, the
 * shared range by stream of the block.
 */
export function sharedRanges(blocks: readonly BlockRef[]): Map<BlockRef, Map<number, SharedRange>> {
  const partsOfStream = new Map<string, Part[]>();
  const sources = new Set(blocks.map((block) => block.facts.sourceOrder));
  if (sources.size < 2) return new Map();
  for (const block of blocks) {
    for (const [stream, { labels, minNs, maxNs }] of block.facts.streams.entries()) {
      const part = { block, stream, minNs, maxNs, fromNs: undefined, toNs: 0n };
      const parts = partsOfStream.get(labels.key);
      if (parts === undefined) partsOfStream.set(labels.key, [part]);
      else parts.push(part);
    }
  }
  const shared = new Map<BlockRef, Map<number, SharedRange>>();
  for (const parts of partsOfStream.values()) {
    markShared(parts);
    for (const { block, stream, fromNs, toNs } of parts) {
      if (fromNs === undefined) continue;
      const byStream = shared.get(block) ?? new Map<number, SharedRange>();
      shared.set(block, byStream);
      byStream.set(stream, { fromNs, toNs });
    }
  }
  return shared;
}

/** Sweeps over the parts by time; open parts are those that reach the part at hand. */
function markShared(parts: Part[]): void {
  parts.sort((a, b) => (a.minNs < b.minNs ? -1 : a.minNs > b.minNs ? 1 : 0));
  let open: Part[] = [];
  for (const part of parts) {
    open = open.filter((other) => other.maxNs >= part.minNs);
    for (const other of open) {
      if (other.block.facts.sourceOrder === part.block.facts.sourceOrder) continue;
      const toNs = other.maxNs < part.maxNs ? other.maxNs : part.maxNs;
      widen(part, part.minNs, toNs);
      widen(other, part.minNs, toNs);
    }
    open.push(part);
  }
}

function widen(part: Part, fromNs: bigint, toNs: bigint): void {
  if (part.fromNs === undefined || fromNs < part.fromNs) part.fromNs = fromNs;
  if (toNs > part.toNs) part.toNs = toNs;
}
