import type { QueryStats } from "#query";

/**
 * Loki's `stats` block. Its shape is fixed (Grafana and LogCLI read it); the numbers are ours: a chunk is a block, a
 * chunk reference a planned block. What Skald adds stands in `skald`.
 */
export function statsJson(stats: QueryStats): string {
  const seconds = stats.execTimeMs / 1000;
  const perSecond = (value: number): number => (seconds > 0 ? Math.round(value / seconds) : 0);
  const storeLines = stats.linesProcessed - stats.headLines;
  const storeBytes = stats.bytesProcessed - stats.headBytes;
  return JSON.stringify({
    summary: {
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
    },
    querier: {
      store: {
        totalChunksRef: stats.blocksPlanned - stats.headBlocksRead,
        totalChunksDownloaded: stats.blocksRead - stats.headBlocksRead,
        chunksDownloadTime: 0,
        queryReferencedStructuredMetadata: stats.metadataBytesProcessed > 0,
        chunk: {
          headChunkBytes: 0,
          headChunkLines: 0,
          decompressedBytes: storeBytes,
          decompressedLines: storeLines,
          compressedBytes: stats.fetchedBytes,
          totalDuplicates: stats.duplicatesDropped,
          postFilterLines: stats.entriesAfterFilter,
          headChunkStructuredMetadataBytes: 0,
          decompressedStructuredMetadataBytes: stats.metadataBytesProcessed,
        },
        chunkRefsFetchTime: 0,
        congestionControlLatency: 0,
        pipelineWrapperFilteredLines: 0,
      },
    },
    ingester: {
      totalReached: stats.headBlocksRead > 0 ? 1 : 0,
      totalChunksMatched: stats.headBlocksRead,
      totalBatches: stats.headBlocksRead,
      totalLinesSent: stats.headLines,
      store: {
        totalChunksRef: 0,
        totalChunksDownloaded: 0,
        chunksDownloadTime: 0,
        queryReferencedStructuredMetadata: false,
        chunk: {
          headChunkBytes: stats.headBytes,
          headChunkLines: stats.headLines,
          decompressedBytes: 0,
          decompressedLines: 0,
          compressedBytes: 0,
          totalDuplicates: 0,
          postFilterLines: 0,
          headChunkStructuredMetadataBytes: 0,
          decompressedStructuredMetadataBytes: 0,
        },
        chunkRefsFetchTime: 0,
        congestionControlLatency: 0,
        pipelineWrapperFilteredLines: 0,
      },
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
