import { GiB, MiB, RequestError, second } from "#base";
import type { Clock } from "#world";
import { TenantQueues } from "./tenant-queues.ts";

/** A query that reads less than this is answered in about a second: it goes before larger ones. */
export const smallBytesDefault: number = 256 * MiB;

/** What large queries may have before them, together: some ten seconds of scanning. */
export const inFlightBytesDefault: number = 8 * GiB;

/** As Loki's `max_outstanding_requests_per_tenant`. */
export const outstandingPerTenantDefault = 2048;

/** All tenants together; a waiting query holds its request, some kilobytes. */
const outstandingMax = 16_384;

/** After this long a large query comes before small ones, so that it is not put off for ever. */
export const patienceMsDefault: number = 10 * second;

/** Every turn costs something, else queries that read nothing would never have to take turns. */
const costBytesMin: number = MiB;

/** Overload passes in seconds; coming back at once would only prolong it. */
const retryAfterSeconds = 5;

export type Priority = "small" | "large";

export interface SchedulerOptions {
  readonly clock: Clock;
  /** Queries that run at once, at least 1. Large ones leave one of several places free. */
  readonly runningMax: number;
  /** So many more may run, for tenants that have none running; 0 when not given. */
  readonly beyondMax?: number;
  readonly smallBytesMax: number;
  /** Estimated bytes of the large queries that run; one alone may be larger. */
  readonly inFlightBytesMax: number;
  readonly outstandingPerTenantMax: number;
  readonly patienceMs: number;
  readonly observer?: SchedulerObserver;
}

export interface SchedulerObserver {
  waited(priority: Priority, durationMs: number): void;
  refused(tenant: string): void;
}

/** One query before its turn. */
export interface TurnRequest {
  readonly tenant: string;
  /** What it will probably read. */
  readonly estimateBytes: number;
  readonly signal: AbortSignal;
  /** 504 when its turn has not come by then; 0: no end. */
  readonly waitMsMax: number;
}

/** A turn. Dispose of it when the query has ended, however it ended. */
export interface Turn extends Disposable {
  readonly queueTimeMs: number;
  /** What was read in truth, for the tenant's account. */
  settle(readBytes: number): void;
}

interface Waiting extends TurnRequest {
  readonly askedMs: number;
  readonly come: () => void;
}

/**
 * Decides which query runs next. Small ones come before large ones, tenants take turns by what they
 * have used, one tenant's queries come in order. Large queries are bounded by bytes, all by number.
 * A large query that was patient for long is next in any case.
 */
