/** Durations as Prometheus' configuration writes them: `1h30m`, `2d`, `0`. Milliseconds. */

const units: readonly (readonly [string, number])[] = [
  ["y", 365 * 86_400_000],
  ["w", 7 * 86_400_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/** Years and weeks are only written when nothing is left over. */
const exactUnits: ReadonlySet<string> = new Set(["y", "w"]);

const pattern = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** What an int64 of nanoseconds holds, as in Prometheus. */
const durationMaxMs = Math.floor(Number(2n ** 63n) / 1e6);

/** Undefined when the text is no duration. */
export function parseRuleDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const found = pattern.exec(text);
  if (found === null || text === "") return undefined;
  let totalMs = 0;
  for (const [at, [, unitMs]] of units.entries()) totalMs += Number(found[at + 1] ?? 0) * unitMs;
  return totalMs > durationMaxMs ? undefined : totalMs;
}

export function printRuleDuration(durationMs: number): string {
  if (durationMs === 0) return "0s";
  let rest = durationMs;
  let text = "";
  for (const [unit, unitMs] of units) {
    if (exactUnits.has(unit) && rest % unitMs !== 0) continue;
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text;
}
