import type { Random } from "#world";

/**
 * Who goes next. What passes here stops until it is let through, one at a time, when nothing else
 * can run; so the order of all that touches the disk is decided by `random` and can be repeated.
 */
export class Turns {
  readonly #random: Random;
  #waiting: (() => void)[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets one through, the oldest more often than others, as disks do. */
  letOneThrough(): void {
    const isOldest = this.#random.fraction() < 0.5;
    const at = isOldest ? 0 : Math.floor(this.#random.fraction() * this.#waiting.length);
    const [next] = this.#waiting.splice(at, 1);
    next?.();
  }

  letAllThrough(): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (const next of all) next();
  }
}

/**
 * Resolves when all that could run has run, and everything waits for the disk or the clock. One
 * caller at a time: two would wait for each other.
 */
export async function quiet(): Promise<void> {
  do {
    await new Promise((resolve) => setImmediate(resolve));
  } while (process.getActiveResourcesInfo().includes("Immediate"));
}
