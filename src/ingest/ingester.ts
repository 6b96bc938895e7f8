import { isStoreError, messageOf, RequestError } from "#base";
import type { Journal } from "#journal";
import { dayOfSeconds, type EntryBatch } from "#model";
import type { Logger } from "#telemetry";
import { type Clock, nextTurn } from "#world";
import type { Head } from "./head.ts";
import type { BatchMemory } from "./batch-memory.ts";
import type { HeadPart } from "./head-part.ts";
import { decodePushRecord } from "./push-record.ts";

/** When a part of the head is cut and written to the store. */
export interface CutPolicy {
  /** A part that got nothing for this long (Loki: ingester.chunk_idle_period). */
  readonly idleMs: number;
  /** A part that is this old (Loki: ingester.max_chunk_age). */
  readonly ageMaxMs: number;
  /** A part this large in memory. */
  readonly partBytesMax: number;
  /** The head over all tenants: above it the largest parts are cut first. */
  readonly headBytesTarget: number;
  /**
   * Above it, without what is copied out of the head already, pushes wait: clients slow down to the speed of copying.
   * Piece by piece, since all of them would stand still until the end of a cut.
   */
  readonly headBytesPause: number;
  /** Above it, pushes that wait counted in, they are refused with 503 until cutting has caught up. */
  readonly headBytesMax: number;
  /** Above it the parts that hold the oldest records are cut, so that a restart has little to replay. */
  readonly journalBytesTarget: number;
  /** Above it a journal of which nothing is needed any more is emptied: a restart has nothing to replay. */
  readonly journalBytesKept: number;
}

/** Where cut parts go: implemented over the segment store and over Loki's format. */
export interface PartWriter {
  /** Resolves when the part is copied out of the head. The next part may begin while this one is stored. */
  begin(part: HeadPart, onProgress: CutProgress): Promise<CopiedPart>;
  /** Journal ranges [from, to] of the segments a tenant has for a day. */
  covered(tenant: string, day: number): Promise<readonly SequenceRange[]>;
}

/** A part on its way to the store. Dropped, it leaves nothing behind. */
export interface CopiedPart {
  /** The part can be read from the store when this resolves. Not while another part of its tenant is being stored. */
  store(signal: AbortSignal): Promise<WrittenSegment>;
}

/** `share` of a part, from 0 to 1, is copied out of the head. */
export type CutProgress = (share: number) => void;

export interface SequenceRange {
  readonly fromSequence: number;
  readonly toSequence: number;
}

export interface WrittenSegment {
  readonly key: string;
  readonly sizeBytes: number;
  readonly entryCount: number;
}

export interface IngesterOptions {
  readonly journal: Journal;
  readonly head: Head;
  readonly writer: PartWriter;
  readonly policy: CutPolicy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: IngesterEvents;
  /** What batches are decoded into; the collector's when omitted. */
  readonly memory?: BatchMemory | undefined;
}

/** For metrics. */
export interface IngesterEvents {
  segmentWritten(segment: WrittenSegment, durationMs: number, reason: CutReason): void;
  segmentFailed(error: unknown): void;
}

interface DuePart {
  readonly part: HeadPart;
  readonly reason: CutReason;
}

export type CutReason = "size" | "age" | "idle" | "journal" | "flush" | "shutdown";

export interface ReplaySummary {
  readonly records: number;
  readonly entries: number;
  readonly skippedRecords: number;
  readonly durationMs: number;
}

const checkEveryMs = 1_000;

/** Memory of pushes that is unused for so long is given back. */
const trimEveryMs = 10_000;
/** First pause after a failed write; doubles up to the maximum. */
const retryFirstMs = 500;
const retryMaxMs = 30_000;
/** While replay finds the store down, it tries to cut this often. */
const replayRetryMs = 5_000;
/** How long a push waits for room in the head. Clients give up after 10 s, Loki's agents among them. */
const roomWaitMaxMs = 5_000;

/**
 * Owns the way of an accepted batch: journal → head → segment, then the journal is truncated. One per process and journal
 * partition.
 */
