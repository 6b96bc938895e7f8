/**
 * Keeps a chunk that is being written from being deleted as one of an earlier try: the same rows
 * make the same key. Writers hold keys, together if need be; the sweep takes those nobody holds.
 */
export class KeyHolds {
  readonly #held = new Map<string, number>();
  readonly #taken = new Map<string, Promise<void>>();

  /** Waits while the sweep has the key. */
  async hold(key: string): Promise<void> {
    for (let end = this.#taken.get(key); end !== undefined; end = this.#taken.get(key)) await end;
    this.#held.set(key, (this.#held.get(key) ?? 0) + 1);
  }

  release(key: string): void {
    const count = this.#held.get(key) ?? 0;
    if (count > 1) this.#held.set(key, count - 1);
    else this.#held.delete(key);
  }

  /** Runs `task` with those of `keys` that nobody holds; who wants one of them waits for its end. */
  async take(
    keys: readonly string[],
    task: (keys: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const free = keys.filter((key) => !this.#held.has(key) && !this.#taken.has(key));
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const key of free) this.#taken.set(key, promise);
    try {
      await task(free);
    } finally {
      for (const key of free) this.#taken.delete(key);
      resolve();
    }
  }
}
