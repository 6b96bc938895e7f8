import { messageOf, second } from "#base";
import { Compactor } from "#compaction";
import type { Journal } from "#journal";
import { mergePatternSections, patternSectionKind } from "#patterns";
import type { Logger, Metrics } from "#telemetry";
import type { NativeStore, Stores } from "./stores.ts";
import type { World } from "./world.ts";

/** Looking costs next to nothing when there is nothing to do. */
const checkIntervalMs: number = 30 * second;

export interface CompactionParts {
  readonly stores: Pick<Stores, "native">;
  readonly journal: Journal;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Merging in each object store with segments, with logs and metrics. */
export function createCompactors(parts: CompactionParts): readonly Compactor[] {
  const compactors = parts.stores.native.map((store) => createCompactor(parts, store));
  const { metrics } = parts;
  metrics.observe("skald_compaction_queued_days", "Days with segments to merge.", () =>
    compactors.reduce((sum, compactor) => sum + compactor.status().queuedDays, 0),
  );
  return compactors;
}

function createCompactor(parts: CompactionParts, { objects, segments }: NativeStore): Compactor {
  const { journal, world, log, metrics } = parts;
  const merged = metrics.counter("skald_compaction_merged_segments_total", "Segments merged.");
  const written = metrics.counter("skald_compaction_written_bytes_total", "Bytes of the results.");
  const deleted = metrics.counter(
    "skald_compaction_deleted_segments_total",
    "Segments deleted after what replaces them was read back.",
  );
  const failures = metrics.counter(
    "skald_compaction_failures_total",
    "Rounds or days that failed; they are tried again.",
  );
  const seconds = metrics.histogram("skald_compaction_merge_seconds", "Time of one merge.", {
    buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 300],
  });
  return new Compactor({
    objects,
    segments,
    clock: world.clock,
    checkIntervalMs,
    firstSequenceOf: (journalId) => (journalId === journal.id ? journal.firstSequence : undefined),
    mergeSection: (kind, sections) =>
      kind === patternSectionKind ? mergePatternSections(sections) : undefined,
    events: {
      merged: (segment, durationMs) => {
        merged.inc(segment.inputs.length);
        written.inc(segment.storedBytes);
        seconds.observe(durationMs / 1000);
        log.info("segments merged", {
          key: segment.key,
          inputs: segment.inputs.length,
          bytes: segment.storedBytes,
          durationMs: Math.round(durationMs),
        });
      },
      deleted: () => deleted.inc(),
      leftOut: ({ segment, reason }) =>
        log.error("segment left out of merging", { key: segment.key, reason }),
      failed: (error, day) => {
        failures.inc();
        log.error("merging failed", { reason: messageOf(error), ...day });
      },
    },
  });
}