export class Ingester {
  readonly #options: IngesterOptions;
  #flushing: Promise<void> | undefined;
  #isWanted = false;
  /** In monotonic time: replay does not try to cut before. */
  #replayCutFromMs = 0;
  #retryMs = 0;
  #trimmedMs = 0;
  #waitingBytes = 0;
  /** The parts that are being cut, and what share of each is copied. */
  readonly #cutting: Map<HeadPart, number> = new Map();
  #journalTrouble: string | undefined;
  /** Ends the wait of pushes for room; set while some wait. */
  #roomMade: PromiseWithResolvers<void> | undefined;

  constructor(options: IngesterOptions) {
    this.#options = options;
  }

  /**
   * Makes a batch durable and visible, and lets go of its lease. Resolves when it is both. Throws RequestError 503 when
   * the head or the disk is full or the process stops; then nothing was kept.
   */
  async push(tenant: string, batch: EntryBatch, record: readonly Uint8Array[]): Promise<void> {
    try {
      await this.#push(tenant, batch, record);
    } finally {
      batch.lease?.letGo();
    }
  }

  async #push(tenant: string, batch: EntryBatch, record: readonly Uint8Array[]): Promise<void> {
    const { head, journal, policy } = this.#options;
    if (head.heapBytes + this.#waitingBytes > policy.headBytesMax) {
      this.#wake();
      throw new RequestError(503, "ingester is overloaded: too much data waits to be stored", {
        retryAfterSeconds: 2,
      });
    }
    if (this.#uncutBytes > policy.headBytesPause) await this.#waitForRoom(batch.bytes.length);
    try {
      await journal.append(record, (sequence) => head.apply({ tenant, batch, sequence }));
    } catch (error) {
      const refused = refusal(error);
      if (isStoreError(error) && error.kind !== "closed") {
        this.#journalTrouble = messageOf(refused);
      }
      throw refused;
    }
    this.#journalTrouble = undefined;
    const isPartFull = head.openPartBytesMax >= policy.partBytesMax;
    if (isPartFull || head.heapBytes > policy.headBytesTarget) this.#wake();
  }

  /** Why the latest push could not be kept, in words; undefined when it could. */
  get journalTrouble(): string | undefined {
    const reason = this.#journalTrouble;
    return reason === undefined ? undefined : `pushes are refused with 503: ${reason}`;
  }

  /** What the head holds and no cut has copied. */
  get #uncutBytes(): number {
    let bytes = this.#options.head.heapBytes;
    for (const [part, share] of this.#cutting) bytes -= part.heapBytes * share;
    return bytes;
  }

  /** What the head holds and no cut has begun with. */
  get #untouchedBytes(): number {
    let bytes = this.#options.head.heapBytes;
    for (const part of this.#cutting.keys()) bytes -= part.heapBytes;
    return bytes;
  }

