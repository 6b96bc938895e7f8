/**
 * Carries delete requests out. Nothing is remembered but what the requests themselves say, so a
 * crash at any step is followed by the same step again:
 *
 * 1. due: the period in which it may be cancelled is over. What the head holds of the tenant is
 *    stored.
 * 2. every object with a row of it is written anew without; what went is told in the object itself.
 * 3. a search over all that queries read finds no row any more: `erased`. What was replaced and may
 *    hold rows is noted.
 * 4. those objects and the journal's records of that time are gone: `gone`, nothing is hidden any
 *    more.
 *
 * Entries that arrive after 1 are kept, as in Loki; they are seen once the request is `gone`.
 */
import { messageOf } from "#base";
import type { LimitsByTenant } from "#config";
import type { TimeRange } from "#model";
import type { Logger } from "#telemetry";
import type { Clock } from "#world";
import type { DeleteBook } from "./delete-book.ts";
import type { DeleteRequest, ErasedCount } from "./delete-request.ts";
import { addErased } from "./erased-section.ts";
import type { EraseJob, Eraser } from "./eraser.ts";
import type { JournalBytes } from "./journal-bytes.ts";
import type { Mask } from "./mask.ts";

/** Requests carried out together: each object is written anew once for all of them. */
const requestsAtOnceMax = 256;

export interface DeleteRunnerOptions {
  readonly book: DeleteBook;
  readonly erasers: readonly Eraser[];
  readonly limits: LimitsByTenant;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  readonly cancelPeriodMs: number;
  /** Stores everything the head holds of a tenant. */
  readonly flush: (tenant: string, signal: AbortSignal) => Promise<void>;
  readonly journal: JournalBytes;
  /** For metrics. */
  readonly finished?: (request: DeleteRequest) => void;
}

export interface DeleteCounts {
  /** Waiting for their time, being erased, waiting for old objects to go. */
  readonly waiting: number;
  readonly due: number;
  readonly leaving: number;
}

export class DeleteRunner {
  readonly #options: DeleteRunnerOptions;

  constructor(options: DeleteRunnerOptions) {
    this.#options = options;
  }

