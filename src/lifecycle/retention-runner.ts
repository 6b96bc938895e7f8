/**
 * Takes out of the store what retention has expired: whole segments when all of it is due,
 * rewritten ones when it is worth it (retention-decision.ts), the oldest ones while there is more
 * than a size allows. Due is what has been out of the answers for the delay. All is decided anew in
 * each round from what is there.
 */
import { hour, messageOf, nsPerMs } from "#base";
import type { LimitsByTenant } from "#config";
import { dayStartNs } from "#model";
import { type ListedSegment, SegmentSource } from "#segment";
import type { Logger } from "#telemetry";
import type { Clock } from "#world";
import { hiddenRows } from "./mask.ts";
import type { NativeStore } from "./native-eraser.ts";
import type { PolicyRecord } from "./policy-record.ts";
import type { Retention } from "./retention.ts";
import { decideRetention, type ExpiringRun, type RetentionDecision } from "./retention-decision.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import { decideSizes, type SizedSegment, type SizeReason } from "./size-decision.ts";

/** A segment that cannot be rewritten is tried again after this. */
const retryAfterMs: number = hour;

export interface RetentionRunnerOptions {
  readonly stores: readonly NativeStore[];
  readonly retention: Retention;
  readonly limits: LimitsByTenant;
  readonly record: PolicyRecord;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** compactor.retention_enabled */
  readonly isEnabled: boolean;
  /** compactor.retention_delete_delay */
  readonly deleteDelayMs: number;
  /** Of all tenants and stores together; 0: no limit. */
  readonly totalBytesMax: number;
  /** For metrics. Called synchronously. */
  readonly events?: RetentionEvents;
}

export interface RetentionEvents {
  dropped(segment: ListedSegment, reason: RetentionItem["reason"]): void;
  rewritten(segment: ListedSegment, erasedBytes: number): void;
}

export interface RetentionItem {
  readonly tenant: string;
  /** Name of the object store. */
  readonly store: string;
  readonly segment: ListedSegment;
  readonly storedBytes: number;
  readonly action: "drop" | "rewrite";
  readonly reason: "age" | SizeReason;
  /** Not before; wall clock. */
  readonly dueMs: number;
}

interface Known {
  readonly digest: string;
  readonly decision: RetentionDecision;
}

export class RetentionRunner {
  readonly #options: RetentionRunnerOptions;
  /** By key of a segment. */
  readonly #decisions = new Map<string, Known>();
  /** By key of a segment that could not be rewritten: when it may be tried again, monotonic. */
  readonly #retryMs = new Map<string, number>();

  constructor(options: RetentionRunnerOptions) {
    this.#options = options;
  }

  /** Segments that go as a whole before long: not worth merging. By their keys alone. */
  isLeaving({ tenant, maxNs }: ListedSegment): boolean {
    const { retention, clock, deleteDelayMs } = this.#options;
    const longestMs = retention.policyOf(tenant)?.longestMs;
    if (longestMs === undefined) return false;
    return Number(maxNs / nsPerMs) + longestMs + deleteDelayMs - hour <= clock.nowMs();
  }

