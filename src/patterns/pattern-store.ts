/**
 * Patterns of what is in memory: Drain per stream and level. Learning costs the way in nothing but
 * keeping a reference: batches wait in a queue, and a background task learns from a bounded number
 * of lines per second. Up to that rate every line counts; above it every n-th line stands for n.
 */
import {
  countEvicted,
  countRefused,
  MiB,
  watchCache,
  watchQueue,
  type QueueFigures,
  type CacheFigures,
} from "#base";
import { dayOfSeconds, type EntryBatch, type Labels } from "#model";
import { type Clock, nextTurn } from "#world";
import { BatchQueue, type WaitingBatch } from "./batch-queue.ts";
import { bucketSeconds } from "./bucket-counts.ts";
import { Drain } from "./drain.ts";
import { levelOfSet, unknownLevel } from "./level-of-set.ts";
import { LineTokens } from "./line-tokens.ts";
import { PatternSums } from "./merge-patterns.ts";
import type { Pattern, PatternCounts, PatternRequest } from "./pattern.ts";
import { encodePatterns } from "./pattern-section.ts";

/** Lines learned from per second: about 2 % of a core at 2 µs a line (docs/decisions/0221). */
export const linesPerSecondMaxDefault = 10_000;
/** Pause between two turns of the background task: a turn stays below ten milliseconds. */
const turnEveryMs = 200;
/** Lines that may wait before lines are left out: bursts of a few seconds still count exactly. */
const waitingLinesMax = 100_000;
/** Bytes of lines that may wait: batches stay in memory for them when the head has long let go. */
const waitingBytesMax: number = 16 * MiB;
/** Lines that are learned from at least when others have to be left out. */
const linesPerOverflowMin = 64;
/** And at most: a push waits for it. */
const linesPerOverflowMax = 256;
/** Memory of all templates and counts. */
export const patternBytesMaxDefault: number = 64 * MiB;
/** What a stream costs besides its templates. */
const streamCostBytes = 600;
/** Values of `detected_level` told apart in one stream; clients may send any. */
const levelsMax = 16;

/** Lines learned from between two turns of the event loop: a millisecond or two, as the next. */
const linesPerLook = 512;
/** Clusters looked at; taking the counts of one weighs more. */
const clustersPerLook = 8_192;
const takenClusterWeight = 16;

const bucketsPerDay: number = 86_400 / bucketSeconds;

export interface PatternStoreOptions {
  readonly linesPerSecondMax?: number;
  readonly patternBytesMax?: number;
}

/** Patterns on their way into a segment. They answer questions until one of the two is called. */
export interface SealedPatterns {
  /** For a section of kind `patternSectionKind`; undefined when there is nothing to keep. */
  readonly bytes: Buffer | undefined;
  /** The segment can be read by now. */
  done(): void;
  /** It was not written; the next `seal` of the day takes these up again. */
  failed(): void;
}

interface StreamPatterns {
  readonly labels: Labels;
  readonly levels: Map<string, Drain>;
  /** Turn in which it was learned from last. */
  touchedTurn: number;
  heapBytes: number;
}

interface Sealed {
  readonly tenant: string;
  readonly day: number;
  readonly counts: PatternCounts[];
  hasFailed: boolean;
}

export class PatternStore {
  readonly #linesPerSecondMax: number;
  readonly #patternBytesMax: number;
  readonly #tenants = new Map<string, Map<string, StreamPatterns>>();
  readonly #sealed = new Set<Sealed>();
  readonly #queue = new BatchQueue();
  readonly #tokens = new LineTokens();
  readonly #learn = (waiting: WaitingBatch, row: number, weight: number): void =>
    this.#learnLine(waiting, row, weight);
  /** The batch stream of the row before: rows of a stream come together. */
  #batch: EntryBatch | undefined;
  #streamIndex = 0;
  #stream: StreamPatterns | undefined;
  #turn = 0;
  #heapBytes = 0;
  /** Lines that questions and cuts may learn from until the next turn: they must not raise the rate. */
  #budget: number;

