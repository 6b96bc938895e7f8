import type { QueryStats } from "#query";

/** Of a query that read nothing. */
export const noStats: QueryStats = {
  execTimeMs: 0,
  queueTimeMs: 0,
  linesProcessed: 0,
  bytesProcessed: 0,
  entriesReturned: 0,
  entriesAfterFilter: 0,
  blocksPlanned: 0,
  blocksRead: 0,
  blocksSkipped: 0,
  segmentsConsidered: 0,
  headBlocksRead: 0,
  headLines: 0,
  headBytes: 0,
  getRequests: 0,
  fetchedBytes: 0,
  decompressedBytes: 0,
  cacheHits: 0,
  duplicatesDropped: 0,
  splits: 0,
  metadataBytesProcessed: 0,
};

/** Of the parts of one query together. */
export function sumStats(parts: readonly QueryStats[]): QueryStats {
  const sum: Record<string, number> = { ...noStats };
  for (const part of parts) {
    for (const name of Object.keys(noStats)) {
      sum[name]! += part[name as keyof QueryStats];
    }
  }
  return { ...noStats, ...sum };
}
