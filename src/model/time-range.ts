/** Half-open range of nanoseconds since 1970: `fromNs <= t < toNs`. */
export interface TimeRange {
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

export const nsPerDay = 86_400_000_000_000n;
export const secondsPerDay = 86_400;

/** Number of the UTC day (0 is 1970-01-01, negative before) that holds a second. */
export function dayOfSeconds(epochSeconds: number): number {
  return Math.floor(epochSeconds / secondsPerDay);
}

export function dayOfNs(ns: bigint): number {
  const day = ns / nsPerDay;
  return Number(ns < 0n && day * nsPerDay !== ns ? day - 1n : day);
}

export function dayStartNs(day: number): bigint {
  return BigInt(day) * nsPerDay;
}

/** Largest and smallest timestamps an entry can have: int64 nanoseconds. */
export const timestampMinNs: bigint = -(2n ** 63n);
export const timestampMaxNs: bigint = 2n ** 63n - 1n;
