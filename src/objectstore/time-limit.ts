import { StoreError } from "#base";
import type { Clock } from "#world";

/**
 * Runs with a signal that aborts when the caller's does or the time is over; then rejects with the
 * caller's reason or `unavailable`, even when `run` does not heed the signal. 0: no limit.
 */
export async function withTimeLimit<T>(
  options: {
    readonly clock: Clock;
    readonly limitMs: number;
    readonly signal: AbortSignal | undefined;
    readonly what: string;
  },
  run: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { clock, limitMs, signal, what } = options;
  if (limitMs <= 0) return run(signal);
  signal?.throwIfAborted();
  const controller = new AbortController();
  const timeOver = new StoreError("unavailable", `${what}: no answer within ${limitMs} ms`);
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = (reason: unknown): void => {
    controller.abort(reason);
    reject(reason);
  };
  const cancel = clock.schedule(limitMs, () => stop(timeOver));
  const onAbort = (): void => stop(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const running = run(controller.signal);
    // What is rejected after its time has no one left to hear it.
    running.catch(() => undefined);
    return await Promise.race([running, stopped]);
  } finally {
    cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}
