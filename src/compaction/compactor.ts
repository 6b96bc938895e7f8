/**
 * Keeps the native store in few, large objects. All it knows is in the objects: what is to be merged follows from their keys,
 * what is to be deleted from the footers of merged segments. So a crash at any point costs the work at
 * hand and nothing else, and the next round goes on from what is there. At most one Compactor per store may run.
 */
import { isStoreError, minute } from "#base";
import type { ObjectStore } from "#objectstore";
import type { FieldReader } from "#storage";
import { type ListedSegment, SegmentSource, type SegmentStore } from "#segment";
import type { Clock } from "#world";
import type { FirstSequenceOf } from "./journal-ranges.ts";
import { Pace } from "./pace.ts";
import { planMerge, storedBytesOf } from "./plan.ts";
import { type CompactionPolicy, defaultCompactionPolicy } from "./policy.ts";
import { isDispensable, type Replacements, replacementsOf } from "./replacements.ts";
import {
  type LeftOut,
  type MergedSegment,
  type MergeSection,
  runMerge,
  verifySegment,
  type MergeTools,
} from "./run-merge.ts";
import { type Erasure, runRewrite } from "./run-rewrite.ts";
import type { SpoolFolder } from "./spool.ts";
import { UnfinishedPut, UnfinishedPuts } from "./unfinished-puts.ts";

/** How often other processes' segments are looked for: a LIST per tenant. */
const refreshEveryMs: number = 5 * minute;

/** For logs and metrics. Called synchronously. */
export interface CompactorEvents {
  merged(segment: MergedSegment, durationMs: number): void;
  deleted(segment: ListedSegment): void;
  /** Told once per segment and process. */
  leftOut(segment: LeftOut): void;
  /** Tried again in the next round. Without `day` it was the round as a whole. */
  failed(error: unknown, day?: TenantDay): void;
}

export interface CompactorOptions {
  readonly objects: ObjectStore;
  /** The store that queries read from: it learns of every change here. */
  readonly segments: SegmentStore;
  readonly clock: Clock;
  /** Whether something more urgent waits for the thread: merging then takes a tenth of it. */
  readonly isPressed?: (() => boolean) | undefined;
  readonly events: CompactorEvents;
  readonly checkIntervalMs: number;
  readonly policy?: Partial<CompactionPolicy>;
  /** Where this process' journal begins; journal ranges before it need not be kept. */
  readonly firstSequenceOf?: FirstSequenceOf;
  /** Merges sections that other rooms gave; a kind it answers undefined for is dropped. */
  readonly mergeSection?: MergeSection;
  /** Reads fields of lines, which merged segments then keep as columns. */
  readonly fields?: FieldReader;
  /** Where lines of large merges wait for their put; in memory when omitted. */
  readonly spools?: SpoolFolder;
  /** Segments to leave alone: retention is about to drop them whole. */
  readonly isLeaving?: (segment: ListedSegment) => boolean;
}

export interface TenantDay {
  readonly tenant: string;
  readonly day: number;
}

export interface CompactorStatus {
  readonly state: "idle" | "looking" | "merging";
  /** Days with something to merge, the one at hand included. */
  readonly queuedDays: number;
  readonly current: (TenantDay & { readonly inputs: number; readonly bytes: number }) | undefined;
  /** Wall clock. */
  readonly lastSuccessMs: number | undefined;
  /** Since the start of the process. */
  readonly mergedSegments: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly deletedSegments: number;
  /** Replaced segments that wait for their delay to pass. */
  readonly waitingDeletes: number;
  readonly leftOut: number;
}

