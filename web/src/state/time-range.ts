// Times as people choose them: `now-1h`, or a moment in milliseconds since 1970. A relative range moves
// with the clock and is resolved anew for each run.
import type { TimeRange } from "../api/types.ts";

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `now`, `now-90m`, `1768003200000`, or a date; undefined when it is none of these. */
export function parseMoment(text: string, nowMs: number): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "now") return nowMs;
  const relative = /^now-(\d+(?:\.\d+)?)([smhdw])$/.exec(trimmed);
  if (relative !== null) return nowMs - Number(relative[1]) * unitMs[relative[2]!]!;
  if (/^\d{12,14}$/.test(trimmed)) return Number(trimmed);
  if (!/^\d{4}-\d{2}-\d{2}/.test(trimmed)) return undefined;
  const ms = Date.parse(trimmed.replace(/^(\d{4}-\d{2}-\d{2})[ ]+/, "$1T"));
  return Number.isNaN(ms) ? undefined : ms;
}

export interface ChosenRange {
  readonly from: string;
  readonly to: string;
}

export const rangeDefault: ChosenRange = { from: "now-1h", to: "now" };

/** Falls back to the last hour where the address holds nonsense. */
export function resolveRange({ from, to }: ChosenRange, nowMs: number): TimeRange {
  const fromMs = parseMoment(from, nowMs);
  const toMs = parseMoment(to, nowMs);
  if (fromMs === undefined || toMs === undefined || fromMs >= toMs) {
    return { fromMs: nowMs - unitMs["h"]!, toMs: nowMs };
  }
  return { fromMs, toMs };
}

export function isRelative({ from, to }: ChosenRange): boolean {
  return from.startsWith("now") && to.startsWith("now");
}

/** `Last 15 minutes`, or both moments. */
export function rangeTitle(range: ChosenRange, formatMs: (ms: number) => string): string {
  if (range.to === "now") {
    const match = /^now-(\d+)([smhdw])$/.exec(range.from);
    if (match !== null) return `Last ${amount(Number(match[1]), match[2]!)}`;
  }
  const name = (text: string): string => (/^\d+$/.test(text) ? formatMs(Number(text)) : text);
  return `${name(range.from)} – ${name(range.to)}`;
}

const unitNames: Readonly<Record<string, string>> = {
  s: "second",
  m: "minute",
  h: "hour",
  d: "day",
  w: "week",
};

function amount(count: number, unit: string): string {
  const name = unitNames[unit] ?? unit;
  return count === 1 ? name : `${count} ${name}s`;
}

/** Steps that people read easily, in seconds. */
const niceSteps = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
  172_800, 604_800,
];

/** The smallest nice step that gives at most `pointsMax` points. Seconds, at least 1. */
export function niceStep(range: TimeRange, pointsMax: number): number {
  const wanted = (range.toMs - range.fromMs) / 1000 / Math.max(1, pointsMax);
  return niceSteps.find((step) => step >= wanted) ?? Math.ceil(wanted / 604_800) * 604_800;
}
