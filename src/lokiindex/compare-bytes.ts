/** Order of two runs of one buffer by unsigned bytes; a prefix comes first. Kept by nobody. */
export function compareBytes(
  bytes: Buffer,
  spans: { aFrom: number; aTo: number; bFrom: number; bTo: number },
): number {
  const { aFrom, aTo, bFrom, bTo } = spans;
  const shared = Math.min(aTo - aFrom, bTo - bFrom);
  for (let i = 0; i < shared; i++) {
    const difference = bytes[aFrom + i]! - bytes[bFrom + i]!;
    if (difference !== 0) return difference;
  }
  return aTo - aFrom - (bTo - bFrom);
}
