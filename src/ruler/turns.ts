import { watchQueue } from "#base";

/** Lets only so many run at the same time; the others wait in the order they came. */
export class Turns {
  #free: number;
  #waiting: (() => void)[] = [];

  constructor(atOnceMax: number) {
    this.#free = atOnceMax;
    watchQueue("rule_groups", this, ({ waiting }) => ({ length: waiting }));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
