import { isStoreError, messageOf, StoreError } from "#base";
import type { Logger } from "#telemetry";
import type { Clock } from "#world";

/** How often the comparison is tried again while an object store does not answer. */
const retryMs = 5_000;

/** A start waits for an object store that long; requests that fail are repeated for longer. */
const startWaitMs = 10_000;

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
  /** A comparison that was begun at the start and takes its time. */
  #running: Promise<{ readonly error: unknown } | undefined> | undefined;

  constructor(options: PeriodGuardOptions) {
    this.#options = options;
  }

  /** Nothing was written yet, and nothing may be asked that can wait. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Compares once, and waits for that a little. Rejects with `denied` when the process must not run
   * with these periods.
   */
  async start(): Promise<void> {
    const { clock, log } = this.#options;
    const first = this.#compare();
    const soon = await Promise.race([first, clock.sleep(startWaitMs).then(() => "late" as const)]);
    if (soon === undefined) return;
    if (soon === "late") this.#running = first;
    else if (!isStoreError(soon.error, "unavailable")) throw soon.error;
    log.error("starting without an object store", { reason: this.#reason });
  }

  /** Tries again until the periods are compared. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#isOpen && !signal.aborted) {
      if (this.#running === undefined) await clock.sleep(retryMs, signal);
      if (signal.aborted) return;
      const failure = await (this.#running ?? this.#compare());
      this.#running = undefined;
      if (failure === undefined) log.info("the schema periods are as they were");
      else if (!isStoreError(failure.error, "unavailable")) {
        if (!this.#isRefused) log.error("nothing is stored", { reason: this.#reason });
        this.#isRefused = true;
      }
    }
  }

  async #compare(): Promise<{ readonly error: unknown } | undefined> {
    try {
      await this.#options.check();
      this.#isOpen = true;
      return undefined;
    } catch (error) {
      this.#reason = messageOf(error);
      return { error };
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
