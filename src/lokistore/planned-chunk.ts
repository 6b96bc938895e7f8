/**
 * A chunk that a query has planned to read. The index knows bounds in milliseconds, a size and a
 * count, none of them to be relied on: the facts say so (`isEstimate`). Once a chunk was read its
 * true facts are remembered, since objects never change under their key.
 */
import { KiB, LruMap, nsPerMs } from "#base";
import type { ChunkMeta } from "#lokiindex";
import type { Labels, Matcher, TimeRange } from "#model";
import type { BlockFacts, BlockRef, BlockStream } from "#storage";
import type { LokiPeriod } from "./loki-period.ts";

/** Where a chunk is, and which of its rows are meant. */
export interface PlannedChunk {
  readonly tenant: string;
  readonly fingerprint: bigint;
  /** As the index has them. */
  readonly labels: Labels;
  readonly meta: ChunkMeta;
  /** Of the chunk's first millisecond: its bucket and form of key. */
  readonly home: LokiPeriod;
  readonly key: string;
  /** Rows outside belong to another period's store, or to the ref of another window. */
  readonly rows: TimeRange;
  /** What the query asks for: blocks outside need not be decoded. */
  readonly wanted: TimeRange;
  readonly matchers: readonly Matcher[];
}

export interface ChunkBlockRef extends BlockRef {
  readonly facts: ChunkFacts;
  readonly chunk: PlannedChunk;
}

/** What reading all of a chunk has shown. */
export interface ExactFacts {
  readonly entryCount: number;
  readonly lineBytes: number;
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly isAscii: boolean;
  readonly hasInnerNewline: boolean;
}

/** Chunks whose facts are remembered; some 250 bytes each. */
const exactFactsMax = 65_536;

/** Facts of chunks that were read as a whole, by object key. */
export class KnownFacts {
  readonly #facts = new LruMap<string, ExactFacts>({
    name: "loki_chunk_facts",
    weightMax: exactFactsMax,
  });

  get(key: string): ExactFacts | undefined {
    return this.#facts.get(key);
  }

  set(key: string, facts: ExactFacts): void {
    this.#facts.set(key, facts);
  }
}

const noLevels: ReadonlyMap<string, number> = new Map();

/** Estimates until the chunk is read, then what was read. */
export class ChunkFacts implements BlockFacts {
  entryCount: number;
  lineBytes: number;
  /** Only ever moves down: the order of reading was decided by what it was. */
  minNs: bigint;
  maxNs: bigint;
  isAscii = false;
  hasInnerNewline = true;
  isEstimate = true;
  readonly levelCounts: ReadonlyMap<string, number> = noLevels;
  readonly source: string;
  readonly sourceOrder: number;
  /** One: a chunk is of one stream. A property of its own, so that facts can be spread. */
  streams: readonly BlockStream[];

  constructor(chunk: PlannedChunk, sourceOrder: number, known?: ExactFacts) {
    const { meta, rows } = chunk;
    const minNs = BigInt(meta.minMs) * nsPerMs;
    const maxNs = BigInt(meta.maxMs) * nsPerMs;
    this.minNs = minNs > rows.fromNs ? minNs : rows.fromNs;
    this.maxNs = maxNs < rows.toNs ? maxNs : rows.toNs - 1n;
    this.entryCount = meta.entries;
    this.lineBytes = meta.kib * KiB;
    this.source = chunk.key;
    this.sourceOrder = sourceOrder;
    const isWhole = known !== undefined && rows.fromNs <= known.minNs && known.maxNs < rows.toNs;
    if (isWhole) this.#setExact(known);
    this.streams = this.#streamsOf(chunk.labels);
  }

  #setExact(known: ExactFacts): void {
    this.entryCount = known.entryCount;
    this.lineBytes = known.lineBytes;
    this.minNs = known.minNs;
    this.maxNs = known.maxNs;
    this.isAscii = known.isAscii;
    this.hasInnerNewline = known.hasInnerNewline;
    this.isEstimate = false;
  }

  /** What was decoded of the chunk; bounds may widen, never shrink. */
  settle(read: ExactFacts, labels: Labels): void {
    this.entryCount = read.entryCount;
    this.lineBytes = read.lineBytes;
    this.isAscii = read.isAscii;
    this.hasInnerNewline = read.hasInnerNewline;
    if (read.entryCount > 0 && read.minNs < this.minNs) this.minNs = read.minNs;
    if (read.entryCount > 0 && read.maxNs > this.maxNs) this.maxNs = read.maxNs;
    this.streams = this.#streamsOf(labels);
  }

  #streamsOf(labels: Labels): readonly BlockStream[] {
    const { entryCount, lineBytes, minNs, maxNs } = this;
    return [{ labels, entryCount, lineBytes, minNs, maxNs }];
  }
}
