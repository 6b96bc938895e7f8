import assert from "node:assert";
import { watchQueue } from "./watched.ts";

/** Runs at most `max` tasks at a time, the others in order of arrival. */
export class Limiter {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** By its `name` metrics tell who waits. */
  constructor(max: number, name?: string) {
    assert(max > 0, "a limiter that lets nobody pass");
    this.#free = max;
    if (name !== undefined) watchQueue(name, this, (one) => ({ length: one.waitingCount }));
  }

  get waitingCount(): number {
    return this.#waiting.length;
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
