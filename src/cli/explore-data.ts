/** What the explorer asks of a server. */
import { parseQuery, printMatchers } from "#logql";
import { listOf, objectOf } from "./answers.ts";
import { duration } from "./arguments.ts";
import {
  type CategorizedEntry,
  categorizeHeaders,
  readCategorizedStreams,
  readEntryObject,
} from "./categorized-entries.ts";
import type { ExploreState, Histogram } from "./explore-state.ts";
import type { HttpClient } from "./http-client.ts";
import { readSamples } from "./sample-series.ts";
import { levelOf } from "./level-colours.ts";
import { stepOfRange } from "./stdin-engine.ts";

/** Lines of a page: many screens, and an answer that comes at once. */
const pageLines = 1000;
const neighboursAround = 200;
/** Columns of the histogram, at most: enough for a wide terminal. */
const bars = 120n;

interface Range {
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

export function rangeOf({ since }: ExploreState, nowNs: bigint): Range {
  return { fromNs: nowNs - duration(since), toNs: nowNs };
}

/** The newest lines of the range, oldest first. */
export async function loadLines(
  client: HttpClient,
  query: string,
  { fromNs, toNs }: Range,
): Promise<CategorizedEntry[]> {
  const params = new URLSearchParams({
    query,
    start: String(fromNs),
    end: String(toNs),
    limit: String(pageLines),
    direction: "backward",
  });
  const answer = await client.json("/loki/api/v1/query_range", params, categorizeHeaders);
  const data = objectOf(objectOf(answer, "the answer")["data"], "data");
  if (data["resultType"] !== "streams") {
    throw new Error("a metric query has no lines: skald query -o chart draws it");
  }
  return inTime(readCategorizedStreams(data["result"]));
}

export function inTime(entries: CategorizedEntry[]): CategorizedEntry[] {
  return entries.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
}

/** Lines by level over the range. */
export async function loadHistogram(
  client: HttpClient,
  query: string,
  { fromNs, toNs }: Range,
): Promise<Histogram> {
  const least = (toNs - fromNs) / bars;
  const step = stepOfRange(0n, (least > 1_000_000_000n ? least : 1_000_000_000n) * 250n);
  const seconds = step / 1_000_000_000n;
  const params = new URLSearchParams({
    query: `sum by (detected_level) (count_over_time(${query} [${seconds}s]))`,
    start: String(fromNs + step),
    end: String(toNs),
    step: String(seconds),
  });
  const answer = await client.json("/loki/api/v1/query_range", params);
  const data = objectOf(objectOf(answer, "the answer")["data"], "data");
  const count = Number((toNs - fromNs) / step) + 1;
  const levels = new Map<string, number[]>();
  for (const { labels, points } of readSamples(data["result"])) {
    const level = levelOf(labels);
    const counts = levels.get(level) ?? Array.from({ length: count }, () => 0);
    for (const { timeMs, value } of points) {
      const at = Math.round((timeMs - Number(fromNs / 1_000_000n)) / Number(step / 1_000_000n)) - 1;
      if (at >= 0 && at < count) counts[at]! += value;
    }
    levels.set(level, counts);
  }
  return { fromNs, toNs, levels };
}

/** Neighbours in the line's own stream, whatever the filters of the query. */
export async function loadContext(
  client: HttpClient,
  query: string,
  entry: CategorizedEntry,
): Promise<{ entries: CategorizedEntry[]; selected: number }> {
  const expr = parseQuery(query);
  const selector = expr.kind === "log" ? printMatchers(expr.matchers) : query;
  const params = new URLSearchParams({
    query: selector,
    time: String(entry.timeNs),
    stream: entry.stream.toString(),
    before: String(neighboursAround),
    after: String(neighboursAround),
  });
  const answer = objectOf(await client.json("/skald/api/v1/context", params), "the answer");
  const data = objectOf(answer["data"], "data");
  const read = (name: string): CategorizedEntry[] =>
    listOf(data[name], name).map((one) => readEntryObject(one));
  const before = read("before");
  const entries = [...before, readEntryObject(data["entry"]), ...read("after")];
  return { entries, selected: before.length };
}
