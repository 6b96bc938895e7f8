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
import type { LokiRetention } from "./loki-retention.ts";
import type { LokiSizes, SizedHour } from "./loki-sizes.ts";
import { hiddenRows } from "./mask.ts";
import type { NativeStore } from "./native-eraser.ts";
import type { PolicyRecord } from "./policy-record.ts";
import type { Retention } from "./retention.ts";
import { decideRetention, type ExpiringRun, type RetentionDecision } from "./retention-decision.ts";
import type { RetentionItem } from "./retention-item.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import { decideSizes, type SizedSegment } from "./size-decision.ts";

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
  /** Chunks that count towards sizes; undefined: there are none, or another compactor's. */
  readonly ofLoki?: LokiSizes | undefined;
  /** Asked for plans only; it carries out its part itself. */
  readonly agedOfLoki?: Pick<LokiRetention, "plan"> | undefined;
  /** For metrics. Called synchronously. */
  readonly events?: RetentionEvents;
}

export interface RetentionEvents {
  dropped(segment: ListedSegment, reason: RetentionItem["reason"]): void;
  rewritten(segment: ListedSegment, erasedBytes: number): void;
}

interface SegmentItem extends RetentionItem {
  readonly segment: ListedSegment;
}

/** Chunks in Loki's format that end in one hour. */
interface HourItem extends RetentionItem {
  readonly hourFromMs: number;
}

type Sized = SizedSegment & { readonly store: string } & (
    | { readonly segment: ListedSegment }
    | Pick<SizedHour, "fromMs">
  );

/** What stands for the store of chunks: a tenant's may lie in several. */
const lokiFormat = "chunks of Loki's format";

