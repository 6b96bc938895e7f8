/**
 * Decoding a push holds the thread for milliseconds, and what was decoded has to wait for the
 * journal and for room in memory. So pushes that have arrived wait here. Tenants take turns, by what
 * their pushes cost: a flood of one makes the others wait for one push of it, not for all.
 *
 * The thread belongs to others, too: to queries, and to newcomers. Pushes get as much of it as all
 * others together, and a few milliseconds at least.
 *
 * What would have to wait too long is refused with 503: PushAdmission asks before the body is read,
 * and whoever came in before a flood was seen is refused here.
 */
import { KiB, MiB, RequestError } from "#base";
import type { Metrics } from "#telemetry";
import type { Clock, Newcomers } from "#world";
import { TenantRounds } from "./tenant-rounds.ts";

/** What a turn decodes at least, beside the push that crosses the line. */
const turnMsMin = 4;
/** What it decodes at most, however long others had the thread: they must come again soon. */
const turnMsMax = 250;
/** Pushes that are decoded and wait for journal or head. */
const startedMax = 256;
/** The same in bytes as they came; decoded they are several times as many. */
const startedBytesMax: number = 8 * MiB;
/** Less when that is more than what comes through in so long: nobody can pass them. */
const startedMsMax = 500;
/** But enough for the journal to sync many at a time. */
const startedBytesMin: number = 1 * MiB;
/** Once newcomers would wait longer than this, they are refused. */
const expectedWaitMsMax = 2_000;
/** Whoever was let in and has waited this long in truth is refused, too. */
const waitMsMax = 4_000;
/** A millisecond of the thread costs as much as so many bytes: bodies differ in what they become. */
const bytesPerMs: number = 16 * KiB;
/** Before anything was measured: a machine that is busy elsewhere. */
const firstBytesPerMs: number = 16 * KiB;
/** After an outage of the store, say: a few pushes must come in for a better rate to be seen. */
const bytesPerMsMin: number = 1 * KiB;
/** The rate is measured over as long as this, while pushes take turns. */
const rateWindowMs = 250;
const latestWeight = 0.3;
const retryAfterSeconds = 1;

interface Waiting {
  readonly bytes: number;
  readonly sinceMs: number;
  readonly start: () => Promise<unknown>;
  readonly refuse: (error: RequestError) => void;
}

export interface PushTurnsOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly newcomers: Pick<Newcomers, "letIn">;
  readonly metrics: Metrics;
}

/** A push that has arrived. */
export interface ArrivedPush {
  readonly tenant: string;
  /** Of its body, as it came. */
  readonly bytes: number;
}

export class PushTurns {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #newcomers: Pick<Newcomers, "letIn">;
  readonly #refused;
  /** Bounded by PushAdmission. */
  readonly #waiting = new TenantRounds<Waiting>();
  #isTurning = false;
  #startedCount = 0;
  #startedBytes = 0;
  /** Ends the wait for one that is under way to be done. */
  #roomMade: (() => void) | undefined;
  #rateBytesPerMs = firstBytesPerMs;
  #windowMs = 0;
  #windowBytes = 0;

  constructor({ clock, newcomers, metrics }: PushTurnsOptions) {
    this.#clock = clock;
    this.#newcomers = newcomers;
    this.#refused = refusedPushes(metrics);
    metrics.observe(
      "skald_pushes_waiting",
      "Pushes that have arrived and wait for their turn.",
      () => {
        return this.#waiting.count;
      },
    );
    metrics.observe("skald_pushes_waiting_bytes", "Bytes of their bodies.", () => {
      return this.#waiting.bytes;
    });
    metrics.observe(
      "skald_pushes_storing",
      "Pushes that are decoded and wait for the journal or for room in memory.",
      () => this.#startedCount,
    );
  }

  /** Pushes wait for their turn. */
  get isPressed(): boolean {
    return this.#waiting.count > 0;
  }

  /**
   * Whether one more push of this tenant would have to wait too long. `arriving`: bytes of pushes
   * that will come before it.
   */
  isTooLong(tenant: string, arriving: { readonly own: number; readonly all: number }): boolean {
    // Whoever has been decoded goes on first.
    const beforeBytes = this.#startedBytes + this.#waiting.bytesBefore(tenant, arriving);
    return beforeBytes > this.#rateBytesPerMs * expectedWaitMsMax;
  }