  async runOnce(signal: AbortSignal): Promise<void> {
    const { stores, clock, log, isEnabled } = this.#options;
    if (!isEnabled) return;
    const failures: unknown[] = [];
    this.#forgetGone(await this.#allKeys());
    for (const item of await this.#items(clock.nowMs(), true)) {
      signal.throwIfAborted();
      const store = stores.find(({ objects }) => objects.name === item.store)!;
      try {
        if (item.action === "drop") await this.#drop(store, item);
        else await this.#rewrite(store, item, signal);
      } catch (error) {
        signal.throwIfAborted();
        const { key } = item.segment;
        log.error("retention failed", { key, reason: messageOf(error) });
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** What would go until then, soonest first; nothing is touched. Sizes are those of now. */
  async plan(untilMs: number): Promise<RetentionItem[]> {
    if (!this.#options.isEnabled) return [];
    const items = await this.#items(untilMs, false);
    return items.sort((a, b) => a.dueMs - b.dueMs || (a.segment.key < b.segment.key ? -1 : 1));
  }

  async #items(untilMs: number, mayNote: boolean): Promise<RetentionItem[]> {
    const { stores, limits, totalBytesMax, clock } = this.#options;
    const items: RetentionItem[] = [];
    const sized: (SizedSegment & { readonly store: NativeStore; segment: ListedSegment })[] = [];
    for (const store of stores) {
      for (const tenant of await store.segments.tenants()) {
        const live = await store.compactor.live(tenant);
        const aged = await this.#aged(store, tenant, { live, untilMs, mayNote });
        items.push(...aged);
        const dropped = new Set(
          aged.flatMap(({ action, segment }) => (action === "drop" ? segment.key : [])),
        );
        for (const segment of live) {
          if (dropped.has(segment.key)) continue;
          const { key, day, maxNs } = segment;
          const storedBytes = storedBytesOf(segment);
          sized.push({ tenant, key, day, maxNs, storedBytes, store, segment });
        }
      }
    }
    const tenantBytesMax = (tenant: string): number => limits.for(tenant).retentionSizeBytes;
    const going = decideSizes(sized, { totalBytesMax, tenantBytesMax });
    for (const { tenant, key, store, segment, storedBytes } of sized) {
      const reason = going.get(key);
      if (reason === undefined) continue;
      const { name } = store.objects;
      const dueMs = clock.nowMs();
      items.push({ tenant, store: name, segment, storedBytes, action: "drop", reason, dueMs });
    }
    return items;
  }

  async #aged(
    store: NativeStore,
    tenant: string,
    what: {
      readonly live: readonly ListedSegment[];
      readonly untilMs: number;
      readonly mayNote: boolean;
    },
  ): Promise<RetentionItem[]> {
    const { retention, record, clock, deleteDelayMs } = this.#options;
    const policy = retention.policyOf(tenant);
    if (policy === undefined) return [];
    const sinceMs = what.mayNote
      ? await record.sinceMs(tenant, policy.digest)
      : ((await record.knownSinceMs(tenant, policy.digest)) ?? clock.nowMs());
    const earliestMs = sinceMs + deleteDelayMs;
    if (earliestMs > what.untilMs) return [];
    const items: RetentionItem[] = [];
    for (const segment of what.live) {
      const decision = await this.#decide(store, segment, policy, what.untilMs);
      const isDropped = decision.dropMs <= what.untilMs;
      if (!isDropped && decision.rewriteMs > what.untilMs) continue;
      // What is rewritten first may be dropped later all the same.
      const isRewrittenFirst = decision.rewriteMs <= what.untilMs && !isDropped;
      const dueMs = Math.max(earliestMs, isRewrittenFirst ? decision.rewriteMs : decision.dropMs);
      items.push({
        tenant,
        store: store.objects.name,
        segment,
        storedBytes: storedBytesOf(segment),
        action: isRewrittenFirst ? "rewrite" : "drop",
        reason: "age",
        dueMs,
      });
    }
    return items;
  }

  /** Reads the footer only when keys do not tell enough; what it says is remembered. */
  async #decide(
    store: NativeStore,
    segment: ListedSegment,
    policy: RetentionPolicy,
    untilMs: number,
  ): Promise<RetentionDecision> {
    const { deleteDelayMs, log } = this.#options;
    const known = this.#decisions.get(segment.key);
    if (known?.digest === policy.digest) return known.decision;
    const firstDueMs = Number(segment.minNs / nsPerMs) + policy.shortestMs! + deleteDelayMs;
    if (firstDueMs > untilMs) return { dropMs: Infinity, rewriteMs: Infinity };
    if (policy.longestMs !== undefined) {
      const dropMs = Number(segment.maxNs / nsPerMs) + 1 + policy.longestMs + deleteDelayMs;
      if (dropMs <= untilMs) return { dropMs, rewriteMs: Infinity };
    }
    try {
      const source = await SegmentSource.open(store.objects, segment);
      const decision = decideRetention(runsOf(source, policy, deleteDelayMs));
      this.#decisions.set(segment.key, { digest: policy.digest, decision });
      return decision;
    } catch (error) {
      log.warn("retention passes over a segment", { key: segment.key, reason: messageOf(error) });
      return { dropMs: Infinity, rewriteMs: Infinity };
    }
  }

  async #drop(store: NativeStore, { segment, reason, storedBytes }: RetentionItem): Promise<void> {
    const { log, events } = this.#options;
    // False: it goes in a later round, when what it replaces is gone.
    if (!(await store.compactor.drop(segment))) return;
    this.#decisions.delete(segment.key);
    events?.dropped(segment, reason);
    log.info("segment dropped by retention", { key: segment.key, reason, bytes: storedBytes });
  }

