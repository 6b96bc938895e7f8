import { join } from "node:path";
import { isStoreError } from "#base";
import type { Config } from "#config";
import {
  type CopiedPart,
  type CutProgress,
  type HeadPart,
  LokiPartWriter,
  type PartSection,
  type PartWriter,
  SegmentPartWriter,
  type SequenceRange,
  StoredRanges,
} from "#ingest";
import type { Journal } from "#journal";
import { type ChunkCodec } from "#lokichunk";
import { LokiWriter } from "#lokistore";
import { patternSectionKind, type PatternStore } from "#patterns";
import type { Logger } from "#telemetry";
import type { NativeStore, Stores } from "./stores.ts";
import type { World } from "./world.ts";

/** Which parts of Loki's format are stored: beside the journal, as it is about its records. */
const storedRangesFile = "stored-ranges";

export interface PartWriterParts {
  readonly config: Config;
  readonly stores: Stores;
  readonly journal: Journal;
  readonly patterns: PatternStore;
  readonly world: World;
  readonly log: Logger;
}

/** Writes each part where the schema period of its day says. */
export async function openPartWriter(parts: PartWriterParts): Promise<PartWriter> {
  const { stores, log } = parts;
  const native = new Map<NativeStore, PartWriter>();
  for (const store of stores.native) native.set(store, segmentWriter(parts, store));
  const loki = stores.loki.length === 0 ? undefined : await lokiPartWriter(parts);
  const writerOf = (day: number): PartWriter => {
    const period = stores.periodOf(day);
    const writer = period.native === undefined ? loki : native.get(period.native);
    // Every period has a store of one kind or the other.
    return writer!;
  };
  return new PeriodPartWriter({ stores, writerOf, log });
}

function segmentWriter(parts: PartWriterParts, { objects, segments }: NativeStore): PartWriter {
  const { world, journal, patterns } = parts;
  return new SegmentPartWriter({
    objects,
    segments,
    clock: world.clock,
    random: world.random,
    journalId: journal.id,
    sectionOf: sectionsOf(patterns),
  });
}

/** Patterns as a section of each segment. */
export function sectionsOf(
  patterns: PatternStore,
): (tenant: string, day: number) => Promise<PartSection> {
  return async (tenant, day) => {
    const sealed = await patterns.seal(tenant, day);
    return {
      kind: patternSectionKind,
      bytes: sealed.bytes,
      done: () => sealed.done(),
      failed: () => sealed.failed(),
    };
  };
}

async function lokiPartWriter(parts: PartWriterParts): Promise<PartWriter> {
  const { config, stores, journal, world } = parts;
  const ranges = await StoredRanges.open({
    files: world.files,
    path: join(config.journal.folder, storedRangesFile),
    journalId: journal.id,
    firstSequence: () => journal.firstSequence,
  });
  const { encoding, blockBytes, targetBytes } = config.ingester.chunks;
  const writer = new LokiWriter({
    periods: stores.lokiPeriods,
    marks: stores.chunkMarks,
    stores: stores.loki,
    // The configuration knows no other words.
    chunks: { encoding: encoding as ChunkCodec, blockBytes, targetBytes },
  });
  return new LokiPartWriter({ writer, ranges, journalId: journal.id });
}

interface PeriodPartWriterOptions {
  readonly stores: Stores;
  readonly writerOf: (day: number) => PartWriter;
  readonly log: Logger;
}

class PeriodPartWriter implements PartWriter {
  readonly #options: PeriodPartWriterOptions;

  constructor(options: PeriodPartWriterOptions) {
    this.#options = options;
  }

  async begin(part: HeadPart, onProgress: CutProgress): Promise<CopiedPart> {
    const { stores, writerOf } = this.#options;
    stores.guard.assertOpen();
    return writerOf(part.day).begin(part, onProgress);
  }

  /**
   * When the store does not answer, nothing counts as stored: its entries come into the head once
   * more, and queries and merging drop what is there twice.
   */
  async covered(tenant: string, day: number): Promise<readonly SequenceRange[]> {
    try {
      this.#options.stores.guard.assertOpen();
      return await this.#options.writerOf(day).covered(tenant, day);
    } catch (error) {
      if (!isStoreError(error, "unavailable")) throw error;
      this.#options.log.warn("replaying without knowing what is stored", {
        tenant,
        day,
        reason: error.message,
      });
      return [];
    }
  }
}