  /**
   * Calls `work` when its turn has come, at once when nothing else wants one; as `work` resolves.
   * Rejects with RequestError 503 when the turn does not come in time.
   */
  take<T>(push: ArrivedPush, work: () => Promise<T>): Promise<T> {
    if (!this.#isTurning && !this.#isFull()) {
      void this.#turn();
      return this.#start(push.bytes, work);
    }
    const { tenant, bytes } = push;
    return new Promise((resolve, reject) => {
      const start = async (): Promise<void> => this.#start(bytes, work).then(resolve, reject);
      const sinceMs = this.#clock.monotonicMs();
      this.#waiting.add(tenant, { bytes, sinceMs, start, refuse: reject }, bytes);
      if (!this.#isTurning) void this.#turn();
    });
  }

  async #start<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.#startedCount++;
    this.#startedBytes += bytes;
    try {
      return await work();
    } finally {
      this.#startedCount--;
      this.#startedBytes -= bytes;
      this.#windowBytes += bytes;
      this.#roomMade?.();
      this.#roomMade = undefined;
    }
  }

  #isFull(): boolean {
    if (this.#startedCount >= startedMax) return true;
    const bytes = Math.max(startedBytesMin, this.#rateBytesPerMs * startedMsMax);
    return this.#startedBytes >= Math.min(startedBytesMax, bytes);
  }

  async #turn(): Promise<void> {
    this.#isTurning = true;
    let endedMs = this.#clock.monotonicMs();
    do {
      const beforeMs = endedMs;
      await this.#letOthersIn();
      const fromMs = this.#clock.monotonicMs();
      const ownMs = Math.min(turnMsMax, Math.max(turnMsMin, fromMs - beforeMs));
      this.#decodeFor(ownMs, fromMs);
      endedMs = this.#clock.monotonicMs();
      this.#measure(endedMs - beforeMs);
    } while (this.#waiting.count > 0);
    this.#isTurning = false;
  }

  #decodeFor(ownMs: number, fromMs: number): void {
    for (let nowMs = fromMs; nowMs - fromMs < ownMs && !this.#isFull(); ) {
      const next = this.#waiting.next();
      if (next === undefined) return;
      const { tenant, item } = next;
      if (nowMs - item.sinceMs > waitMsMax) {
        this.#refused("waited");
        item.refuse(tooManyPushes());
        continue;
      }
      // Its own promise is that of `take`.
      void item.start();
      const endMs = this.#clock.monotonicMs();
      this.#waiting.charge(tenant, Math.max(item.bytes, (endMs - nowMs) * bytesPerMs));
      nowMs = endMs;
    }
  }

  #measure(tookMs: number): void {
    this.#windowMs += tookMs;
    if (this.#windowMs < rateWindowMs) return;
    const rate = this.#windowBytes / this.#windowMs;
    const average = this.#rateBytesPerMs + (rate - this.#rateBytesPerMs) * latestWeight;
    this.#rateBytesPerMs = Math.max(bytesPerMsMin, average);
    this.#windowMs = 0;
    this.#windowBytes = 0;
  }

  /** At least one turn of the event loop; more while clients connect, or while nothing can start. */
  async #letOthersIn(): Promise<void> {
    await this.#newcomers.letIn();
    if (!this.#isFull() || this.#waiting.count === 0) return;
    const room = Promise.withResolvers<void>();
    this.#roomMade = room.resolve;
    await room.promise;
  }
}

export type RefusalReason = "places" | "queue" | "waited";

/** Asked for by admission and turns: the same counter. */
export function refusedPushes(metrics: Metrics): (reason: RefusalReason) => void {
  const refused = metrics.counter(
    "skald_pushes_refused_total",
    "Pushes refused with 503, by reason: too many or too large ones under way (places), too much " +
      "before them (queue), waited too long (waited).",
    ["reason"],
  );
  for (const reason of ["places", "queue", "waited"] as const) refused.inc({ reason }, 0);
  return (reason) => refused.inc({ reason });
}

export function tooManyPushes(): RequestError {
  return new RequestError(503, "too many pushes at once: try again later", { retryAfterSeconds });
}
