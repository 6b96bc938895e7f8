import type { Clock } from "./clock.ts";
import { nextTurn } from "./next-turn.ts";

/** Turns given to newcomers at most; each takes a fraction of a millisecond. */
const turnsMax = 64;
/** But not when somebody else uses these turns for work of his own. */
const turnsMsMax = 50;

/**
 * Of new connections the event loop accepts one a turn. So whoever uses the thread for milliseconds
 * lets newcomers in first, a number of them at a time: else they would wait in the system's queue,
 * unseen, until that overflows and resets them.
 */
export class Newcomers {
  readonly #clock: Pick<Clock, "monotonicMs">;
  #count = 0;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** A client has come. */
  come(): void {
    this.#count++;
  }

  /** At least one turn of the event loop; more while clients come, but not for long. */
  async letIn(): Promise<void> {
    const fromMs = this.#clock.monotonicMs();
    for (let turns = 0; turns < turnsMax; turns++) {
      const known = this.#count;
      await nextTurn();
      if (this.#count === known) return;
      if (this.#clock.monotonicMs() - fromMs > turnsMsMax) return;
    }
  }
}
