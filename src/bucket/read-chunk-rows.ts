/** The rows of listed chunks, read strictly: what a query would leave out is an error here. */
import { StoreError } from "#base";
import {
  batchOfRows,
  type ChunkRows,
  decodeChunkBlockAsync,
  type LokiChunk,
  openChunk,
} from "#lokichunk";
import { type EntryBatch, type TimeRange, timestampMaxNs } from "#model";
import type { ListedChunk } from "./index-files.ts";

const everything = { lines: true, lengths: true, metadata: "all" } as const;

const nsPerMs = 1_000_000n;

export interface ReadChunk {
  /** One for each block with rows in the range. */
  readonly batches: readonly EntryBatch[];
  /** Pairs whose name can be no label name: no answer shows them. */
  readonly droppedPairs: number;
}

/**
 * All rows of a chunk in the range. StoreError `corrupt`, `missing`, … Rows that lie where the
 * chunk says it has none are `corrupt`, too: who reads another range would not look there.
 */
export async function readChunkRows(
  chunk: ListedChunk,
  range: TimeRange,
  signal: AbortSignal,
): Promise<ReadChunk> {
  const { key, meta } = chunk;
  const opened = openChunk(key, await chunk.home.objects.get(key, { signal }), meta.checksum);
  checkHeader(opened, chunk);
  const batches: EntryBatch[] = [];
  let droppedPairs = 0;
  for (const [block, facts] of opened.blocks.entries()) {
    // Where a block begins is not to be relied on (`ChunkBlockFacts.minNs`); where it ends is.
    if (facts.maxNs < range.fromNs || facts.entryCount === 0) continue;
    const rows = await rowsOfBlock(opened, block, range);
    droppedPairs += rows.droppedPairCount;
    if (rows.rowCount > 0) batches.push(batchOfRows(rows));
  }
  return { batches, droppedPairs };
}

function checkHeader({ header }: LokiChunk, chunk: ListedChunk): void {
  const { key, meta, tenant, fingerprint, labels } = chunk;
  const found = [header.tenant, header.fingerprint, header.fromMs, header.throughMs].join(" ");
  const named = [tenant, fingerprint, meta.minMs, meta.maxMs].join(" ");
  if (found !== named) {
    throw new StoreError("corrupt", `${key} at byte 4: written as ${found}, listed as ${named}`);
  }
  if (header.labels.key === labels.key) return;
  const texts = `${header.labels.toString()}, listed as ${labels.toString()}`;
  throw new StoreError("corrupt", `${key} at byte 4: written as ${texts}`);
}

/** A window costs a comparison per row: without one when the chunk lies inside anyway. */
async function rowsOfBlock(opened: LokiChunk, block: number, range: TimeRange): Promise<ChunkRows> {
  const { header, key, blocks } = opened;
  const [fromNs, toNs] = [
    BigInt(header.fromMs) * nsPerMs,
    // Last milliseconds are rounded up, so this one is the last with rows.
    BigInt(header.throughMs + 1) * nsPerMs,
  ];
  const isInside = fromNs >= range.fromNs && toNs <= range.toNs && toNs <= timestampMaxNs;
  const rows = await decodeChunkBlockAsync(opened, block, everything, isInside ? undefined : range);
  if (rows.rowCount === 0) return rows;
  const lastNs = rows.baseNs + BigInt(rows.offsets[rows.rowCount - 1]!);
  if (rows.baseNs >= fromNs && lastNs < toNs) return rows;
  const text = `block ${block} has rows from ${rows.baseNs} to ${lastNs}, outside of its chunk`;
  throw new StoreError("corrupt", `${key} at byte ${blocks[block]!.offset}: ${text}`);
}
