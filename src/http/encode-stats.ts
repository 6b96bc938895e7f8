import type { QueryStats } from "#query";

/**
 * Loki's `stats` block. Its shape is fixed (Grafana and LogCLI read it); the numbers are ours: a
 * chunk is a block, a chunk reference a planned block. What Skald adds stands in `skald`.
 */
export function statsJson(stats: QueryStats): string {
  const { headBlocksRead } = stats;
  return JSON.stringify({
    summary: summary(stats),
    querier: {
      store: storeStats({
        totalChunksRef: stats.blocksPlanned - headBlocksRead,
        totalChunksDownloaded: stats.blocksRead - headBlocksRead,
        queryReferencedStructuredMetadata: stats.metadataBytesProcessed > 0,
        chunk: {
          decompressedBytes: stats.bytesProcessed - stats.headBytes,
          decompressedLines: stats.linesProcessed - stats.headLines,
          compressedBytes: stats.fetchedBytes,
          totalDuplicates: stats.duplicatesDropped,
          postFilterLines: stats.entriesAfterFilter,
          decompressedStructuredMetadataBytes: stats.metadataBytesProcessed,
        },
      }),
    },
    ingester: {
      totalReached: headBlocksRead > 0 ? 1 : 0,
      totalChunksMatched: headBlocksRead,
      totalBatches: headBlocksRead,
      totalLinesSent: stats.headLines,
      store: storeStats({
        chunk: { headChunkBytes: stats.headBytes, headChunkLines: stats.headLines },
      }),
    },
    cache: cacheStats(stats),
    index: { totalChunks: 0, postFilterChunks: 0, shardsDuration: 0 },
    skald: {
      segmentsConsidered: stats.segmentsConsidered,
      blocksPlanned: stats.blocksPlanned,
      blocksRead: stats.blocksRead,
      blocksSkipped: stats.blocksSkipped,
      getRequests: stats.getRequests,
      fetchedBytes: stats.fetchedBytes,
      decompressedBytes: stats.decompressedBytes,
    },
  });
}

function summary(stats: QueryStats): Record<string, number> {
  const seconds = stats.execTimeMs / 1000;
  const perSecond = (value: number): number => (seconds > 0 ? Math.round(value / seconds) : 0);
  return {
    bytesProcessedPerSecond: perSecond(stats.bytesProcessed),
    linesProcessedPerSecond: perSecond(stats.linesProcessed),
    totalBytesProcessed: stats.bytesProcessed,
    totalLinesProcessed: stats.linesProcessed,
    execTime: seconds,
    queueTime: stats.queueTimeMs / 1000,
    subqueries: 0,
    totalEntriesReturned: stats.entriesReturned,
    splits: stats.splits,
    shards: 0,
    totalPostFilterLines: stats.entriesAfterFilter,
    totalStructuredMetadataBytesProcessed: stats.metadataBytesProcessed,
  };
}

const noChunks = {
  headChunkBytes: 0,
  headChunkLines: 0,
  decompressedBytes: 0,
  decompressedLines: 0,
  compressedBytes: 0,
  totalDuplicates: 0,
  postFilterLines: 0,
  headChunkStructuredMetadataBytes: 0,
  decompressedStructuredMetadataBytes: 0,
};

interface StoreStats {
  readonly totalChunksRef?: number;
  readonly totalChunksDownloaded?: number;
  readonly queryReferencedStructuredMetadata?: boolean;
  readonly chunk: Partial<typeof noChunks>;
}

/** Everything Loki counts of a store; what is not given is zero. */
function storeStats({ chunk, ...known }: StoreStats): Record<string, unknown> {
  return {
    totalChunksRef: 0,
    totalChunksDownloaded: 0,
    chunksDownloadTime: 0,
    queryReferencedStructuredMetadata: false,
    ...known,
    chunk: { ...noChunks, ...chunk },
    chunkRefsFetchTime: 0,
    congestionControlLatency: 0,
    pipelineWrapperFilteredLines: 0,
  };
}

const cacheKinds = [
  "chunk",
  "index",
  "result",
  "statsResult",
  "volumeResult",
  "seriesResult",
  "labelResult",
  "instantMetricResult",
  "logResult",
  "taskResult",
] as const;

function cacheStats(stats: QueryStats): Record<string, unknown> {
  const empty = {
    entriesFound: 0,
    entriesRequested: 0,
    entriesStored: 0,
    bytesReceived: 0,
    bytesSent: 0,
    requests: 0,
    downloadTime: 0,
    queryLengthServed: 0,
  };
  const byKind: Record<string, unknown> = {};
  for (const kind of cacheKinds) byKind[kind] = empty;
  byKind["index"] = { ...empty, entriesFound: stats.cacheHits, entriesRequested: stats.cacheHits };
  return byKind;
}
