/** Time as a parameter. */
export interface Clock {
  /** Wall clock, nanoseconds since 1970. Its resolution may be a millisecond. */
  nowNs(): bigint;
  /** Wall clock, milliseconds since 1970, whole. */
  nowMs(): number;
  /** Never goes back; for measuring durations only. */
  monotonicMs(): number;
  /**
   * Resolves after `delayMs`; rejects with the signal's reason when aborted first. Does not keep
   * the process alive.
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `task` once after `delayMs`. Returns a function that cancels. Does not keep the process
   * alive.
   */
  schedule(delayMs: number, task: () => void): () => void;
}