  async #rewrite(
    store: NativeStore,
    { segment, tenant }: RetentionItem,
    signal: AbortSignal,
  ): Promise<void> {
    const { retention, clock, deleteDelayMs, events } = this.#options;
    const policy = retention.policyOf(tenant);
    const retryMs = this.#retryMs.get(segment.key) ?? 0;
    if (policy === undefined || clock.monotonicMs() < retryMs) return;
    const masks = policy.masks(clock.nowMs() - deleteDelayMs);
    const cuts = masks.map(({ range }) => range.toNs).join(" ");
    const outcome = await store.compactor.rewrite(
      segment,
      {
        name: `retention ${policy.digest} ${cuts}`,
        eraser: { hiddenRows: (block) => hiddenRows(block, masks) },
        keepsSections: true,
      },
      signal,
    );
    if (outcome !== undefined && "reason" in outcome) {
      this.#retryMs.set(segment.key, clock.monotonicMs() + retryAfterMs);
      return;
    }
    this.#decisions.delete(segment.key);
    let erasedBytes = 0;
    for (const { lineBytes } of outcome?.erasedBy.values() ?? []) erasedBytes += lineBytes;
    events?.rewritten(segment, erasedBytes);
  }

  async #allKeys(): Promise<Set<string>> {
    const keys = new Set<string>();
    for (const { segments } of this.#options.stores) {
      for (const tenant of await segments.tenants()) {
        for (const { key } of await segments.segments(tenant)) keys.add(key);
      }
    }
    return keys;
  }

  #forgetGone(keys: ReadonlySet<string>): void {
    for (const known of [this.#decisions, this.#retryMs]) {
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
    }
  }
}

function runsOf(source: SegmentSource, policy: RetentionPolicy, delayMs: number): ExpiringRun[] {
  const { footer } = source;
  const startMs = Number(dayStartNs(footer.info.day) / nsPerMs);
  const { streams, maxOffsets, lineBytes } = footer.blocks.runs;
  const periods = new Map<number, number>();
  const runs: ExpiringRun[] = [];
  for (let run = 0; run < streams.length; run++) {
    const stream = streams[run]!;
    let periodMs = periods.get(stream);
    if (periodMs === undefined) {
      periodMs = policy.periodMsOf(footer.labelsOf(stream));
      periods.set(stream, periodMs);
    }
    // The next whole millisecond: an entry is due when it is older than the period.
    const lastMs = startMs + Math.floor(maxOffsets[run]! / 1e6) + 1;
    const dueMs = periodMs === 0 ? Infinity : lastMs + periodMs + delayMs;
    runs.push({ dueMs, lineBytes: lineBytes[run]! });
  }
  return runs;
}

function storedBytesOf(segment: ListedSegment): number {
  return segment.bodyBytes + segment.footerBytes;
}
