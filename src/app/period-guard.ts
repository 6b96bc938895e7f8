import { isStoreError, messageOf, StoreError } from "#base";
import type { Logger } from "#telemetry";
import type { Clock } from "#world";

/** How often the comparison is tried again while an object store does not answer. */
const retryMs = 5_000;

export interface PeriodGuardOptions {
  /** Compares the periods with what is stored: see `checkPeriods`. */
  readonly check: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Sees to it that nothing is written before the schema periods were compared with what is stored.
 * A process starts although an object store is down; until that answers, entries stay in the head
 * and the journal.
 */
export class PeriodGuard {
  readonly #options: PeriodGuardOptions;
  #isOpen = false;
  /** Why nothing is written. */
  #reason = "the schema periods were not compared with what is stored yet";
  #isRefused = false;

  constructor(options: PeriodGuardOptions) {
    this.#options = options;
  }

  /** Compares once. Rejects with `denied` when the process must not run with these periods. */
  async start(): Promise<void> {
    try {
      await this.#options.check();
      this.#isOpen = true;
    } catch (error) {
      if (!isStoreError(error, "unavailable")) throw error;
      this.#reason = `an object store does not answer: ${error.message}`;
      this.#options.log.error("starting without an object store", { reason: error.message });
    }
  }

  /** Tries again until the periods are compared. */
  async run(signal: AbortSignal): Promise<void> {
    const { check, clock, log } = this.#options;
    while (!this.#isOpen && !signal.aborted) {
      await clock.sleep(retryMs, signal);
      if (signal.aborted) return;
      try {
        await check();
        this.#isOpen = true;
        log.info("the schema periods are as they were");
      } catch (error) {
        this.#reason = messageOf(error);
        if (isStoreError(error, "unavailable")) continue;
        if (!this.#isRefused) log.error("nothing is stored", { reason: this.#reason });
        this.#isRefused = true;
      }
    }
  }

  /** Why the process needs somebody's help, in words; undefined when it does not. */
  refusal(): string | undefined {
    return this.#isRefused ? this.#reason : undefined;
  }

  /** Throws `unavailable` while nothing may be written. */
  assertOpen(): void {
    if (!this.#isOpen) throw new StoreError("unavailable", `not stored yet: ${this.#reason}`);
  }
}