  constructor(options: PatternStoreOptions = {}) {
    this.#linesPerSecondMax = options.linesPerSecondMax ?? linesPerSecondMaxDefault;
    this.#patternBytesMax = options.patternBytesMax ?? patternBytesMaxDefault;
    this.#budget = this.#linesPerSecondMax;
    watchQueue("pattern_lines", this, (one) => one.#waitingFigures);
    watchCache("patterns", this, (one) => one.#keptFigures);
  }

  get #waitingFigures(): QueueFigures {
    return { length: this.waitingLineCount, bytes: this.#queue.bytes };
  }

  get #keptFigures(): CacheFigures {
    return { entries: this.#streamCount, bytes: this.heapBytes };
  }

  get #streamCount(): number {
    let count = 0;
    for (const streams of this.#tenants.values()) count += streams.size;
    return count;
  }

  /** Memory of templates and counts, estimated. */
  get heapBytes(): number {
    return this.#heapBytes;
  }

  get waitingLineCount(): number {
    return this.#queue.rowCount;
  }

  /**
   * An accepted batch; kept until it was learned from. Of a replayed one, `isCovered` tells which
   * days are in a segment already and do not count again.
   */
  observe(tenant: string, batch: EntryBatch, isCovered?: (day: number) => boolean): void {
    this.#queue.push({ tenant, batch, isCovered });
    if (this.#queue.bytes <= waitingBytesMax) return;
    this.#work(Math.max(linesPerOverflowMin, Math.min(linesPerOverflowMax, this.#budget)), 0);
  }

  /** The background task: learns until aborted. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(turnEveryMs, signal);
      await this.turn();
    }
  }

  /** What one turn of the background task does. */
  async turn(): Promise<void> {
    const linesPerTurn = this.#linesPerTurn;
    this.#budget = Math.min(this.#linesPerSecondMax, Math.max(0, this.#budget) + linesPerTurn);
    await this.#workInTurns(Math.min(this.#budget, linesPerTurn), waitingLinesMax);
  }

  get #linesPerTurn(): number {
    return Math.max(1, Math.ceil((this.#linesPerSecondMax * turnEveryMs) / 1000));
  }

  /** Leaves out as many lines as it takes to have no more than `leaveMax` waiting afterwards. */
  #work(takeMax: number, leaveMax: number): void {
    if (takeMax > 0) this.#learnFrom(takeMax, this.#stride(takeMax, leaveMax));
  }

  /** As `#work`, in pieces: for those who can wait. */
  async #workInTurns(takeMax: number, leaveMax: number): Promise<void> {
    const stride = takeMax > 0 ? this.#stride(takeMax, leaveMax) : 1;
    for (let left = takeMax; left > 0 && this.#queue.rowCount > 0; left -= linesPerLook) {
      this.#learnFrom(Math.min(left, linesPerLook), stride);
      await nextTurn();
    }
  }

  #stride(takeMax: number, leaveMax: number): number {
    return Math.max(1, Math.ceil((this.#queue.rowCount - leaveMax) / takeMax));
  }

  #learnFrom(takeMax: number, stride: number): void {
    if (this.#queue.rowCount === 0) return;
    this.#turn++;
    const waiting = this.#queue.rowCount;
    const learned = this.#queue.take({ takeMax, stride }, this.#learn);
    this.#budget -= learned;
    countRefused("pattern_lines", waiting - this.#queue.rowCount - learned);
    this.#batch = undefined;
    this.#stream = undefined;
    if (this.#heapBytes > this.#patternBytesMax) this.#forgetIdleStreams();
  }

  #learnLine({ tenant, batch, isCovered }: WaitingBatch, row: number, weight: number): void {
    const seconds = batch.epochSeconds[row]!;
    if (isCovered?.(dayOfSeconds(seconds)) === true) return;
    const stream = this.#streamOfRow(tenant, batch, row);
    const level = levelOfSet(batch.metadata, batch.metadataOfRow[row]!);
    const drain = drainOf(stream, level);
    const from = batch.lineStarts[row]!;
    this.#tokens.read(batch.bytes, from, batch.lineEnds[row]!);
    const before = drain.heapBytes;
    const cluster = drain.train(this.#tokens, batch.bytes, from);
    drain.addLines(cluster, Math.floor(seconds / bucketSeconds), weight);
    const grown = drain.heapBytes - before;
    stream.heapBytes += grown;
    this.#heapBytes += grown;
  }

  #streamOfRow(tenant: string, batch: EntryBatch, row: number): StreamPatterns {
    if (this.#batch !== batch) {
      this.#batch = batch;
      this.#streamIndex = 0;
      this.#stream = undefined;
    }
    while (row >= batch.streams[this.#streamIndex]!.toRow) {
      this.#streamIndex++;
      this.#stream = undefined;
    }
    this.#stream ??= this.#openStream(tenant, batch.streams[this.#streamIndex]!.labels);
    return this.#stream;
  }

  #openStream(tenant: string, labels: Labels): StreamPatterns {
    let streams = this.#tenants.get(tenant);
    if (streams === undefined) this.#tenants.set(tenant, (streams = new Map()));
    let stream = streams.get(labels.key);
    if (stream === undefined) {
      stream = { labels, levels: new Map(), touchedTurn: 0, heapBytes: streamCostBytes };
      streams.set(labels.key, stream);
      this.#heapBytes += stream.heapBytes;
    }
    stream.touchedTurn = this.#turn;
    return stream;
  }

  /** Streams that got no line for longest go first, with their counts, down to nine tenths. */
  #forgetIdleStreams(): void {
    const all = [...this.#tenants].flatMap(([tenant, streams]) =>
      [...streams.values()].map((stream) => ({ tenant, stream })),
    );
    all.sort((a, b) => a.stream.touchedTurn - b.stream.touchedTurn);
    for (const { tenant, stream } of all) {
      if (this.#heapBytes <= this.#patternBytesMax * 0.9) return;
      const streams = this.#tenants.get(tenant)!;
      streams.delete(stream.labels.key);
      if (streams.size === 0) this.#tenants.delete(tenant);
      this.#heapBytes -= stream.heapBytes;
      countEvicted("patterns");
    }
  }

  /** What waits is learned from first, as far as the rate allows. */
  query(request: PatternRequest): Pattern[] {
    const sums = new PatternSums(request);
    this.addTo(sums, request.tenant);
    return sums.patterns();
  }

  /** Adds all counts of a tenant, those on their way into a segment included. */
  addTo(sums: PatternSums, tenant: string): void {
    this.#work(this.#budget, waitingLinesMax);
    for (const stream of this.#tenants.get(tenant)?.values() ?? []) {
      for (const [level, drain] of stream.levels) {
        for (const cluster of drain.clusters()) {
          if (!cluster.hasWords) continue;
          const buckets = cluster.counts.entries();
          sums.add({ labels: stream.labels, text: cluster.text(), level, buckets });
        }
      }
    }
    for (const sealed of this.#sealed) {
      if (sealed.tenant === tenant) for (const counts of sealed.counts) sums.add(counts);
    }
  }

  /**
   * Takes the counts of one UTC day out, for the segment that is about to be written. Other work has
   * its turn meanwhile; what was taken answers questions all the time.
   */
  async seal(tenant: string, day: number): Promise<SealedPatterns> {
    // Below the rate, no more than this waits; above it, lines are left out anyway.
    await this.#workInTurns(Math.min(this.#linesPerTurn, this.#budget), waitingLinesMax);
    const counts: PatternCounts[] = [];
    const sealed: Sealed = { tenant, day, counts, hasFailed: false };
    this.#sealed.add(sealed);
    await this.#takeDay(sealed);
    for (const other of this.#sealed) {
      if (!other.hasFailed || other.tenant !== tenant || other.day !== day) continue;
      counts.push(...other.counts);
      this.#sealed.delete(other);
    }
    return {
      bytes: counts.length === 0 ? undefined : encodePatterns(counts),
      done: () => {
        this.#sealed.delete(sealed);
      },
      failed: () => {
        if (counts.length === 0) this.#sealed.delete(sealed);
        sealed.hasFailed = true;
      },
    };
  }

  async #takeDay({ tenant, day, counts: taken }: Sealed): Promise<void> {
    let looked = 0;
    const [from, to] = [day * bucketsPerDay, (day + 1) * bucketsPerDay];
    for (const stream of this.#tenants.get(tenant)?.values() ?? []) {
      for (const [level, drain] of stream.levels) {
        const before = drain.heapBytes;
        for (const cluster of drain.clusters()) {
          looked++;
          // Most got no line since the last segment.
          if (cluster.counts.size === 0) continue;
          looked += takenClusterWeight;
          const buckets = drain.takeCounts(cluster, from, to);
          if (buckets.length === 0 || !cluster.hasWords) continue;
          taken.push({ labels: stream.labels, text: cluster.text(), level, buckets });
        }
        stream.heapBytes += drain.heapBytes - before;
        this.#heapBytes += drain.heapBytes - before;
        if (looked < clustersPerLook) continue;
        looked = 0;
        await nextTurn();
      }
    }
  }
}

function drainOf({ levels }: StreamPatterns, level: string): Drain {
  let drain = levels.get(level);
  if (drain !== undefined) return drain;
  const name = levels.size < levelsMax ? level : unknownLevel;
  drain = levels.get(name) ?? new Drain();
  levels.set(name, drain);
  return drain;
}