  /** Waits for cuts while they succeed; when the store fails, the head may fill up to its maximum. */
  async #waitForRoom(bytes: number): Promise<void> {
    const { policy, clock } = this.#options;
    const untilMs = clock.monotonicMs() + roomWaitMaxMs;
    this.#waitingBytes += bytes;
    try {
      while (this.#uncutBytes > policy.headBytesPause && this.#retryMs === 0) {
        const leftMs = untilMs - clock.monotonicMs();
        if (leftMs <= 0) return;
        this.#wake();
        this.#roomMade ??= Promise.withResolvers();
        const cancel = clock.schedule(leftMs, () => this.#endWaits());
        await this.#roomMade.promise;
        cancel();
      }
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  #endWaits(): void {
    this.#roomMade?.resolve();
    this.#roomMade = undefined;
  }

  /**
   * Fills the head from the journal. Cuts on the way when there is more than memory should hold;
   * while the store does not answer, the head fills up to its maximum, then replay waits.
   */
  async replay(): Promise<ReplaySummary> {
    const { journal, head, clock, policy, log } = this.#options;
    const startedMs = clock.monotonicMs();
    const covered = new CoveredDays(this.#options.writer);
    let records = 0;
    let entries = 0;
    let skippedRecords = 0;
    for await (const record of journal.replay(journal.firstSequence)) {
      records++;
      let decoded: { tenant: string; batch: EntryBatch };
      try {
        decoded = decodePushRecord(record.body, this.#options.memory);
      } catch (error) {
        skippedRecords++;
        log.error("journal record cannot be decoded", {
          sequence: record.sequence,
          reason: messageOf(error),
        });
        continue;
      }
      const { tenant, batch } = decoded;
      const isCovered = await covered.testFor(tenant, batch, record.sequence);
      entries += batch.rowCount;
      head.apply({ tenant, batch, sequence: record.sequence, isCovered });
      batch.lease?.letGo();
      if (head.heapBytes > policy.headBytesTarget) await this.#cutInReplay();
    }
    for (const damage of journal.damage) log.error("journal damaged", { ...damage });
    return { records, entries, skippedRecords, durationMs: clock.monotonicMs() - startedMs };
  }

  async #cutInReplay(): Promise<void> {
    const { head, clock, policy, log, events } = this.#options;
    for (;;) {
      const isFull = head.heapBytes > policy.headBytesMax;
      if (!isFull && clock.monotonicMs() < this.#replayCutFromMs) return;
      try {
        await this.#cutWhatIsDue(new AbortController().signal);
        return;
      } catch (error) {
        if (!isStoreError(error, "unavailable")) throw error;
        events.segmentFailed(error);
        this.#replayCutFromMs = clock.monotonicMs() + replayRetryMs;
        if (!isFull) return;
        log.error("replay waits for the store", { reason: error.message });
        await clock.sleep(replayRetryMs);
      }
    }
  }

  /** The background task that cuts parts as the policy says, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, events } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#cutWhatIsDue(signal);
        this.#retryMs = 0;
      } catch (error) {
        if (signal.aborted) return;
        events.segmentFailed(error);
        this.#retryMs = Math.min(retryMaxMs, Math.max(retryFirstMs, this.#retryMs * 2));
        this.#endWaits();
        log.error("segment could not be written", {
          reason: messageOf(error),
          retryInMs: this.#retryMs,
        });
      }
      this.#trimMemory();
      await this.#pause(this.#retryMs > 0 ? this.#retryMs : checkEveryMs, clock, signal);
    }
  }

  #trimMemory(): void {
    const { memory, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#trimmedMs < trimEveryMs) return;
    this.#trimmedMs = nowMs;
    memory?.trim();
  }

  #wakeUp: (() => void) | undefined;

  #wake(): void {
    this.#isWanted = true;
    this.#wakeUp?.();
  }

  async #pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (this.#isWanted && this.#retryMs === 0) {
      this.#isWanted = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(delayMs, resolve);
      const end = (): void => {
        cancel();
        resolve();
      };
      this.#wakeUp = this.#retryMs === 0 ? end : undefined;
      signal.addEventListener("abort", end, { once: true });
    });
    this.#wakeUp = undefined;
    this.#isWanted = false;
  }

  /** Writes everything (or one tenant's) to the store. */
  async flush(signal: AbortSignal, tenant?: string, reason: CutReason = "flush"): Promise<void> {
    await this.#exclusively(async () => {
      const parts = this.#options.head.parts(tenant);
      await this.#cutAll(() => {
        const part = parts.shift();
        return part === undefined ? undefined : { part, reason };
      }, signal);
    });
  }

  async #cutWhatIsDue(signal: AbortSignal): Promise<void> {
    await this.#exclusively(() =>
      this.#cutAll(() => (signal.aborted ? undefined : this.#mostDue()), signal),
    );
  }

  /** Parts are stored one after the other. While one is, the next is copied: pushes need not wait for the store. */
  async #cutAll(next: () => DuePart | undefined, signal: AbortSignal): Promise<void> {
    let storing = Promise.resolve();
    try {
      for (let due = next(); due !== undefined; due = next()) {
        const { part, reason } = due;
        const startedMs = this.#options.clock.monotonicMs();
        const copied = await this.#copy(part);
        await storing;
        storing = this.#store(part, copied, { reason, startedMs, signal });
        // It is awaited above or below; this keeps a failure from being unhandled until then.
        storing.catch(() => undefined);
      }
    } finally {
      await Promise.allSettled([storing]);
      this.#cutting.clear();
    }
    await storing;
  }

  /** One writer at a time; who comes meanwhile waits for its turn. */
  async #exclusively(work: () => Promise<void>): Promise<void> {
    const previous = this.#flushing ?? Promise.resolve();
    const mine = previous.then(work, work);
    this.#flushing = mine;
    try {
      await mine;
    } finally {
      if (this.#flushing === mine) this.#flushing = undefined;
    }
  }

  #mostDue(): DuePart | undefined {
    const { head, policy, clock, journal } = this.#options;
    const parts = head.parts().filter((part) => !this.#cutting.has(part));
    if (parts.length === 0) return undefined;
    const largest = parts.reduce((a, b) => (b.heapBytes > a.heapBytes ? b : a));
    const isMuch = this.#untouchedBytes > policy.headBytesTarget;
    if (largest.heapBytes >= policy.partBytesMax || isMuch) {
      return { part: largest, reason: "size" };
    }
    const nowMs = clock.monotonicMs();
    for (const part of parts) {
      if (nowMs - part.sinceMonotonicMs >= policy.ageMaxMs) return { part, reason: "age" };
      if (nowMs - part.touchedMonotonicMs >= policy.idleMs) return { part, reason: "idle" };
    }
    // What is being cut makes the journal shorter first.
    if (journal.sizeBytes > policy.journalBytesTarget && this.#cutting.size === 0) {
      const oldest = parts.reduce((a, b) => (b.firstSequence < a.firstSequence ? b : a));
      return { part: oldest, reason: "journal" };
    }
    return undefined;
  }

  async #copy(part: HeadPart): Promise<CopiedPart> {
    part.isSealed = true;
    this.#cutting.set(part, 0);
    // Pushes that are done by now are answered first.
    await nextTurn();
    return this.#options.writer.begin(part, (share) => {
      this.#cutting.set(part, share);
      this.#endWaits();
    });
  }

  async #store(
    part: HeadPart,
    copied: CopiedPart,
    cut: { readonly reason: CutReason; readonly startedMs: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const { head, clock, events } = this.#options;
    const segment = await copied.store(cut.signal);
    head.remove(part);
    this.#cutting.delete(part);
    this.#endWaits();
    events.segmentWritten(segment, clock.monotonicMs() - cut.startedMs, cut.reason);
    await this.#truncateJournal();
  }

  async #truncateJournal(): Promise<void> {
    const { head, journal, policy, log } = this.#options;
    const neededFrom = head.neededFromSequence();
    if (neededFrom > journal.lastSequence && journal.sizeBytes > policy.journalBytesKept) {
      await journal.endFile().catch((error: unknown) => {
        log.warn("journal keeps what is stored", { reason: messageOf(error) });
      });
    }
    await journal.truncate(neededFrom);
  }
}

