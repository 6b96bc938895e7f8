/**
 * A token bucket: `ratePerSecond` flows in, `burst` fits, and it starts full. Limits may change
 * from call to call.
 */
export class TokenBucket {
  #tokens: number | undefined;
  #lastMs = 0;

  /** Takes `amount` if it is there. More than `burst` at once is never there. */
  allow(
    amount: number,
    limit: { readonly ratePerSecond: number; readonly burst: number },
    nowMs: number,
  ): boolean {
    const elapsedMs = Math.max(0, nowMs - this.#lastMs);
    const before = this.#tokens ?? limit.burst;
    const tokens = Math.min(limit.burst, before + (elapsedMs * limit.ratePerSecond) / 1000);
    this.#lastMs = Math.max(this.#lastMs, nowMs);
    const allowed = amount <= tokens;
    this.#tokens = allowed ? tokens - amount : tokens;
    return allowed;
  }
}
