import type { Clock } from "#world";

/** The main thread works this long at a stretch; then others get their turn. */
const stretchMs = 10;

/** A debt is slept off in naps of this at most, so that an abort or a new rate is noticed. */
const napMsMax = 1_000;

/** Unused time is not saved up beyond this: after a pause no burst follows. */
const savedMsMax = 1_000;

/** While something more urgent waits, each rest is at least this long: a tenth of the thread is left. */
const pressedRestMs = 100;

/** Keeps background work to so many bytes per second, and from holding the main thread. */
export class Pace {
  readonly #clock: Clock;
  readonly #msPerByte: number;
  readonly #isPressed: () => boolean;
  /** When the bytes spent so far will have been earned. */
  #paidUntilMs = 0;
  #restedMs = 0;

  /** With a rate of Infinity nothing ever rests: for tests and for tools that have the process to themselves. */
  constructor(options: {
    readonly clock: Clock;
    readonly bytesPerSecond: number;
    /** Whether something more urgent waits for the thread. */
    readonly isPressed?: (() => boolean) | undefined;
  }) {
    this.#isPressed = options.isPressed ?? ((): boolean => false);
    this.#clock = options.clock;
    this.#msPerByte = 1000 / options.bytesPerSecond;
    this.#restedMs = options.clock.monotonicMs();
  }

  /** Counts work done. True when `rest` is due; a plain call, for there is one per stream. */
  spend(bytes: number): boolean {
    if (this.#msPerByte === 0) return false;
    const nowMs = this.#clock.monotonicMs();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs - savedMsMax) + bytes * this.#msPerByte;
    return this.#paidUntilMs - nowMs >= stretchMs || nowMs - this.#restedMs >= stretchMs;
  }

  /** Rejects with the signal's reason when aborted. */
  async rest(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    do {
      const debtMs = this.#paidUntilMs - this.#clock.monotonicMs();
      const leastMs = this.#isPressed() ? pressedRestMs : 0;
      await this.#clock.sleep(Math.min(napMsMax, Math.max(leastMs, debtMs)), signal);
    } while (this.#paidUntilMs - this.#clock.monotonicMs() >= stretchMs);
    this.#restedMs = this.#clock.monotonicMs();
  }
}
