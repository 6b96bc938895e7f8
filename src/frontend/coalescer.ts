import { RequestError } from "#base";

/** Work under way, and how many wait for it. */
interface Flight<T> {
  readonly controller: AbortController;
  readonly promise: Promise<T>;
  waiterCount: number;
  /** Whether it would still read the same now; true until it begins to read. */
  readonly isFresh: () => boolean;
}

/** What an execution tells when it begins to read: from then on only who sees the same may join. */
export type Begin = (isFresh: () => boolean) => void;

/**
 * Lets callers that ask for the same thing at the same time share one execution. Each waits on its
 * own and may leave on its own; when the last one has left, the work is told to stop, and whoever
 * asks next starts anew. Who comes after an execution began to read joins only while it is fresh:
 * what was acknowledged before a query was asked is in its answer.
 */
export class Coalescer<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** Executions under way that somebody waits for. */
  get count(): number {
    return this.#flights.size;
  }

  /**
   * The result of `start`, or of the execution under way for this key (`onJoin` is then called).
   * `start` gets the signal that fires when nobody waits any more. Throws RequestError 499 when the
   * caller's own signal fires.
   */
  async run(
    key: string,
    caller: { readonly signal: AbortSignal; readonly onJoin?: () => void },
    start: (signal: AbortSignal, begin: Begin) => Promise<T>,
  ): Promise<T> {
    const { signal } = caller;
    if (signal.aborted) throw cancelled();
    const underWay = this.#flights.get(key);
    const known = underWay?.isFresh() === false ? undefined : underWay;
    if (known !== undefined) caller.onJoin?.();
    const flight = known ?? this.#start(key, start);
    flight.waiterCount++;
    const left = Promise.withResolvers<never>();
    const onAbort = (): void => left.reject(cancelled());
    signal.addEventListener("abort", onAbort);
    try {
      return await Promise.race([flight.promise, left.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      flight.waiterCount--;
      if (flight.waiterCount === 0) this.#end(key, flight);
    }
  }

  #start(key: string, start: (signal: AbortSignal, begin: Begin) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    let freshness: (() => boolean) | undefined;
    const promise = start(controller.signal, (isFresh) => {
      freshness ??= isFresh;
    });
    const flight: Flight<T> = {
      controller,
      promise,
      waiterCount: 0,
      isFresh: () => freshness?.() ?? true,
    };
    this.#flights.set(key, flight);
    const forget = (): void => this.#forget(key, flight);
    // Also keeps a failure that nobody is left to hear from being reported as unhandled.
    promise.then(forget, forget);
    return flight;
  }

  /** After the work has ended this changes nothing any more. */
  #end(key: string, flight: Flight<T>): void {
    this.#forget(key, flight);
    flight.controller.abort();
  }

  #forget(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

function cancelled(): RequestError {
  return new RequestError(499, "The request was cancelled by the client.");
}
