import { countRefused, RequestError, watchQueue } from "#base";

/**
 * Queries that run at once when nothing else is configured. Scanning shares one thread, so more of
 * them only multiply memory; waiting for storage is what they overlap.
 */
export const queriesAtOnceDefault = 8;

/** As Loki's `max_outstanding_per_tenant`. */
export const queriesWaitingMax = 2048;

interface Waiting {
  readonly enter: () => void;
}

/**
 * Lets so many queries in at once; the others wait, tenants in turn, so that one tenant's backlog
 * does not hold up another's first query.
 */
export class QueryGate {
  readonly #atOnceMax: number;
  readonly #waitingMax: number;
  /** Tenants with somebody waiting, in the order they come next. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #name: string | undefined;
  #inside = 0;

  /** By its `name` metrics tell who waits. */
  constructor(options: { atOnceMax: number; waitingMax: number; name?: string }) {
    const { name } = options;
    this.#atOnceMax = options.atOnceMax;
    this.#waitingMax = options.waitingMax;
    this.#name = name;
    if (name !== undefined) watchQueue(name, this, (one) => ({ length: one.#waitingCount }));
  }

  /**
   * Resolves when the query may run; dispose of the result when it has ended. Throws RequestError
   * 429 when too many of the tenant wait, 499 when the signal fires first.
   */
  async enter(tenant: string, signal: AbortSignal): Promise<Disposable> {
    const free = this.tryEnter();
    if (free !== undefined) return free;
    await this.#wait(tenant, signal);
    return this.#place();
  }

  get #waitingCount(): number {
    let count = 0;
    for (const queue of this.#queues.values()) count += queue.length;
    return count;
  }

  /** Enters at once, or not at all. */
  tryEnter(): Disposable | undefined {
    if (this.#inside >= this.#atOnceMax) return undefined;
    this.#inside++;
    return this.#place();
  }

  #place(): Disposable {
    let isInside = true;
    return {
      [Symbol.dispose]: () => {
        if (!isInside) return;
        isInside = false;
        this.#leave();
      },
    };
  }

  async #wait(tenant: string, signal: AbortSignal): Promise<void> {
    const queue = this.#queues.get(tenant) ?? [];
    if (queue.length >= this.#waitingMax) {
      if (this.#name !== undefined) countRefused(this.#name);
      throw new RequestError(429, "too many outstanding requests");
    }
    this.#queues.set(tenant, queue);
    const entered = Promise.withResolvers<void>();
    const waiting: Waiting = { enter: entered.resolve };
    const onAbort = (): void => {
      this.#forget(tenant, waiting);
      entered.reject(new RequestError(499, "The request was cancelled by the client."));
    };
    queue.push(waiting);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    try {
      await entered.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #forget(tenant: string, waiting: Waiting): void {
    const queue = this.#queues.get(tenant)?.filter((other) => other !== waiting) ?? [];
    if (queue.length === 0) this.#queues.delete(tenant);
    else this.#queues.set(tenant, queue);
  }

  /** Hands the place to the next tenant's first query, or frees it. */
  #leave(): void {
    const [next] = this.#queues;
    if (next === undefined) {
      this.#inside--;
      return;
    }
    const [tenant, [first, ...rest]] = next;
    this.#queues.delete(tenant);
    if (rest.length > 0) this.#queues.set(tenant, rest);
    first!.enter();
  }
}
