/**
 * Every entry of a range, page by page, with the place behind each page. Skald gives a cursor:
 * exact, also among entries of one time. Loki has none: its pages overlap in the entries of one
 * time, and what was given is taken out again.
 */
import { createHash } from "node:crypto";
import { listOf, objectOf, textOf } from "./answers.ts";
import {
  type CategorizedEntry,
  categorizeHeaders,
  joinedEntry,
  readCategorizedStreams,
} from "./categorized-entries.ts";
import { CliError } from "./cli-error.ts";
import type { HttpClient } from "./http-client.ts";

export interface ExportQuery {
  readonly query: string;
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly direction: "forward" | "backward";
  readonly batchCount: number;
}

/** Where to go on; plain data for a file. */
export type ExportPlace =
  | { readonly kind: "cursor"; readonly cursor: string }
  | {
      readonly kind: "time";
      /** Decimal ns of the last entries given. */
      readonly atNs: string;
      /** Digests of those of them that were given. */
      readonly seen: readonly string[];
    };

export interface ExportPage {
  readonly entries: readonly CategorizedEntry[];
  /** Undefined behind the last page. */
  readonly next: ExportPlace | undefined;
  readonly warnings: readonly string[];
}

/** An empty cursor asks Skald for the first page, and means nothing to Loki. */
export const exportStart: ExportPlace = { kind: "cursor", cursor: "" };

export async function* exportPages(
  client: HttpClient,
  query: ExportQuery,
  start: ExportPlace,
): AsyncGenerator<ExportPage, void, undefined> {
  let place: ExportPlace | undefined = start;
  while (place !== undefined) {
    const page: ExportPage = await askPage(client, query, place);
    yield page;
    place = page.next;
  }
}

async function askPage(
  client: HttpClient,
  query: ExportQuery,
  place: ExportPlace,
): Promise<ExportPage> {
  const seen = place.kind === "time" ? place.seen : [];
  // What overlaps comes again: a page must have room for something new.
  const isCrowded = seen.length * 2 > query.batchCount;
  const count = query.batchCount + (isCrowded ? seen.length : 0);
  const answer = await client.json(
    "/loki/api/v1/query_range",
    parametersOf(query, place, count),
    categorizeHeaders,
  );
  const body = objectOf(answer, "the answer");
  const data = objectOf(body["data"], "data");
  if (data["resultType"] !== "streams") {
    throw new CliError("only log queries can be exported", {
      hints: ["Print the points of a metric query with: skald query -o table …"],
    });
  }
  const warnings = listOf(body["warnings"], "warnings").map(String);
  const all = inOrder(readCategorizedStreams(data["result"]), query.direction);
  const cursor = data["nextCursor"];
  if (place.kind === "cursor" && (cursor !== undefined || place.cursor !== "")) {
    const next =
      cursor === undefined
        ? undefined
        : { kind: "cursor" as const, cursor: textOf(cursor, "nextCursor") };
    return { entries: all, next, warnings };
  }
  const entries = withoutSeen(all, seen);
  if (entries.length === 0 && all.length >= count) {
    throw new CliError("the server gives the same page again", {
      hints: ["Does it honour start and end? Ask for more at a time with --batch."],
    });
  }
  return { entries, next: timePlace(all, count), warnings };
}

/** Undefined when the page was not full: there is no more. */
function timePlace(all: readonly CategorizedEntry[], count: number): ExportPlace | undefined {
  const last = all.at(-1);
  if (last === undefined || all.length < count) return undefined;
  const seen = all.filter(({ timeNs }) => timeNs === last.timeNs).map(digestOf);
  return { kind: "time", atNs: String(last.timeNs), seen };
}

function parametersOf(query: ExportQuery, place: ExportPlace, count: number): URLSearchParams {
  const { direction } = query;
  let { fromNs, toNs } = query;
  if (place.kind === "time") {
    if (direction === "forward") fromNs = BigInt(place.atNs);
    else toNs = BigInt(place.atNs) + 1n;
  }
  const params = new URLSearchParams({
    query: query.query,
    start: String(fromNs),
    end: String(toNs),
    limit: String(count),
    direction,
  });
  if (place.kind === "cursor") params.set("cursor", place.cursor);
  return params;
}

function inOrder(
  entries: CategorizedEntry[],
  direction: "forward" | "backward",
): CategorizedEntry[] {
  const sign = direction === "forward" ? 1 : -1;
  return entries.sort((a, b) => (a.timeNs === b.timeNs ? 0 : a.timeNs < b.timeNs ? -sign : sign));
}

/** Equal entries are counted, not merged: a query may have made two of them alike. */
function withoutSeen(
  entries: readonly CategorizedEntry[],
  seen: readonly string[],
): CategorizedEntry[] {
  if (seen.length === 0) return [...entries];
  const counts = new Map<string, number>();
  for (const digest of seen) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  return entries.filter((entry) => {
    const digest = digestOf(entry);
    const count = counts.get(digest) ?? 0;
    if (count > 0) counts.set(digest, count - 1);
    return count === 0;
  });
}

function digestOf(entry: CategorizedEntry): string {
  const { labels, timeNs, line } = joinedEntry(entry);
  const hash = createHash("sha256").update(`${timeNs}\n${labels.toString()}\n`).update(line);
  return hash.digest("base64url").slice(0, 22);
}