export class QueryScheduler {
  readonly #options: SchedulerOptions;
  readonly #queues: Readonly<Record<Priority, TenantQueues<Waiting>>> = {
    small: new TenantQueues(),
    large: new TenantQueues(),
  };
  #running: Record<Priority, number> = { small: 0, large: 0 };
  #largeBytes = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Nothing runs and nothing waits: a query would have its turn at once, whatever it reads. */
  get isIdle(): boolean {
    return this.runningCount === 0 && this.waitingCount("small") + this.waitingCount("large") === 0;
  }

  get runningCount(): number {
    return this.#running.small + this.#running.large;
  }

  /** Estimated bytes of the large queries that run. */
  get inFlightBytes(): number {
    return this.#largeBytes;
  }

  waitingCount(priority: Priority): number {
    return this.#queues[priority].count;
  }

  priorityOf(estimateBytes: number): Priority {
    return estimateBytes <= this.#options.smallBytesMax ? "small" : "large";
  }

  /**
   * Throws RequestError 429 when too many queries of the tenant (or of all) wait, without asking
   * for what the query would read.
   */
  checkRoom(tenant: string): void {
    const { small, large } = this.#queues;
    const own = small.countOf(tenant) + large.countOf(tenant);
    const isFull = small.count + large.count >= outstandingMax;
    if (own < this.#options.outstandingPerTenantMax && !isFull) return;
    this.#options.observer?.refused(tenant);
    throw new RequestError(429, "too many outstanding requests", { retryAfterSeconds });
  }

  /**
   * Resolves when the query may run. Throws RequestError 429 (see `checkRoom`), 499 when the signal
   * fires first, 504 when the turn does not come in time.
   */
  async turn(request: TurnRequest): Promise<Turn> {
    const { clock, observer } = this.#options;
    if (request.signal.aborted) throw cancelled();
    const askedMs = clock.monotonicMs();
    const priority = this.priorityOf(request.estimateBytes);
    this.checkRoom(request.tenant);
    await this.#wait(request, askedMs, priority);
    const queueTimeMs = clock.monotonicMs() - askedMs;
    observer?.waited(priority, queueTimeMs);
    return this.#newTurn(request, priority, queueTimeMs);
  }

  async #wait(request: TurnRequest, askedMs: number, priority: Priority): Promise<void> {
    const { clock } = this.#options;
    const { tenant, signal, waitMsMax } = request;
    const turn = Promise.withResolvers<void>();
    const waiting: Waiting = { ...request, askedMs, come: turn.resolve };
    const queue = this.#queues[priority];
    const leave = (error: RequestError): void => {
      if (!queue.remove(tenant, waiting)) return;
      turn.reject(error);
      // It may have been the one that others had to wait for.
      this.#startNext();
    };
    const onAbort = (): void => leave(cancelled());
    const stopTimer =
      waitMsMax > 0 ? clock.schedule(waitMsMax, () => leave(tooLate(waitMsMax))) : (): void => {};
    signal.addEventListener("abort", onAbort);
    queue.add(tenant, waiting);
    this.#startNext();
    try {
      await turn.promise;
    } finally {
      stopTimer();
      signal.removeEventListener("abort", onAbort);
    }
  }

  #newTurn(request: TurnRequest, priority: Priority, queueTimeMs: number): Turn {
    const paidBytes = costOf(request.estimateBytes);
    let readBytes = paidBytes;
    let hasEnded = false;
    return {
      queueTimeMs,
      settle: (bytes) => {
        readBytes = costOf(bytes);
      },
      [Symbol.dispose]: () => {
        if (hasEnded) return;
        hasEnded = true;
        this.#running[priority]--;
        if (priority === "large") this.#largeBytes -= request.estimateBytes;
        this.#queues[priority].end(request.tenant, readBytes - paidBytes);
        this.#startNext();
      },
    };
  }

  /** Gives turns while there are places. Its bookkeeping is done before the query hears of it. */
  #startNext(): void {
    for (;;) {
      const hasPlace = this.runningCount < this.#options.runningMax;
      const next = hasPlace ? this.#choose() : this.#chooseBeyond();
      if (next === undefined) return;
      const { tenant, item, priority } = next;
      this.#queues[priority].begin(tenant, costOf(item.estimateBytes));
      this.#queues[priority].remove(tenant, item);
      this.#running[priority]++;
      if (priority === "large") this.#largeBytes += item.estimateBytes;
      item.come();
    }
  }

  #choose(): { tenant: string; item: Waiting; priority: Priority } | undefined {
    const { small, large } = this.#queues;
    const nowMs = this.#options.clock.monotonicMs();
    const isPatient = (item: Waiting): boolean => {
      return nowMs - item.askedMs >= this.#options.patienceMs;
    };
    const patient = large.next(isPatient);
    // A patient one keeps other large ones from passing it until there is room for it.
    const first = patient ?? large.next(() => true);
    const fits = first !== undefined && this.#fits(first.item);
    if (patient !== undefined && fits) return { ...patient, priority: "large" };
    const quick = small.next(() => true);
    if (quick !== undefined) return { ...quick, priority: "small" };
    return fits ? { ...first, priority: "large" } : undefined;
  }

  /**
   * The places of one tenant's queries are not to be waited for by others: a small query of a tenant
   * that has none running is let in beyond them.
   */
  #chooseBeyond(): { tenant: string; item: Waiting; priority: Priority } | undefined {
    const { runningMax, beyondMax = 0 } = this.#options;
    if (this.runningCount >= runningMax + beyondMax) return undefined;
    const { small, large } = this.#queues;
    const next = small.next(({ tenant }) => {
      return small.runningOf(tenant) + large.runningOf(tenant) === 0;
    });
    return next && { ...next, priority: "small" };
  }

  #fits(item: Waiting): boolean {
    const { runningMax, inFlightBytesMax } = this.#options;
    if (this.#running.large === 0) return true;
    if (this.#running.large >= runningMax - 1) return false;
    return this.#largeBytes + item.estimateBytes <= inFlightBytesMax;
  }
}

function costOf(bytes: number): number {
  return Math.max(bytes, costBytesMin);
}

function cancelled(): RequestError {
  return new RequestError(499, "The request was cancelled by the client.");
}

function tooLate(waitMsMax: number): RequestError {
  const text = `the query waited ${waitMsMax / second} s for its turn; too many queries run`;
  return new RequestError(504, text);
}
