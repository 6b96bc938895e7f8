import { type Clock, type Newcomers, nextTurn } from "#world";

/** Queries use so much of a turn of the event loop, beside the block that crosses the line. */
const turnMsMax = 8;
/** While pushes wait, queries leave the thread to others for so many times as long as they had it. */
const pausePart = 3;
const pauseMsMax = 1_000;
/** A query that has used more than this is no more put off for it: one that waits so long is next. */
const usedMsMax = 3_000;

export interface ThreadTurnsOptions {
  readonly clock: Pick<Clock, "monotonicMs" | "sleep">;
  readonly newcomers: Pick<Newcomers, "letIn">;
  /** Whether pushes wait: for the thread, or for segments that are built on it. */
  readonly isPressed: () => boolean;
}

/** What one query has had of the thread. */
export interface ThreadUse {
  usedMs: number;
}

interface Waiting {
  readonly use: ThreadUse;
  readonly sinceMs: number;
  readonly come: () => void;
}

/**
 * Queries work on one block after the other, each for milliseconds, on the thread that also takes
 * pushes and connections in and builds segments. All of them together get a slice of each turn of
 * the event loop; then the others wait for a later turn. The one that has used least comes next, so
 * that a cheap query passes expensive ones; who waits comes closer. What runs alone hardly notices.
 */
export class ThreadTurns {
  readonly #options: ThreadTurnsOptions;
  /** At most one for each read under way. */
  #waiting: Waiting[] = [];
  #isReleasing = false;
  /** This turn of the event loop has begun to be measured. */
  #isMeasured = false;
  #fromMs = 0;

  constructor(options: ThreadTurnsOptions) {
    this.#options = options;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Undefined when there is time for another block; else resolves when there is. */
  pass(use: ThreadUse): Promise<void> | undefined {
    const { clock, isPressed } = this.#options;
    if (!this.#isMeasured) this.#measure();
    const sinceMs = clock.monotonicMs();
    const isSpent = sinceMs - this.#fromMs >= turnMsMax;
    if (!isSpent && this.#waiting.length === 0 && !isPressed()) return undefined;
    return new Promise((come) => {
      this.#waiting.push({ use, sinceMs, come });
      if (!this.#isReleasing) void this.#release();
    });
  }

  #measure(): void {
    this.#isMeasured = true;
    this.#fromMs = this.#options.clock.monotonicMs();
    void nextTurn().then(() => {
      this.#isMeasured = false;
    });
  }

  async #release(): Promise<void> {
    const { clock, newcomers, isPressed } = this.#options;
    this.#isReleasing = true;
    while (this.#waiting.length > 0) {
      await newcomers.letIn();
      const usedMs = await this.#releaseFor(turnMsMax);
      if (isPressed()) await clock.sleep(Math.min(usedMs * pausePart, pauseMsMax));
    }
    this.#isReleasing = false;
  }

  /** One after the other, so that each has its block done before the next one is asked. */
  async #releaseFor(forMs: number): Promise<number> {
    const { clock } = this.#options;
    const fromMs = clock.monotonicMs();
    for (let atMs = fromMs; ; ) {
      const next = this.#takeNext(atMs);
      next?.come();
      await nextTurn();
      const endMs = clock.monotonicMs();
      if (next !== undefined) next.use.usedMs += endMs - atMs;
      atMs = endMs;
      if (next === undefined || atMs - fromMs >= forMs) return atMs - fromMs;
    }
  }

  #takeNext(nowMs: number): Waiting | undefined {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [at, { use, sinceMs }] of this.#waiting.entries()) {
      const rank = Math.min(use.usedMs, usedMsMax) - (nowMs - sinceMs);
      if (rank >= least) continue;
      least = rank;
      best = at;
    }
    return this.#waiting.splice(best, 1)[0];
  }
}
