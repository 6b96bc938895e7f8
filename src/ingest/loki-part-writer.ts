import { createHash } from "node:crypto";
import { MiB } from "#base";
import type { LokiWriter } from "#lokistore";
import type { HeadPart } from "./head-part.ts";
import type {
  CopiedPart,
  CutPolicy,
  PartWriter,
  SequenceRange,
  WrittenSegment,
} from "./ingester.ts";
import type { StoredRanges } from "./stored-ranges.ts";

/**
 * How large parts grow that become chunks: each stream is an object of its own, so what is cut
 * early stays small for ever. docs/decisions/0321-parts-of-loki-periods.md.
 */
export const lokiCutSizes: Pick<
  CutPolicy,
  "partBytesMax" | "headBytesTarget" | "headBytesPause" | "headBytesMax"
> = {
  partBytesMax: 128 * MiB,
  headBytesTarget: 160 * MiB,
  headBytesPause: 208 * MiB,
  headBytesMax: 384 * MiB,
};

export interface LokiPartWriterOptions {
  readonly writer: LokiWriter;
  readonly ranges: StoredRanges;
  /** Identity of the journal whose sequence numbers the parts carry. */
  readonly journalId: string;
}

/** Cuts parts into chunks and index files of Loki's format. */
export class LokiPartWriter implements PartWriter {
  readonly #options: LokiPartWriterOptions;

  constructor(options: LokiPartWriterOptions) {
    this.#options = options;
  }

  /** Chunks are made while they are stored: there are too many of them to hold. */
  begin(part: HeadPart): Promise<CopiedPart> {
    return Promise.resolve({ store: (signal: AbortSignal) => this.#store(part, signal) });
  }

  /** A second try of the same part writes the same objects again. */
  async #store(part: HeadPart, signal: AbortSignal): Promise<WrittenSegment> {
    const { writer, ranges } = this.#options;
    const { tenant, day, firstSequence, lastSequence, openedMs } = part;
    const streams = [...part.streams.values()].map(({ labels, slices }) => ({
      labels,
      rows: slices,
    }));
    const nameNs = BigInt(openedMs) * 1_000_000n + BigInt(this.#nameSuffix(part));
    const input = { tenant, day, streams, nameNs, ingestedAtMs: openedMs };
    const written = await writer.write(input, signal);
    await ranges.add({ tenant, day, fromSequence: firstSequence, toSequence: lastSequence });
    const { indexKeys, storedBytes, entryCount } = written;
    return { key: indexKeys[0]!, sizeBytes: storedBytes, entryCount };
  }

  covered(tenant: string, day: number): Promise<readonly SequenceRange[]> {
    return Promise.resolve(this.#options.ranges.of(tenant, day));
  }

  /** Below a million: tells parts apart that were opened in the same millisecond. */
  #nameSuffix({ firstSequence }: HeadPart): number {
    const hash = createHash("sha256").update(`${this.#options.journalId} ${firstSequence}`);
    return hash.digest().readUInt32LE() % 1_000_000;
  }
}