export class Compactor {
  readonly #options: CompactorOptions;
  readonly #policy: CompactionPolicy;
  readonly #pace: Pace;
  /** By key of a merged segment: the ids it names; undefined when its footer is broken. */
  readonly #names = new Map<string, readonly string[] | undefined>();
  /** Keys of merged segments that were read back in this process. */
  readonly #verified = new Set<string>();
  /** By key of a replaced segment, in monotonic time. */
  readonly #deleteAtMs = new Map<string, number>();
  /** Segments that nothing replaces and that go as a whole, by key. */
  readonly #dropAtMs = new Map<
    string,
    { readonly segment: ListedSegment; readonly atMs: number }
  >();
  /** By id. */
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #refreshedMs = new Map<string, number>();
  readonly #unfinished: UnfinishedPuts;
  #round: Promise<void> = Promise.resolve();
  /** What changes segments is done one after the other: merges, rewrites, deletes. */
  #changing: Promise<unknown> = Promise.resolve();
  #status: CompactorStatus = {
    state: "idle",
    queuedDays: 0,
    current: undefined,
    lastSuccessMs: undefined,
    mergedSegments: 0,
    readBytes: 0,
    writtenBytes: 0,
    deletedSegments: 0,
    waitingDeletes: 0,
    leftOut: 0,
  };

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#policy = { ...defaultCompactionPolicy, ...options.policy };
    const { bytesPerSecond } = this.#policy;
    this.#unfinished = new UnfinishedPuts(options);
    const { clock, isPressed } = options;
    this.#pace = new Pace({ clock, bytesPerSecond, isPressed });
  }

  status(): CompactorStatus {
    const waitingDeletes = this.#deleteAtMs.size + this.#dropAtMs.size;
    return { ...this.#status, waitingDeletes, leftOut: this.#leftOut.size };
  }

  /** The background task, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, events, checkIntervalMs } = this.#options;
    while (!signal.aborted) {
      try {
        await this.runOnce(signal);
      } catch (error) {
        if (signal.aborted) return;
        events.failed(error);
      }
      await clock.sleep(checkIntervalMs, signal);
    }
  }

  /**
   * Merges until nothing is left to merge and deletes what is due. What fails for one day is told to `events`, and the others
   * go on. Rejects when tenants cannot be listed or the signal aborts.
   */
  async runOnce(signal: AbortSignal): Promise<void> {
    const mine = this.#round.then(() => this.#runRound(signal));
    this.#round = mine.catch(() => undefined);
    await mine;
  }

  async #runRound(signal: AbortSignal): Promise<void> {
    this.#set({ state: "looking" });
    try {
      await this.#options.spools?.clear();
      const queue: TenantDay[] = [];
      await this.#locked(() => this.#deleteDropped(signal));
      for (const tenant of await this.#options.segments.tenants()) {
        for (const day of await this.#daysOf(tenant)) {
          const hasWork = await this.#attempt(day, signal, () =>
            this.#locked(async () => {
              // First: what is unfinished must not count as a replacement.
              await this.#unfinished.clear(day);
              await this.#deleteReplaced(day, signal);
              return (await this.#plan(day)) !== undefined;
            }),
          );
          if (hasWork === true) queue.push(day);
        }
      }
      for (const [index, day] of queue.entries()) {
        this.#set({ state: "merging", queuedDays: queue.length - index });
        await this.#attempt(day, signal, () => this.#mergeDay(day, signal));
      }
      this.#set({ lastSuccessMs: this.#options.clock.nowMs() });
    } finally {
      this.#set({ state: "idle", queuedDays: 0, current: undefined });
    }
  }

  /** Days with more than one object, oldest first. */
  async #daysOf(tenant: string): Promise<TenantDay[]> {
    const { segments, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const refreshedMs = this.#refreshedMs.get(tenant);
    if (refreshedMs === undefined) this.#refreshedMs.set(tenant, nowMs);
    else if (nowMs - refreshedMs >= refreshEveryMs) {
      await segments.refresh(tenant);
      this.#refreshedMs.set(tenant, nowMs);
    }
    const all = await segments.segments(tenant);
    this.#forget(tenant, all);
    const counts = new Map<number, number>();
    for (const { day } of all) counts.set(day, (counts.get(day) ?? 0) + 1);
    const days = [...counts].filter(([, count]) => count > 1).map(([day]) => day);
    return days.sort((a, b) => a - b).map((day) => ({ tenant, day }));
  }

  /** Drops what is known of a tenant's segments that are gone. */
  #forget(tenant: string, all: readonly ListedSegment[]): void {
    const keys = new Set(all.map(({ key }) => key));
    const isGone = (segment: { tenant: string; key: string }): boolean =>
      segment.tenant === tenant && !keys.has(segment.key);
    for (const [id, { segment }] of this.#leftOut) if (isGone(segment)) this.#leftOut.delete(id);
    const prefix = all[0]?.key.split("/", 2).join("/");
    if (prefix === undefined) return;
    for (const known of [this.#names, this.#verified, this.#deleteAtMs]) {
      for (const key of known.keys()) {
        if (key.startsWith(`${prefix}/`) && !keys.has(key)) known.delete(key);
      }
    }
  }

  async #attempt<T>(
    day: TenantDay,
    signal: AbortSignal,
    task: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      signal.throwIfAborted();
      return await task();
    } catch (error) {
      signal.throwIfAborted();
      // Somebody else deleted it: what is there now is seen in the next round.
      if (isStoreError(error, "missing")) await this.#options.segments.refresh(day.tenant);
      this.#options.events.failed(error, day);
      return undefined;
    }
  }

  async #segmentsOf({ tenant, day }: TenantDay): Promise<ListedSegment[]> {
    const all = await this.#options.segments.segments(tenant);
    return all.filter((segment) => segment.day === day);
  }

  async #replacements(segments: readonly ListedSegment[]): Promise<Replacements> {
    for (const segment of segments) {
      if (segment.replacesCount === 0 || this.#names.has(segment.key)) continue;
      this.#names.set(segment.key, await this.#readNames(segment));
    }
    return replacementsOf(segments, ({ key }) => this.#names.get(key));
  }

  async #readNames(segment: ListedSegment): Promise<readonly string[] | undefined> {
    try {
      const { footer } = await SegmentSource.open(this.#options.objects, segment);
      return footer.info.replaces;
    } catch (error) {
      if (!isStoreError(error, "corrupt")) throw error;
      this.#leaveOut({ segment, reason: error.message });
      return undefined;
    }
  }

  async #plan(day: TenantDay): Promise<readonly ListedSegment[] | undefined> {
    await this.#unfinished.clear(day);
    const { clock, isLeaving } = this.#options;
    const { live } = await this.#replacements(await this.#segmentsOf(day));
    const excluded = new Set(this.#leftOut.keys());
    for (const segment of live) if (isLeaving?.(segment) === true) excluded.add(segment.id);
    return planMerge(live, { nowMs: clock.nowMs(), policy: this.#policy, excluded });
  }

  async #mergeDay(day: TenantDay, signal: AbortSignal): Promise<void> {
    for (let hasMore = true; hasMore; ) {
      hasMore = await this.#locked(async () => {
        signal.throwIfAborted();
        const inputs = await this.#plan(day);
        if (inputs === undefined) return false;
        const bytes = inputs.reduce((sum, input) => sum + storedBytesOf(input), 0);
        this.#set({ current: { ...day, inputs: inputs.length, bytes } });
        await this.#merge(day, inputs, signal);
        this.#set({ current: undefined });
        return true;
      });
    }
  }

  async #locked<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#changing.then(task, task);
    this.#changing = mine.catch(() => undefined);
    return mine;
  }

  /** What queries read of a tenant, oldest day first. Segments that were left out as broken are among it. */
  async live(tenant: string): Promise<ListedSegment[]> {
    const all = await this.#options.segments.segments(tenant);
    const byDay = [...Map.groupBy(all, ({ day }) => day)].sort(([a], [b]) => a - b);
    const live: ListedSegment[] = [];
    for (const [, ofDay] of byDay) live.push(...(await this.#replacements(ofDay)).live);
    return live;
  }

  /**
   * Writes a segment anew without some rows (runRewrite); the old one goes after the delay. Undefined when there is
   * nothing to erase, or when it is not live any more: look again.
   */
  rewrite(
    segment: ListedSegment,
    erasure: Erasure,
    signal: AbortSignal,
  ): Promise<MergedSegment | LeftOut | undefined> {
    return this.#locked(async () => {
      signal.throwIfAborted();
      await this.#unfinished.clear(segment);
      const listed = await this.#segmentsOf(segment);
      const { live } = await this.#replacements(listed);
      if (!live.some(({ id }) => id === segment.id)) return undefined;
      const existing = new Set(listed.map(({ id }) => id));
      const outcome = await this.#putting(() =>
        runRewrite({ segment, erasure, existing }, this.#tools(), signal),
      );
      if (outcome === undefined) return undefined;
      if ("reason" in outcome) this.#leaveOut(outcome);
      else {
        this.#enter(outcome);
        await this.#deleteReplaced(segment, signal);
      }
      return outcome;
    });
  }

  /**
   * Takes a whole segment out of what queries find; its object goes after the delay. False when it has to stay for now:
   * it is not live, or keeps segments that it replaces from coming back to life.
   */
  drop(segment: ListedSegment): Promise<boolean> {
    return this.#locked(async () => {
      await this.#unfinished.clear(segment);
      const listed = await this.#segmentsOf(segment);
      const { live } = await this.#replacements(listed);
      if (!live.some(({ id }) => id === segment.id)) return false;
      const existing = new Set(listed.map(({ id }) => id));
      if (this.#names.get(segment.key)?.some((id) => existing.has(id)) === true) return false;
      const { segments, clock } = this.#options;
      segments.retire(segment.key);
      const atMs = clock.monotonicMs() + this.#policy.deleteDelayMs;
      this.#dropAtMs.set(segment.key, { segment, atMs });
      return true;
    });
  }

  async #deleteDropped(signal: AbortSignal): Promise<void> {
    const { objects, clock, events } = this.#options;
    for (const [key, { segment, atMs }] of this.#dropAtMs) {
      signal.throwIfAborted();
      if (clock.monotonicMs() < atMs) continue;
      try {
        await objects.delete(key, { signal });
      } catch (error) {
        signal.throwIfAborted();
        events.failed(error, segment);
        continue;
      }
      this.#dropAtMs.delete(key);
      this.#set({ deletedSegments: this.#status.deletedSegments + 1 });
      events.deleted(segment);
    }
  }

  async #merge(
    day: TenantDay,
    inputs: readonly ListedSegment[],
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, events } = this.#options;
    const startedMs = clock.monotonicMs();
    const existing = new Set((await this.#segmentsOf(day)).map(({ id }) => id));
    const outcome = await this.#putting(() =>
      runMerge({ inputs, existing }, this.#tools(), signal),
    );
    if ("reason" in outcome) {
      this.#leaveOut(outcome);
      return;
    }
    this.#enter(outcome);
    const mergedSegments = this.#status.mergedSegments + outcome.inputs.length;
    this.#set({ mergedSegments });
    events.merged(outcome, clock.monotonicMs() - startedMs);
    // Starts the delay of what was just replaced.
    await this.#deleteReplaced(day, signal);
  }

  async #putting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnfinishedPut)) throw error;
      this.#unfinished.add(error);
      throw error.cause;
    }
  }

  #tools(): MergeTools {
    return {
      objects: this.#options.objects,
      policy: this.#policy,
      pace: this.#pace,
      firstSequenceOf: this.#options.firstSequenceOf ?? (() => undefined),
      mergeSection: this.#options.mergeSection ?? (() => undefined),
      fields: this.#options.fields,
      spools: this.#options.spools,
    };
  }

  /** A segment that was just put and read back. */
  #enter(written: MergedSegment): void {
    this.#names.set(written.key, written.replaces);
    this.#verified.add(written.key);
    this.#unfinished.remove(written.key);
    this.#options.segments.add(written.key);
    const read = written.inputs.reduce((sum, input) => sum + storedBytesOf(input), 0);
    this.#set({
      readBytes: this.#status.readBytes + read,
      writtenBytes: this.#status.writtenBytes + written.storedBytes,
    });
  }

  #leaveOut(leftOut: LeftOut): void {
    if (this.#leftOut.has(leftOut.segment.id)) return;
    this.#leftOut.set(leftOut.segment.id, leftOut);
    this.#options.events.leftOut(leftOut);
  }

  /** Deletes what sound merged segments have replaced long enough ago. */
  async #deleteReplaced(day: TenantDay, signal: AbortSignal): Promise<void> {
    const { objects, segments, clock, events } = this.#options;
    const listed = await this.#segmentsOf(day);
    const { replaced } = await this.#replacements(listed);
    const existing = new Set(listed.map(({ id }) => id));
    for (const { segment, by } of replaced) {
      signal.throwIfAborted();
      if (!(await this.#isSound(by, listed, signal))) continue;
      const nowMs = clock.monotonicMs();
      const atMs = this.#deleteAtMs.get(segment.key) ?? nowMs + this.#policy.deleteDelayMs;
      this.#deleteAtMs.set(segment.key, atMs);
      // While it exists it keeps those it names from coming back to life; they come before it.
      const isNeeded = this.#names.get(segment.key)?.some((id) => existing.has(id)) === true;
      if (nowMs < atMs || isNeeded) continue;
      await objects.delete(segment.key, { signal });
      segments.remove(segment.key);
      existing.delete(segment.id);
      this.#deleteAtMs.delete(segment.key);
      this.#set({ deletedSegments: this.#status.deletedSegments + 1 });
      events.deleted(segment);
    }
  }

  /**
   * Whether a merged segment is known to read back; after a crash it is read now. A broken one is dropped when
   * what it stands for is all there.
   */
  async #isSound(
    merged: ListedSegment,
    listed: readonly ListedSegment[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { objects, segments, events } = this.#options;
    if (this.#verified.has(merged.key)) return true;
    if (this.#leftOut.has(merged.id)) return false;
    try {
      await verifySegment(merged, objects, { pace: this.#pace, signal });
      this.#verified.add(merged.key);
      return true;
    } catch (error) {
      if (!isStoreError(error, "corrupt")) throw error;
      this.#leaveOut({ segment: merged, reason: error.message });
      if (!isDispensable(merged, listed, ({ key }) => this.#names.get(key))) return false;
      await objects.delete(merged.key, { signal });
      segments.remove(merged.key);
      this.#leftOut.delete(merged.id);
      events.deleted(merged);
      return false;
    }
  }

  #set(change: Partial<CompactorStatus>): void {
    this.#status = { ...this.#status, ...change };
  }
}
