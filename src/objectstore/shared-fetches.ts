/** Reads of the same bytes at the same time are one; it ends when nobody waits for it any more. */
export interface Fetch {
  readonly signal: AbortSignal;
  /** False once the object has been put or deleted: what was read may be of before. */
  readonly isWanted: boolean;
}

class Flight implements Fetch {
  readonly controller = new AbortController();
  isWanted = true;
  waiting = 0;
  body: Promise<Buffer> | undefined;

  get signal(): AbortSignal {
    return this.controller.signal;
  }
}

export class SharedFetches {
  readonly #byHash = new Map<string, Map<string, Flight>>();

  /** Rejects with the caller's reason when it is aborted; each caller has a buffer of its own. */
  async run(
    wanted: { hash: string; what: string; signal: AbortSignal | undefined },
    fetch: (flight: Fetch) => Promise<Buffer>,
  ): Promise<Buffer> {
    const { hash, what, signal } = wanted;
    let flight = this.#byHash.get(hash)?.get(what);
    const isFirst = flight === undefined;
    flight ??= this.#start(hash, what, fetch);
    flight.waiting++;
    try {
      const body = await untilAborted(flight.body!, signal);
      return isFirst ? body : Buffer.from(body);
    } finally {
      flight.waiting--;
      if (flight.waiting === 0 && signal?.aborted) {
        this.#end(hash, what, flight);
        flight.controller.abort(signal.reason);
      }
    }
  }

  /** Later reads begin anew; what is under way is not kept. */
  forget(hash: string): void {
    for (const flight of this.#byHash.get(hash)?.values() ?? []) flight.isWanted = false;
    this.#byHash.delete(hash);
  }

  #start(hash: string, what: string, fetch: (flight: Fetch) => Promise<Buffer>): Flight {
    const flight = new Flight();
    let flights = this.#byHash.get(hash);
    if (flights === undefined) this.#byHash.set(hash, (flights = new Map()));
    flights.set(what, flight);
    flight.body = fetch(flight).finally(() => this.#end(hash, what, flight));
    // When all have gone nobody hears of its failure.
    flight.body.catch(() => undefined);
    return flight;
  }

  #end(hash: string, what: string, flight: Flight): void {
    const flights = this.#byHash.get(hash);
    if (flights?.get(what) !== flight) return;
    flights.delete(what);
    if (flights.size === 0) this.#byHash.delete(hash);
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