  async counts(): Promise<DeleteCounts> {
    let [waiting, due, leaving] = [0, 0, 0];
    const { book } = this.#options;
    for (const tenant of await book.tenants()) {
      for (const request of await book.list(tenant)) {
        if (request.state === "erased") leaving++;
        else if (request.state === "received" && this.#isDue(request)) due++;
        else if (request.state === "received") waiting++;
      }
    }
    return { waiting, due, leaving };
  }

  /** When the next request is due that is not yet; wall clock. */
  async nextDueMs(): Promise<number | undefined> {
    const { book, cancelPeriodMs } = this.#options;
    let next: number | undefined;
    for (const tenant of await book.tenants()) {
      for (const { state, createdMs } of await book.list(tenant)) {
        const dueMs = createdMs + cancelPeriodMs;
        if (state === "received" && (next === undefined || dueMs < next)) next = dueMs;
      }
    }
    return next;
  }

  /**
   * Goes as far as it gets with all requests. One tenant's failure is told at the end, after the
   * others had their turn.
   */
  async runOnce(signal: AbortSignal): Promise<void> {
    const { book, log } = this.#options;
    const failures: unknown[] = [];
    for (const tenant of await book.tenants()) {
      try {
        await this.#eraseDue(tenant, signal);
        await this.#finish(tenant, signal);
      } catch (error) {
        signal.throwIfAborted();
        log.error("delete requests could not be carried out", { tenant, reason: messageOf(error) });
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #isDue({ tenant, createdMs }: DeleteRequest): boolean {
    const { limits, clock, cancelPeriodMs } = this.#options;
    const { deletionMode } = limits.for(tenant);
    return deletionMode === "filter-and-delete" && createdMs + cancelPeriodMs <= clock.nowMs();
  }

  async #eraseDue(tenant: string, signal: AbortSignal): Promise<void> {
    const { book, erasers, flush, clock, log, journal } = this.#options;
    const all = await book.list(tenant);
    const requests = all
      .filter((request) => request.state === "received" && this.#isDue(request))
      .slice(0, requestsAtOnceMax);
    if (requests.length === 0) return;
    await flush(tenant, signal);
    const job = await this.#begin(tenant, requests);
    const problems: string[] = [];
    for (const eraser of erasers) {
      signal.throwIfAborted();
      const outcome = await eraser.erase(job, signal);
      problems.push(...outcome.problems);
      if (!outcome.isClean && outcome.problems.length === 0) problems.push(eraser.name);
    }
    if (problems.length > 0) {
      log.warn("deletes are not complete, the next round goes on", {
        tenant,
        problems: problems.join("; "),
      });
      return;
    }
    // What was flushed meanwhile, too, is in the journal up to here.
    const mark = { id: journal.id, toSequence: journal.lastSequence };
    const counts = await this.#erasedBy(job);
    for (const [at, id] of job.ids.entries()) {
      const leaving = await this.#leaving(tenant, job.masks[at]!.range);
      const erased = counts.get(id) ?? { lines: 0, bytes: 0 };
      const changed = await book.update({ tenant, id }, (known) => {
        return {
          ...known,
          state: "erased",
          erased,
          erasedMs: clock.nowMs(),
          leaving,
          journal: mark,
        };
      });
      if (changed !== undefined) log.info("deleted entries are erased", { tenant, id, ...erased });
    }
  }

  /**
   * From here on they can be cancelled by force only; those that were cancelled meanwhile are left
   * out.
   */
  async #begin(tenant: string, requests: readonly DeleteRequest[]): Promise<EraseJob> {
    const { book, clock } = this.#options;
    const ids: string[] = [];
    const masks: Mask[] = [];
    for (const { id } of requests) {
      const begunMs = clock.nowMs();
      const begun = await book.update({ tenant, id }, (known) =>
        known.begunMs === undefined ? { ...known, begunMs } : known,
      );
      const mask = book.masksNow(tenant).find(({ name }) => name === `delete ${id}`);
      if (begun === undefined || mask === undefined) continue;
      ids.push(id);
      masks.push(mask);
    }
    return { tenant, ids, masks };
  }

  async #erasedBy(job: EraseJob): Promise<Map<string, ErasedCount>> {
    const sum = new Map<string, ErasedCount>();
    for (const eraser of this.#options.erasers) {
      for (const [id, count] of await eraser.erased(job)) addErased(sum, id, count);
    }
    return sum;
  }

  async #leaving(tenant: string, range: TimeRange): Promise<string[]> {
    const lists = this.#options.erasers.map((eraser) => eraser.leaving(tenant, range));
    return (await Promise.all(lists)).flat();
  }

  async #finish(tenant: string, signal: AbortSignal): Promise<void> {
    const { book, erasers, clock, log, journal, finished } = this.#options;
    const erased = (await book.list(tenant)).filter(({ state }) => state === "erased");
    if (erased.length === 0) return;
    if (erased.some((request) => !isFreed(request, journal))) await journal.free();
    for (const request of erased) {
      if (!isFreed(request, journal)) continue;
      const gone = erasers.map((eraser) => eraser.areGone(request.leaving, signal));
      if ((await Promise.all(gone)).includes(false)) continue;
      const changed = await book.update(request, (known) => ({
        ...known,
        state: "gone",
        goneMs: clock.nowMs(),
        leaving: [],
        journal: undefined,
      }));
      if (changed === undefined) continue;
      finished?.(changed);
      log.info("the last byte of deleted entries is gone", { tenant, id: changed.id });
    }
  }
}

/** Another journal took the place of the one the entries were in, or it is past them. */
function isFreed({ journal }: DeleteRequest, now: JournalBytes): boolean {
  return journal === undefined || journal.id !== now.id || now.firstSequence > journal.toSequence;
}
