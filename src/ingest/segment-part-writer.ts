import { KiB } from "#base";
import type { ObjectStore } from "#objectstore";
import {
  type BuiltSegment,
  fillSegment,
  newSegmentId,
  SegmentScratch,
  type SegmentStore,
  type SegmentWriter,
} from "#segment";
import type { Clock, Random } from "#world";
import type { HeadPart } from "./head-part.ts";
import type {
  CopiedPart,
  CutProgress,
  PartWriter,
  SequenceRange,
  WrittenSegment,
} from "./ingester.ts";

/** What another room keeps beside the entries of a tenant and day, in a section of the segment. */
export interface PartSection {
  /** 128 or more: docs/formats/segment.md. */
  readonly kind: number;
  /** Undefined when there is nothing to keep. */
  readonly bytes: Buffer | undefined;
  /** The segment can be read by now. */
  done(): void;
  /** It was not written; the next try asks again. */
  failed(): void;
}

export interface SegmentPartWriterOptions {
  readonly objects: ObjectStore;
  readonly segments: SegmentStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Identity of the journal whose sequence numbers the parts carry. */
  readonly journalId: string;
  /** Memory kept between segments; of its own when omitted. */
  readonly scratch?: SegmentScratch;
  readonly sectionOf?: (tenant: string, day: number) => Promise<PartSection>;
}

/** Merging adds the costlier filters; here they would be two fifths of all that ingesting costs. */
const freshFilters = "trigrams";

/**
 * Streams with less than this in a part share blocks. A part holds little of each stream, and small blocks cost most:
 * each is compressed column by column. Merging gives streams blocks of their own.
 */
const freshThinBytes: number = 512 * KiB;

/** More threads that compress take the processor from the one that takes pushes, and syncs wait behind them. */
const freshBlocksInFlightMax = 2;

/** A context of zstd costs more than it saves on small columns; merging compresses all of them. */
const freshCompressFromBytes: number = 8 * KiB;

/** Cuts parts into native segments. */
export class SegmentPartWriter implements PartWriter {
  readonly #options: SegmentPartWriterOptions;
  readonly #scratch: SegmentScratch;

  constructor(options: SegmentPartWriterOptions) {
    this.#options = options;
    this.#scratch = options.scratch ?? new SegmentScratch();
  }

  async begin(part: HeadPart, onProgress?: CutProgress): Promise<CopiedPart> {
    const { clock, random } = this.#options;
    part.segmentId ??= newSegmentId(clock, random);
    const filled = await this.#fill(part, onProgress);
    return { store: (signal) => this.#store(part, filled, signal) };
  }

  async #store(
    part: HeadPart,
    filled: SegmentWriter,
    signal: AbortSignal,
  ): Promise<WrittenSegment> {
    const section = await this.#options.sectionOf?.(part.tenant, part.day);
    try {
      const built = await this.#build(part, filled, section);
      const { objects, segments } = this.#options;
      part.triedKey = built.key;
      await objects.put(built.key, built.parts, { signal, isBodySpent: true });
      segments.add(built.key);
      section?.done();
      return { key: built.key, sizeBytes: built.sizeBytes, entryCount: part.entryCount };
    } catch (error) {
      section?.failed();
      throw error;
    }
  }

  async #build(
    part: HeadPart,
    filled: SegmentWriter,
    section: PartSection | undefined,
  ): Promise<BuiltSegment> {
    const { clock, random } = this.#options;
    const bytes = section?.bytes;
    const sections = bytes === undefined ? [] : [{ kind: section!.kind, bytes }];
    const built = await filled.finish(sections);
    if (part.triedKey === undefined || part.triedKey === built.key) return built;
    await this.#forgetTry(part.triedKey);
    // Should the store bring the earlier one back (a put that comes through late), the two must
    // not pass for one source: equal entries of two sources count once.
    part.segmentId = newSegmentId(clock, random);
    const again = await this.#fill(part);
    return again.finish(sections);
  }

  #fill(part: HeadPart, onProgress?: CutProgress): Promise<SegmentWriter> {
    const id = part.segmentId!;
    const streams = [...part.streams.values()].map(({ labels, slices }) => ({
      labels,
      rows: slices,
    }));
    const { journalId } = this.#options;
    const { tenant, day, firstSequence, lastSequence } = part;
    return fillSegment(
      {
        tenant,
        day,
        streams,
        journal: [{ journalId, fromSequence: firstSequence, toSequence: lastSequence + 1 }],
        replaces: [],
      },
      {
        id,
        filters: freshFilters,
        thinStreamBytes: freshThinBytes,
        blocksInFlightMax: freshBlocksInFlightMax,
        compressFromBytes: freshCompressFromBytes,
        scratch: this.#scratch,
        onRows: (lineBytes) => onProgress?.(part.lineBytes > 0 ? lineBytes / part.lineBytes : 1),
      },
    );
  }

  /** What an earlier try left under another key (its section may have been smaller) must not stand beside this one. */
  async #forgetTry(triedKey: string): Promise<void> {
    const { objects, segments } = this.#options;
    await objects.delete(triedKey);
    segments.remove(triedKey);
  }

  async covered(tenant: string, day: number): Promise<readonly SequenceRange[]> {
    const { segments, journalId } = this.#options;
    const ranges = await segments.coveredSequences(tenant, day);
    return ranges
      .filter((range) => range.journalId === journalId)
      .map(({ fromSequence, toSequence }) => ({ fromSequence, toSequence: toSequence - 1 }));
  }
}
