import type { ObjectStore } from "#objectstore";
import { buildSegment, newSegmentId, type SegmentStore } from "#segment";
import type { Clock, Random } from "#world";
import type { HeadPart } from "./head-part.ts";
import type { PartWriter, SequenceRange, WrittenSegment } from "./ingester.ts";

export interface SegmentPartWriterOptions {
  readonly objects: ObjectStore;
  readonly segments: SegmentStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Identity of the journal whose sequence numbers the parts carry. */
  readonly journalId: string;
}

/** Cuts parts into native segments. */
export class SegmentPartWriter implements PartWriter {
  readonly #options: SegmentPartWriterOptions;

  constructor(options: SegmentPartWriterOptions) {
    this.#options = options;
  }

  async write(part: HeadPart, signal: AbortSignal): Promise<WrittenSegment> {
    const { objects, segments, clock, random, journalId } = this.#options;
    part.segmentId ??= newSegmentId(clock, random);
    const streams = [...part.streams.values()].map(({ labels, slices }) => ({
      labels,
      rows: slices,
    }));
    const built = await buildSegment(
      {
        tenant: part.tenant,
        day: part.day,
        streams,
        journal: [
          { journalId, fromSequence: part.firstSequence, toSequence: part.lastSequence + 1 },
        ],
        replaces: [],
      },
      { id: part.segmentId },
    );
    await objects.put(built.key, built.parts, { signal });
    segments.add(built.key);
    return { key: built.key, sizeBytes: built.sizeBytes, entryCount: part.entryCount };
  }

  async covered(tenant: string, day: number): Promise<readonly SequenceRange[]> {
    const { segments, journalId } = this.#options;
    const ranges = await segments.coveredSequences(tenant, day);
    return ranges
      .filter((range) => range.journalId === journalId)
      .map(({ fromSequence, toSequence }) => ({ fromSequence, toSequence: toSequence - 1 }));
  }
}
