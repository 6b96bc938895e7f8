/**
 * Which segments go to get below a size: the oldest days first, over all tenants where the limit is
 * in total. Pure.
 */

export interface SizedSegment {
  readonly tenant: string;
  readonly key: string;
  readonly day: number;
  readonly maxNs: bigint;
  readonly storedBytes: number;
}

export interface SizeLimits {
  /** 0: none. */
  readonly totalBytesMax: number;
  readonly tenantBytesMax: (tenant: string) => number;
}

export type SizeReason = "tenant size" | "total size";

/** By key of a segment why it goes. */
export function decideSizes(
  segments: readonly SizedSegment[],
  limits: SizeLimits,
): Map<string, SizeReason> {
  const going = new Map<string, SizeReason>();
  const sorted = [...segments].sort(byAge);
  for (const [tenant, own] of Map.groupBy(sorted, (segment) => segment.tenant)) {
    shrink(own, limits.tenantBytesMax(tenant), (key) => going.set(key, "tenant size"));
  }
  const left = sorted.filter(({ key }) => !going.has(key));
  shrink(left, limits.totalBytesMax, (key) => going.set(key, "total size"));
  return going;
}

function shrink(
  sorted: readonly SizedSegment[],
  bytesMax: number,
  drop: (key: string) => void,
): void {
  if (bytesMax <= 0) return;
  let bytes = sorted.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  for (const { key, storedBytes } of sorted) {
    if (bytes <= bytesMax) return;
    drop(key);
    bytes -= storedBytes;
  }
}

function byAge(a: SizedSegment, b: SizedSegment): number {
  if (a.day !== b.day) return a.day - b.day;
  if (a.maxNs !== b.maxNs) return a.maxNs < b.maxNs ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}
