// An entry as the page holds it, made from the server's answer once. Labels of a stream are shared by
// all its entries.
import type { WholeEntry } from "../api/context.ts";
import type { Labels, StreamAnswer } from "../api/types.ts";

export interface Entry {
  /** Decimal nanoseconds since 1970. */
  readonly timeNs: string;
  readonly line: string;
  readonly labels: Labels;
  readonly metadata: Labels;
  readonly parsed: Labels;
  readonly level: Level;
}

/** From loud to quiet; colours are `--level-…` in theme.css. */
export const levels = ["critical", "error", "warn", "info", "debug", "trace", "unknown"] as const;
export type Level = (typeof levels)[number];

const noLabels: Labels = {};

const levelNames: Readonly<Record<string, Level>> = {
  fatal: "critical",
  critical: "critical",
  crit: "critical",
  emerg: "critical",
  emergency: "critical",
  alert: "critical",
  panic: "critical",
  error: "error",
  err: "error",
  eror: "error",
  warn: "warn",
  warning: "warn",
  wrn: "warn",
  info: "info",
  inf: "info",
  information: "info",
  informational: "info",
  notice: "info",
  debug: "debug",
  dbg: "debug",
  trace: "trace",
  trc: "trace",
};

/** One of `levels` for any spelling. */
export function levelOf(name: string | undefined): Level {
  return levelNames[name?.toLowerCase() ?? ""] ?? "unknown";
}

/** All entries of the answer in its direction; equal times keep the order of the answer. */
export function entriesOf(
  streams: readonly StreamAnswer[],
  direction: "forward" | "backward",
): Entry[] {
  const entries: Entry[] = [];
  for (const { stream, values } of streams) {
    for (const [timeNs, line, categories] of values) {
      const metadata = categories?.structuredMetadata ?? noLabels;
      const parsed = categories?.parsed ?? noLabels;
      const level = levelIn({ labels: stream, metadata, parsed });
      entries.push({ timeNs, line, labels: stream, metadata, parsed, level });
    }
  }
  const sign = direction === "forward" ? 1 : -1;
  return entries.sort((a, b) => sign * compareTimes(a.timeNs, b.timeNs));
}

function levelIn({
  labels,
  metadata,
  parsed,
}: Pick<Entry, "labels" | "metadata" | "parsed">): Level {
  const detected = metadata["detected_level"] ?? labels["detected_level"];
  return levelOf(detected ?? labels["level"] ?? parsed["level"]);
}

export function entryOf(whole: WholeEntry): Entry {
  const { timestamp: timeNs, line, stream: labels, structuredMetadata: metadata, parsed } = whole;
  return { timeNs, line, labels, metadata, parsed, level: levelIn({ labels, metadata, parsed }) };
}

/** Orders decimal nanoseconds without making numbers of them. */
export function compareTimes(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
