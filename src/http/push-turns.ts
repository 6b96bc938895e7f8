/**
 * Decoding a push holds the thread for milliseconds, and of new connections the event loop accepts
 * one a turn. So pushes that have arrived wait here, a turn decodes for a few milliseconds only, and
 * newcomers are let in first: who waits is then seen by PushAdmission, which refuses what is too
 * much, and not hidden in the system's queue until that overflows and resets connections.
 */
import { type Clock, nextTurn } from "#world";

/** What a turn decodes at most, beside the push that crosses the line. */
const turnMsMax = 4;
/** Turns given to newcomers before the next push is decoded; each takes a fraction of a millisecond. */
const newcomersMax = 32;

export class PushTurns {
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** Bounded by PushAdmission. */
  readonly #waiting: (() => void)[] = [];
  #isTurning = false;
  #connections = 0;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** A client has come. */
  connected(): void {
    this.#connections++;
  }

  /** Calls `work` when its turn has come, at once when nothing else wants one; as `work` resolves. */
  take<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isTurning) {
      void this.#turn();
      return work();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        work().then(resolve, reject);
      });
    });
  }

  async #turn(): Promise<void> {
    this.#isTurning = true;
    do {
      await this.#letNewcomersIn();
      const fromMs = this.#clock.monotonicMs();
      do this.#waiting.shift()?.();
      while (this.#waiting.length > 0 && this.#clock.monotonicMs() - fromMs < turnMsMax);
    } while (this.#waiting.length > 0);
    this.#isTurning = false;
  }

  async #letNewcomersIn(): Promise<void> {
    for (let turns = 0; turns < newcomersMax; turns++) {
      const known = this.#connections;
      await nextTurn();
      if (this.#connections === known) return;
    }
  }
}