interface Round {
  readonly untilMs: number;
  /** Whether a policy seen for the first time may be noted. */
  readonly mayNote: boolean;
  readonly signal: AbortSignal;
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
    const { clock, isEnabled } = this.#options;
    if (!isEnabled) return;
    const failures: unknown[] = [];
    this.#forgetGone(await this.#allKeys());
    const items = await this.#items({ untilMs: clock.nowMs(), mayNote: true, signal });
    for (const item of items) {
      if (!("segment" in item)) continue;
      await this.#attempt(item.object, { failures, signal }, () => this.#carryOut(item, signal));
    }
    // A tenant's oldest hours go together, for each table is rewritten once.
    const hours = items.filter((item) => "hourFromMs" in item);
    for (const [tenant, own] of Map.groupBy(hours, (item) => item.tenant)) {
      const cutMs = Math.max(...own.map(({ hourFromMs }) => hourFromMs)) + hour;
      const drop = () => this.#options.ofLoki!.dropBefore(tenant, cutMs, signal);
      await this.#attempt(`${lokiFormat} of ${tenant}`, { failures, signal }, drop);
    }
    if (failures.length > 0) throw failures[0];
  }

  async #attempt(
    key: string,
    { failures, signal }: { readonly failures: unknown[]; readonly signal: AbortSignal },
    work: () => Promise<void>,
  ): Promise<void> {
    signal.throwIfAborted();
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      this.#options.log.error("retention failed", { key, reason: messageOf(error) });
      failures.push(error);
    }
  }

  async #carryOut(item: SegmentItem, signal: AbortSignal): Promise<void> {
    const store = this.#options.stores.find(({ objects }) => objects.name === item.store)!;
    if (item.action === "drop") await this.#drop(store, item);
    else await this.#rewrite(store, item, signal);
  }

  /** What would go until then, soonest first; nothing is touched. Sizes are those of now. */
  async plan(untilMs: number): Promise<RetentionItem[]> {
    const { isEnabled, agedOfLoki } = this.#options;
    if (!isEnabled) return [];
    const { signal } = new AbortController();
    const items: RetentionItem[] = await this.#items({ untilMs, mayNote: false, signal });
    items.push(...((await agedOfLoki?.plan(untilMs, signal)) ?? []));
    return items.sort((a, b) => a.dueMs - b.dueMs || (a.object < b.object ? -1 : 1));
  }

  async #items(given: Round): Promise<(RetentionItem | SegmentItem | HourItem)[]> {
    const { stores } = this.#options;
    const items: (RetentionItem | SegmentItem | HourItem)[] = [];
    const sized: Sized[] = [];
    for (const store of stores) {
      for (const tenant of await store.segments.tenants()) {
        const live = await store.compactor.live(tenant);
        const aged = await this.#aged(store, tenant, { live, ...given });
        items.push(...aged);
        const dropped = new Set(
          aged.flatMap(({ action, segment }) => (action === "drop" ? segment.key : [])),
        );
        for (const segment of live) {
          if (dropped.has(segment.key)) continue;
          const { key, day, maxNs } = segment;
          const storedBytes = storedBytesOf(segment);
          const { name } = store.objects;
          sized.push({ tenant, key, day, maxNs, storedBytes, store: name, segment });
        }
      }
    }
    sized.push(...(await this.#hoursOfLoki(given)));
    return [...items, ...this.#oversized(sized)];
  }

  #oversized(sized: readonly Sized[]): (SegmentItem | HourItem)[] {
    const { limits, totalBytesMax, clock } = this.#options;
    const tenantBytesMax = (tenant: string): number => limits.for(tenant).retentionSizeBytes;
    // Hours of tenants have the same names.
    const named = sized.map((one) => ({ ...one, key: `${one.tenant} ${one.store} ${one.key}` }));
    const going = decideSizes(named, { totalBytesMax, tenantBytesMax });
    return sized.flatMap((one, at): (SegmentItem | HourItem)[] => {
      const reason = going.get(named[at]!.key);
      if (reason === undefined) return [];
      const { tenant, store, key, maxNs, storedBytes } = one;
      const dueMs = clock.nowMs();
      const common = { tenant, store, object: key, maxNs, storedBytes, reason, dueMs };
      if ("segment" in one) {
        const { segment } = one;
        return [{ ...common, minNs: segment.minNs, action: "drop", segment }];
      }
      const minNs = BigInt(one.fromMs) * nsPerMs;
      return [{ ...common, minNs, action: "drop", hourFromMs: one.fromMs }];
    });
  }

  /** Only of tenants that have a limit: all of their chunks are listed for it. */
  async #hoursOfLoki({ untilMs, signal }: Round): Promise<Sized[]> {
    const { limits, totalBytesMax, ofLoki } = this.#options;
    const sized: Sized[] = [];
    for (const tenant of (await ofLoki?.tenants()) ?? []) {
      if (totalBytesMax === 0 && limits.for(tenant).retentionSizeBytes === 0) continue;
      for (const one of await ofLoki!.weigh(tenant, untilMs, signal)) {
        sized.push({ ...one, store: lokiFormat });
      }
    }
    return sized;
  }

  async #aged(
    store: NativeStore,
    tenant: string,
    what: Round & { readonly live: readonly ListedSegment[] },
  ): Promise<SegmentItem[]> {
    const { retention, record, clock, deleteDelayMs } = this.#options;
    const policy = retention.policyOf(tenant);
    if (policy === undefined) return [];
    const sinceMs = what.mayNote
      ? await record.sinceMs(tenant, policy.digest)
      : ((await record.knownSinceMs(tenant, policy.digest)) ?? clock.nowMs());
    const earliestMs = sinceMs + deleteDelayMs;
    if (earliestMs > what.untilMs) return [];
    const items: SegmentItem[] = [];
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
        object: segment.key,
        minNs: segment.minNs,
        maxNs: segment.maxNs,
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

  async #drop(store: NativeStore, { segment, reason, storedBytes }: SegmentItem): Promise<void> {
    const { log, events } = this.#options;
    // False: it goes in a later round, when what it replaces is gone.
    if (!(await store.compactor.drop(segment))) return;
    this.#decisions.delete(segment.key);
    events?.dropped(segment, reason);
    log.info("segment dropped by retention", { key: segment.key, reason, bytes: storedBytes });
  }

  async #rewrite(
    store: NativeStore,
    { segment, tenant }: SegmentItem,
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
