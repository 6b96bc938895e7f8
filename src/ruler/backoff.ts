/** Pauses between tries: doubled each time up to the longest, spread so that not all come at once. */
import type { Random } from "#world";

export interface BackoffLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

export function backoffMs(failures: number, limits: BackoffLimits, random: Random): number {
  // Beyond 2^30 the longest pause has long been reached.
  const doubled = limits.minMs * 2 ** Math.min(30, Math.max(0, failures - 1));
  return Math.min(limits.maxMs, doubled) * (0.5 + random.fraction() / 2);
}
