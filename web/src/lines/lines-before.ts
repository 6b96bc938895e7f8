// What lies before the first line shown, beyond the range that was asked for: newer lines when the
// newest come first, else older ones.
import { askRange } from "../api/questions.ts";
import type { TimeRange } from "../api/types.ts";
import { msOfNs } from "../state/format.ts";
import { type Entry, entriesOf } from "./entry.ts";
import { keyOf } from "./entry-key.ts";

interface BeforeQuestion {
  readonly query: string;
  readonly direction: "forward" | "backward";
  /** Those shown; the first one is where to go on. */
  readonly entries: readonly Entry[];
  /** What was asked for so far. */
  readonly range: TimeRange;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

const pageEntries = 500;
/** How far to look beyond the range. */
const reachMs = 86_400_000;

/** In the order of `direction`, to stand before `entries`; empty when there is nothing. */
export async function linesBefore(question: BeforeQuestion): Promise<Entry[]> {
  const { query, direction, entries, range, nowMs, signal } = question;
  const first = entries[0];
  const isNewer = direction === "backward";
  const edgeMs = first === undefined ? (isNewer ? range.toMs : range.fromMs) : msOfNs(first.timeNs);
  const beyond = isNewer
    ? { fromMs: edgeMs, toMs: Math.min(edgeMs + reachMs, nowMs + 60_000) }
    : { fromMs: edgeMs - reachMs, toMs: edgeMs + 1 };
  if (beyond.fromMs >= beyond.toMs) return [];
  const { data } = await askRange({
    query,
    range: beyond,
    limit: pageEntries,
    // The nearest to what is shown come first.
    direction: isNewer ? "forward" : "backward",
    signal,
  });
  if (data.resultType !== "streams") return [];
  const known = new Set<string>();
  for (const entry of entries) {
    if (msOfNs(entry.timeNs) !== edgeMs) break;
    known.add(keyOf(entry));
  }
  return entriesOf(data.result, direction).filter((entry) => !known.has(keyOf(entry)));
}
