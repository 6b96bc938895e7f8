import type { EntryBatch, Labels } from "#model";
import type { Clock } from "#world";
import { type DayRun, dayRuns, HeadPart } from "./head-part.ts";

/** Called for every accepted batch, after it is durable and in the head. Must not throw and must return at once. */
export type BatchListener = (batch: EntryBatch) => void;

/** Hears every batch of every tenant; `isCovered` (of a replay) tells which days of it are in segments already. */
export type HeadObserver = (
  tenant: string,
  batch: EntryBatch,
  isCovered: ((day: number) => boolean) | undefined,
) => void;

/**
 * What is durable in the journal but not yet in a segment: parts by tenant and day. Single-threaded; every method is
 * synchronous, so readers never see half a batch.
 */
export class Head {
  readonly #clock: Clock;
  readonly #observe: HeadObserver | undefined;
  readonly #keepsMetadata: (day: number) => boolean;
  readonly #parts = new Map<string, HeadPart[]>();
  readonly #streamCounts = new Map<string, Map<string, number>>();
  readonly #listeners = new Map<string, Set<BatchListener>>();
  #nextOrder = 1;
  #appliedSequence = 0;
  #heapBytes = 0;
  #openPartBytesMax = 0;

  constructor(options: {
    clock: Clock;
    observe?: HeadObserver;
    /**
     * Whether structured metadata of a day can be stored; all days when omitted. Where it cannot (Loki's
     * schemas before v13) the head has none either: the same entry must not look different once it is
     * stored, or one that is in both would count twice.
     */
    keepsMetadata?: (day: number) => boolean;
  }) {
    this.#clock = options.clock;
    this.#observe = options.observe;
    this.#keepsMetadata = options.keepsMetadata ?? (() => true);
  }

  get heapBytes(): number {
    return this.#heapBytes;
  }

  /** Memory of the largest part that is not being cut; may be too high until the next part is removed. */
  get openPartBytesMax(): number {
    return this.#openPartBytesMax;
  }

  /**
   * Adds a durable batch. `isCovered` (of a replay) tells which days of it are in a segment already. Sequences must not
   * decrease from call to call.
   */
  apply(input: {
    readonly tenant: string;
    readonly batch: EntryBatch;
    readonly sequence: number;
    readonly isCovered?: (day: number) => boolean;
  }): void {
    const { tenant, batch, sequence } = input;
    let plain: EntryBatch | undefined;
    for (const stream of batch.streams) {
      for (const run of dayRuns(batch, stream)) {
        if (input.isCovered?.(run.day) === true) continue;
        const kept = this.#keepsMetadata(run.day) ? batch : (plain ??= withoutMetadata(batch));
        this.#append(tenant, stream.labels, run, kept, sequence);
      }
    }
    this.#appliedSequence = sequence;
    this.#observe?.(tenant, batch, input.isCovered);
    const listeners = this.#listeners.get(tenant);
    if (listeners === undefined) return;
    // Who listens may keep what it hears, without an end that is known here.
    batch.lease?.hold();
    for (const listener of listeners) listener(batch);
  }

  #append(tenant: string, labels: Labels, run: DayRun, batch: EntryBatch, sequence: number): void {
    const part = this.#openPart(tenant, run.day);
    const before = part.heapBytes;
    const isNew = !part.streams.has(labels.key);
    part.append(labels, run, batch, sequence);
    part.touchedMonotonicMs = this.#clock.monotonicMs();
    this.#heapBytes += part.heapBytes - before;
    if (part.heapBytes > this.#openPartBytesMax) this.#openPartBytesMax = part.heapBytes;
    if (isNew) this.#countStream(tenant, labels.key, 1);
  }

  #openPart(tenant: string, day: number): HeadPart {
    let parts = this.#parts.get(tenant);
    if (parts === undefined) {
      parts = [];
      this.#parts.set(tenant, parts);
    }
    const open = parts.find((part) => part.day === day && !part.isSealed);
    if (open !== undefined) return open;
    const part = new HeadPart({
      tenant,
      day,
      order: this.#nextOrder++,
      clock: this.#clock,
    });
    parts.push(part);
    return part;
  }

  #countStream(tenant: string, key: string, by: number): void {
    let counts = this.#streamCounts.get(tenant);
    if (counts === undefined) {
      counts = new Map();
      this.#streamCounts.set(tenant, counts);
    }
    const count = (counts.get(key) ?? 0) + by;
    if (count > 0) counts.set(key, count);
    else counts.delete(key);
    if (counts.size === 0) this.#streamCounts.delete(tenant);
  }

  /** Active streams of a tenant: those with entries in the head. */
  count(tenant: string): number {
    return this.#streamCounts.get(tenant)?.size ?? 0;
  }

  has(tenant: string, labels: Labels): boolean {
    return this.#streamCounts.get(tenant)?.has(labels.key) ?? false;
  }

  /** All streams of all tenants. */
  streamCount(): number {
    let count = 0;
    for (const counts of this.#streamCounts.values()) count += counts.size;
    return count;
  }

  tenants(): string[] {
    return [...this.#parts.keys()].sort();
  }

  /** Parts of one tenant or of all, oldest first. */
  parts(tenant?: string): HeadPart[] {
    if (tenant !== undefined) return [...(this.#parts.get(tenant) ?? [])];
    return [...this.#parts.values()].flat().sort((a, b) => a.order - b.order);
  }

  /** Forgets a part whose segment can be read by now. */
  remove(part: HeadPart): void {
    const parts = this.#parts.get(part.tenant)?.filter((other) => other !== part) ?? [];
    if (parts.length > 0) this.#parts.set(part.tenant, parts);
    else this.#parts.delete(part.tenant);
    this.#heapBytes -= part.heapBytes;
    this.#openPartBytesMax = 0;
    for (const other of this.parts()) {
      if (!other.isSealed && other.heapBytes > this.#openPartBytesMax) {
        this.#openPartBytesMax = other.heapBytes;
      }
    }
    for (const key of part.streams.keys()) this.#countStream(part.tenant, key, -1);
    part.letGo();
  }

  /** Journal records below this number are needed by no part any more. */
  neededFromSequence(): number {
    let oldest: number | undefined;
    for (const parts of this.#parts.values()) {
      for (const part of parts) {
        if (oldest === undefined || part.firstSequence < oldest) oldest = part.firstSequence;
      }
    }
    return oldest ?? this.#appliedSequence + 1;
  }

  /** Hears every batch of a tenant from now on; returns the end of it. */
  subscribe(tenant: string, listener: BatchListener): () => void {
    const listeners = this.#listeners.get(tenant) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(tenant, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(tenant);
    };
  }
}

/** The same rows over the same bytes; each has the empty set. */
function withoutMetadata(batch: EntryBatch): EntryBatch {
  return {
    ...batch,
    metadataOfRow: new Uint32Array(batch.rowCount),
    metadata: { bytes: Buffer.alloc(0), starts: new Uint32Array(2), count: 1 },
  };
}
