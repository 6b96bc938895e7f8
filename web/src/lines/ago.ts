const units: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** `3 min ago`, `in 2 h`, `now`. */
export function formatAgo(ms: number): string {
  const size = Math.abs(ms);
  const unit = units.find(([length]) => size >= length);
  if (unit === undefined) return "now";
  const amount = `${Math.floor(size / unit[0])} ${unit[1]}`;
  return ms > 0 ? `${amount} ago` : `in ${amount}`;
}
