import type { Clock } from "./clock.ts";

/** Sleeps; false when the signal ended it (or had been given before), which is no error to who only wants to stop. */
export async function sleepUnlessAborted(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return !signal.aborted;
}
