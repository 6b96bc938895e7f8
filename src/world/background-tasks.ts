import type { Clock } from "./clock.ts";

export interface TaskFailure {
  readonly task: string;
  readonly error: unknown;
}

/**
 * The owner of promises that no caller awaits. A failure goes to `onFailure`, never unheard;
 * `stop` aborts all and resolves when the last one has ended.
 */
export class BackgroundTasks implements AsyncDisposable {
  readonly #onFailure: (failure: TaskFailure) => void;
  readonly #controller = new AbortController();
  readonly #running = new Map<Promise<void>, string>();

  constructor(options: { onFailure: (failure: TaskFailure) => void }) {
    this.#onFailure = options.onFailure;
  }

  /** Names of what runs now, for logs at shutdown. */
  get names(): readonly string[] {
    return [...this.#running.values()];
  }

  /**
   * Starts `run` at once. Its rejection is reported, except the signal's own reason after `stop`.
   * After `stop` nothing starts any more.
   */
  spawn(name: string, run: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#controller;
    if (signal.aborted) return;
    const task = this.#watch(name, run, signal).then(() => {
      this.#running.delete(task);
    });
    this.#running.set(task, name);
  }

  /**
   * Runs `run` every `intervalMs`, the first time after one interval. A failure is reported and
   * the next round comes.
   */
  repeat(
    name: string,
    options: { clock: Clock; intervalMs: number },
    run: (signal: AbortSignal) => Promise<void>,
  ): void {
    this.spawn(name, async (signal) => {
      while (!signal.aborted) {
        await options.clock.sleep(options.intervalMs, signal);
        try {
          await run(signal);
        } catch (error) {
          if (signal.aborted) throw error;
          this.#onFailure({ task: name, error });
        }
      }
    });
  }

  async #watch(
    name: string,
    run: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await run(signal);
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) this.#onFailure({ task: name, error });
    }
  }

  async stop(): Promise<void> {
    this.#controller.abort();
    while (this.#running.size > 0) await Promise.all(this.#running.keys());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
