import { watchQueue } from "#base";

/** So many at a time, the others wait in order. */
export class Slots {
  #freeCount: number;
  readonly #waiting: (() => void)[] = [];

  /** By its `name` metrics tell who waits. */
  constructor(count: number, name?: string) {
    this.#freeCount = count;
    if (name !== undefined) watchQueue(name, this, (one) => ({ length: one.waitingCount }));
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Rejects with the signal's reason when aborted before its turn. */
  async run<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    if (this.#freeCount > 0) this.#freeCount--;
    else await this.#turn(signal);
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#freeCount++;
      else next();
    }
  }

  /** Resolves with the slot of another handed over. */
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      const at = this.#waiting.indexOf(resolve);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      reject(signal?.reason);
    };
    this.#waiting.push(resolve);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
