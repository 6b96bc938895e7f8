import assert from "node:assert";

/** Runs at most `max` tasks at a time, the others in order of arrival. */
export class Limiter {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(max: number) {
    assert(max > 0, "a limiter that lets nobody pass");
    this.#free = max;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      // The place goes straight to who waits, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
