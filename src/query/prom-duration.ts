/**
 * Units of a Prometheus duration in ns; years, weeks and days are only used when they come out
 * even.
 */
const units: readonly (readonly [suffix: string, ns: bigint, exact: boolean])[] = [
  ["y", 31_536_000_000_000_000n, true],
  ["w", 604_800_000_000_000n, true],
  ["d", 86_400_000_000_000n, true],
  ["h", 3_600_000_000_000n, false],
  ["m", 60_000_000_000n, false],
  ["s", 1_000_000_000n, false],
  ["ms", 1_000_000n, false],
];

/** As Prometheus prints durations: `1h30m`, `11m`, `0s`. */
export function formatPromDuration(durationNs: bigint): string {
  if (durationNs === 0n) return "0s";
  let rest = durationNs;
  let out = "";
  for (const [suffix, ns, exact] of units) {
    if (exact && rest % ns !== 0n) continue;
    const count = rest / ns;
    if (count === 0n) continue;
    out += `${count}${suffix}`;
    rest -= count * ns;
  }
  return out;
}
