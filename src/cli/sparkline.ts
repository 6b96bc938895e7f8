/** Numbers as one line of eighths of blocks. Pure. */
const blocks = "▁▂▃▄▅▆▇█";

/**
 * As many characters as numbers, or `width` when there are more: then each shows the largest of its
 * share. From zero (or below) to `max`, or the largest; NaN is a gap.
 */
export function sparkline(
  values: readonly number[],
  { width, min, max }: { width: number; min?: number; max?: number },
): string {
  const shown = values.length > width ? largestOfShares(values, width) : values;
  const finite = shown.filter(Number.isFinite);
  const low = min ?? Math.min(0, ...finite);
  const high = max ?? Math.max(0, ...finite);
  return shown.map((value) => blockOf(value, low, high)).join("");
}

function blockOf(value: number, low: number, high: number): string {
  if (Number.isNaN(value)) return " ";
  if (high <= low) return blocks[0]!;
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return blocks[Math.round(share * (blocks.length - 1))]!;
}

/** The largest number of each of `count` shares; NaN for a share of gaps. */
export function largestOfShares(values: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * values.length) / count);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / count));
    const share = values.slice(from, to).filter((value) => !Number.isNaN(value));
    return share.length === 0 ? Number.NaN : Math.max(...share);
  });
}
