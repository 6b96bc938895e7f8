import { type Clock, type Newcomers, nextTurn } from "#world";

/** Queries use so much of a turn of the event loop, beside the block that crosses the line. */
const turnMsMax = 8;

/**
 * Queries work on one block after the other, each for milliseconds, on the thread that also takes
 * pushes and connections in. All of them together get a slice of each turn of the event loop; then
 * the others wait for a later turn, in order. What runs alone hardly notices.
 */
export class ThreadTurns {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #newcomers: Pick<Newcomers, "letIn">;
  /** At most one for each read under way. */
  #waiting: (() => void)[] = [];
  #isReleasing = false;
  /** This turn of the event loop has begun to be measured. */
  #isMeasured = false;
  #fromMs = 0;

  constructor(options: {
    readonly clock: Pick<Clock, "monotonicMs">;
    readonly newcomers: Pick<Newcomers, "letIn">;
  }) {
    this.#clock = options.clock;
    this.#newcomers = options.newcomers;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Undefined when there is time for another block; else resolves when there is. */
  pass(): Promise<void> | undefined {
    if (!this.#isMeasured) this.#measure();
    const isSpent = this.#clock.monotonicMs() - this.#fromMs >= turnMsMax;
    if (!isSpent && this.#waiting.length === 0) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#isReleasing) void this.#release();
    });
  }

  #measure(): void {
    this.#isMeasured = true;
    this.#fromMs = this.#clock.monotonicMs();
    void nextTurn().then(() => {
      this.#isMeasured = false;
    });
  }

  async #release(): Promise<void> {
    this.#isReleasing = true;
    while (this.#waiting.length > 0) {
      await this.#newcomers.letIn();
      this.#waiting.shift()?.();
    }
    this.#isReleasing = false;
  }
}
