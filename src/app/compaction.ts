import { join } from "node:path";
import { messageOf, second } from "#base";
import { Compactor, SpoolFolder } from "#compaction";
import type { Config } from "#config";
import type { Journal } from "#journal";
import { erasedSectionKind, mergeErasedSections } from "#lifecycle";
import { mergePatternSections, patternSectionKind } from "#patterns";
import { readFields } from "#pipeline";
import type { ListedSegment } from "#segment";
import type { BackgroundBoard, BackgroundTask, Logger, Metrics, StatusReader } from "#telemetry";
import type { NativeStore, Stores } from "./stores.ts";
import type { World } from "./world.ts";

/** Looking costs next to nothing when there is nothing to do. */
const checkIntervalMs: number = 30 * second;

export interface CompactionParts {
  readonly config: Config;
  readonly stores: Pick<Stores, "native">;
  readonly journal: Journal;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly board: BackgroundBoard;
  readonly isPressed?: (() => boolean) | undefined;
  /** Segments that retention is about to drop. */
  readonly isLeaving: (segment: ListedSegment) => boolean;
}

/** Merging in each object store with segments, with logs and metrics. */
export function createCompactors(parts: CompactionParts): readonly Compactor[] {
  const { config, world, log, metrics } = parts;
  const spools = new SpoolFolder({
    ...world,
    folder: join(config.compactor.workingFolder, "merge"),
    failed: (error) => log.warn("merging goes on in memory", { reason: messageOf(error) }),
  });
  const compactors = parts.stores.native.map((store) => createCompactor(parts, store, spools));
  metrics.observe("skald_compaction_queued_days", "Days with segments to merge.", () =>
    compactors.reduce((sum, compactor) => sum + compactor.status().queuedDays, 0),
  );
  return compactors;
}

function createCompactor(
  parts: CompactionParts,
  { objects, segments }: NativeStore,
  spools: SpoolFolder,
): Compactor {
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
  const task: BackgroundTask = parts.board.task(
    parts.stores.native.length === 1 ? "merging" : `merging in ${objects.name}`,
    "makes few, large segments of many small ones; queued: days",
    () => statusOf(compactor),
  );
  const compactor: Compactor = new Compactor({
    objects,
    segments,
    clock: world.clock,
    isPressed: parts.isPressed,
    checkIntervalMs,
    firstSequenceOf: (journalId) => (journalId === journal.id ? journal.firstSequence : undefined),
    mergeSection: (kind, sections) => {
      if (kind === erasedSectionKind) return mergeErasedSections(sections);
      return kind === patternSectionKind ? mergePatternSections(sections) : undefined;
    },
    fields: readFields,
    spools,
    isLeaving: parts.isLeaving,
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
        task.failed(error);
        log.error("merging failed", { reason: messageOf(error), ...day });
      },
    },
  });
  return compactor;
}

function statusOf(compactor: Compactor): ReturnType<StatusReader> {
  const { state, queuedDays, lastSuccessMs, ...counts } = compactor.status();
  const { current, mergedSegments, writtenBytes, deletedSegments, waitingDeletes, leftOut } =
    counts;
  return {
    state: state === "idle" ? "idle" : "running",
    queued: queuedDays,
    lastSuccessMs,
    nextRunMs:
      state === "idle" && lastSuccessMs !== undefined ? lastSuccessMs + checkIntervalMs : undefined,
    detail: {
      ...(current === undefined ? {} : { tenant: current.tenant, inputs: current.inputs }),
      mergedSegments,
      writtenBytes,
      deletedSegments,
      waitingDeletes,
      leftOut,
    },
  };
}
