/** Levels by number; what is no level is `unknown`. */
export const levelNames: readonly string[] = [
  "unknown",
  "trace",
  "debug",
  "info",
  "warn",
  "error",
  "critical",
  "fatal",
];

/** How levels are written, in lower case, and their numbers. */
export const levelSpellings: readonly (readonly [string, number])[] = [
  ["trace", 1],
  ["trc", 1],
  ["debug", 2],
  ["dbg", 2],
  ["info", 3],
  ["inf", 3],
  ["information", 3],
  ["warn", 4],
  ["wrn", 4],
  ["warning", 4],
  ["error", 5],
  ["err", 5],
  ["critical", 6],
  ["fatal", 7],
];

/** The level a value of a level field names, or undefined: 3 for `INFO`. */
export function levelOfText(value: string): number | undefined {
  const lower = value.toLowerCase();
  return levelSpellings.find(([spelling]) => spelling === lower)?.[1];
}