function refusal(error: unknown): unknown {
  if (isStoreError(error, "full")) {
    return new RequestError(503, "no space left to keep the data; try again later", {
      retryAfterSeconds: 30,
    });
  }
  if (isStoreError(error, "closed")) {
    return new RequestError(503, "the server is shutting down", { retryAfterSeconds: 5 });
  }
  if (isStoreError(error)) {
    return new RequestError(503, `the journal cannot be written: ${error.message}`, {
      retryAfterSeconds: 5,
    });
  }
  return error;
}

/** Which (tenant, day) of a record are in segments already; asks the store once per tenant and day. */
class CoveredDays {
  readonly #writer: PartWriter;
  readonly #ranges = new Map<string, readonly SequenceRange[]>();

  constructor(writer: PartWriter) {
    this.#writer = writer;
  }

  async testFor(
    tenant: string,
    batch: EntryBatch,
    sequence: number,
  ): Promise<(day: number) => boolean> {
    for (const day of daysOf(batch)) {
      const key = `${day}/${tenant}`;
      if (!this.#ranges.has(key)) this.#ranges.set(key, await this.#writer.covered(tenant, day));
    }
    return (day) =>
      (this.#ranges.get(`${day}/${tenant}`) ?? []).some(
        (range) => range.fromSequence <= sequence && sequence <= range.toSequence,
      );
  }
}

function daysOf(batch: EntryBatch): Set<number> {
  const days = new Set<number>();
  for (let row = 0; row < batch.rowCount; row++) {
    days.add(dayOfSeconds(batch.epochSeconds[row]!));
  }
  return days;
}
