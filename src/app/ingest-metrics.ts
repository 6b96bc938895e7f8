import type { IngesterEvents, PushObserver } from "#ingest";
import type { JournalCommit } from "#journal";
import type { Metrics } from "#telemetry";

/** Loki's names where the meaning is the same; its `bytes` are those of lines and structured metadata. */
export function pushObserver(metrics: Metrics): PushObserver {
  const labels = ["tenant"] as const;
  const bytes = metrics.counter(
    "loki_distributor_bytes_received_total",
    "Uncompressed bytes of lines and structured metadata received, by tenant.",
    labels,
  );
  const lines = metrics.counter(
    "loki_distributor_lines_received_total",
    "Lines received, by tenant.",
    labels,
  );
  const metadataBytes = metrics.counter(
    "loki_distributor_structured_metadata_bytes_received_total",
    "Bytes of structured metadata received, by tenant.",
    labels,
  );
  const why = ["tenant", "reason"] as const;
  const discardedLines = metrics.counter(
    "loki_discarded_samples_total",
    "Lines refused, by reason and tenant.",
    why,
  );
  const discardedBytes = metrics.counter(
    "loki_discarded_bytes_total",
    "Bytes of lines refused, by reason and tenant.",
    why,
  );
  return {
    received: (tenant, lineCount, lineBytes, ofMetadata) => {
      lines.inc({ tenant }, lineCount);
      bytes.inc({ tenant }, lineBytes);
      metadataBytes.inc({ tenant }, ofMetadata);
    },
    discarded: (tenant, reason, lineCount, lineBytes) => {
      discardedLines.inc({ tenant, reason }, lineCount);
      discardedBytes.inc({ tenant, reason }, lineBytes);
    },
  };
}

export function ingesterEvents(metrics: Metrics): IngesterEvents {
  const reason = ["reason"] as const;
  const segments = metrics.counter(
    "loki_ingester_chunks_flushed_total",
    "Segments written, by what made it time.",
    reason,
  );
  const bytes = metrics.counter("skald_segment_bytes_written_total", "Bytes of segments written.");
  const entries = metrics.counter("skald_segment_entries_written_total", "Entries in them.");
  const failures = metrics.counter(
    "loki_ingester_chunks_flush_failures_total",
    "Segments that could not be written; they are tried again.",
  );
  const seconds = metrics.histogram(
    "skald_segment_write_seconds",
    "Time to build and put a segment.",
    { buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] },
  );
  return {
    segmentWritten: (segment, durationMs, why) => {
      segments.inc({ reason: why });
      bytes.inc(segment.sizeBytes);
      entries.inc(segment.entryCount);
      seconds.observe(durationMs / 1000);
    },
    segmentFailed: () => failures.inc(),
  };
}

export function journalObserver(metrics: Metrics): (commit: JournalCommit) => void {
  const records = metrics.counter(
    "loki_ingester_wal_records_logged_total",
    "Records made durable in the journal.",
  );
  const bytes = metrics.counter(
    "loki_ingester_wal_bytes_logged_total",
    "Bytes made durable in the journal.",
  );
  const syncs = metrics.histogram(
    "skald_journal_commit_seconds",
    "Write and sync of one batch of records.",
    { buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] },
  );
  return (commit) => {
    records.inc(commit.recordCount);
    bytes.inc(commit.bytes);
    syncs.observe(commit.durationMs / 1000);
  };
}
