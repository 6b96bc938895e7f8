/**
 * Pages of a range of entries. Neighbouring pages overlap in the entries of one timestamp, because
 * a page may end in the middle of them; what was already given is taken out again.
 */
import { type About, type LogEntry, readQueryAnswer } from "./answers.ts";
import type { HttpClient } from "./http-client.ts";
import type { AskedRange } from "./time-range.ts";

export interface PagedQuery extends AskedRange {
  readonly query: string;
  readonly direction: "forward" | "backward";
  /** Undefined for all there are. */
  readonly limit: number | undefined;
  readonly batchCount: number;
  /** Of metric queries, seconds with fraction. */
  readonly step?: string | undefined;
  readonly interval?: string | undefined;
}

export type Page =
  | { readonly kind: "entries"; readonly entries: readonly LogEntry[]; readonly about: About }
  | { readonly kind: "samples"; readonly result: unknown; readonly about: About };

/** Entries in order of time; a metric query gives its one result. */
export async function* queryPages(
  client: HttpClient,
  query: PagedQuery,
): AsyncGenerator<Page, void, undefined> {
  let { fromNs, toNs } = query;
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  let overlap: readonly LogEntry[] = [];
  while (left > 0) {
    const count = pageCount(query.batchCount, left, overlap.length);
    const params = parametersOf(query, { fromNs, toNs }, count);
    const answer = readQueryAnswer(await client.json("/loki/api/v1/query_range", params));
    if (answer.kind === "samples") {
      yield { kind: "samples", result: answer.result, about: answer.about };
      return;
    }
    const page = sortByTime(answer.entries, query.direction);
    const fresh = withoutSeen(page, overlap).slice(0, left);
    left -= fresh.length;
    yield { kind: "entries", entries: fresh, about: answer.about };
    const last = page.at(-1);
    if (page.length < count || last === undefined) return;
    overlap = page.filter(({ timeNs }) => timeNs === last.timeNs);
    if (query.direction === "forward") fromNs = last.timeNs;
    else toNs = last.timeNs + 1n;
  }
}

/** What overlaps comes again and does not count; a page must have room for something new. */
function pageCount(batchCount: number, left: number, overlapCount: number): number {
  const size = overlapCount * 2 > batchCount ? batchCount + overlapCount : batchCount;
  return Math.min(size, left + overlapCount);
}

function parametersOf(query: PagedQuery, range: AskedRange, count: number): URLSearchParams {
  const params = new URLSearchParams({
    query: query.query,
    start: String(range.fromNs),
    end: String(range.toNs),
    limit: String(count),
    direction: query.direction,
  });
  if (query.step !== undefined) params.set("step", query.step);
  if (query.interval !== undefined) params.set("interval", query.interval);
  return params;
}

/** Entries of one time stay in the order of the answer. */
export function sortByTime(
  entries: readonly LogEntry[],
  direction: "forward" | "backward",
): LogEntry[] {
  const sign = direction === "forward" ? 1 : -1;
  return entries.toSorted((a, b) =>
    a.timeNs === b.timeNs ? 0 : a.timeNs < b.timeNs ? -sign : sign,
  );
}

/** Equal entries are counted, not merged: a query may have made two of them alike. */
export function withoutSeen(page: readonly LogEntry[], seen: readonly LogEntry[]): LogEntry[] {
  if (seen.length === 0) return [...page];
  const counts = new Map<string, number>();
  for (const entry of seen) counts.set(keyOf(entry), (counts.get(keyOf(entry)) ?? 0) + 1);
  return page.filter((entry) => {
    const key = keyOf(entry);
    const count = counts.get(key) ?? 0;
    if (count > 0) counts.set(key, count - 1);
    return count === 0;
  });
}

function keyOf({ labels, timeNs, line }: LogEntry): string {
  return `${timeNs}\ud800${line}\ud800${labels.key}`;
}
