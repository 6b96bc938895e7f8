import type { LogExpr } from "#logql";
import type { TimeRange } from "#model";
import type { LogStore } from "#storage";
import { type Cursor, writeCursor } from "./cursor.ts";
import type { QueryRequest, StreamResult } from "./engine.ts";
import { comparePlaces, type EntryGroup, type OrderedEntry, readGroups } from "./entry-groups.ts";
import { entryOverheadBytes } from "./entry-weight.ts";
import { entryRange } from "./log-query.ts";
import type { QueryRun } from "./query-run.ts";
import { streamResults } from "./stream-table.ts";

/** A few candidates more than a page are worth keeping instead of reading them again. */
const pendingEntriesMin = 1000;

export interface LogPage {
  readonly streams: StreamResult[];
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined;
}

/**
 * One page of a log query: what follows the cursor, up to `limit` entries. A page ends behind a
 * group (see EntryGroup), so it may hold fewer entries than the limit though there are more. Only a
 * group that is larger than a page by itself is divided; its entries then go by their hash, which
 * does not depend on where they live either.
 */
export async function runLogPage(
  store: LogStore,
  run: QueryRun,
  query: {
    readonly request: QueryRequest;
    readonly log: LogExpr;
    readonly cursor: Cursor | undefined;
    readonly nowNs: () => bigint;
  },
): Promise<LogPage> {
  const { request, log, cursor, nowNs } = query;
  const { tenants, limits, direction, categorizeLabels, limit } = request;
  const whole = entryRange(request);
  const groups = readGroups(store, run, {
    tenants,
    log,
    limits,
    direction,
    categorizeLabels,
    nowNs,
    range: rangeBehind(whole, cursor, direction),
    pendingEntriesMax: Math.max(limit, pendingEntriesMin),
  });
  const page = new Page(request, cursor);
  for await (const list of groups) {
    const before = page.entries.length;
    const isFull = list.some((group) => page.add(group) === "full");
    for (const { line } of page.entries.slice(before)) run.hold(line.length + entryOverheadBytes);
    if (isFull) break;
  }
  run.counts.entriesReturned = page.entries.length;
  const next = page.isFull ? page.last : undefined;
  return {
    streams: streamResults(page.entries),
    nextCursor: next && writeCursor({ ...next, range: whole }, { expr: log, tenants, direction }),
  };
}

/** The cursor's own time still counts: other groups may have it, too. */
function rangeBehind(
  range: TimeRange,
  cursor: Cursor | undefined,
  direction: QueryRequest["direction"],
): TimeRange {
  if (cursor === undefined) return range;
  return direction === "forward"
    ? { fromNs: cursor.timeNs, toNs: range.toNs }
    : { fromNs: range.fromNs, toNs: cursor.timeNs + 1n };
}

class Page {
  readonly entries: OrderedEntry[] = [];
  /** Set when there is more. */
  isFull = false;
  /** Where the next page goes on. */
  last: Omit<Cursor, "range"> | undefined;
  readonly #limit: number;
  readonly #sign: 1 | -1;
  readonly #cursor: Cursor | undefined;

  constructor(request: Pick<QueryRequest, "limit" | "direction">, cursor: Cursor | undefined) {
    this.#limit = request.limit;
    this.#sign = request.direction === "forward" ? 1 : -1;
    this.#cursor = cursor;
  }

  add(group: EntryGroup): "full" | "open" {
    const rest = this.#beyondCursor(group);
    const room = this.#limit - this.entries.length;
    if (rest.length === 0) return "open";
    if (rest.length <= room) {
      this.entries.push(...rest);
      this.last = placeOf(group, undefined);
      return "open";
    }
    this.isFull = true;
    if (this.entries.length === 0) {
      const byHash = rest.toSorted(this.#compareHashes).slice(0, room);
      this.entries.push(...byHash);
      this.last = placeOf(group, byHash.at(-1)!.hash);
    }
    return "full";
  }

  #beyondCursor(group: EntryGroup): readonly OrderedEntry[] {
    const cursor = this.#cursor;
    if (cursor === undefined) return group.entries;
    const order = this.#sign * comparePlaces(group, cursor);
    if (order !== 0) return order > 0 ? group.entries : [];
    const { hash } = cursor;
    if (hash === undefined) return [];
    return group.entries
      .filter((entry) => (this.#sign === 1 ? entry.hash > hash : entry.hash < hash))
      .toSorted(this.#compareHashes);
  }

  readonly #compareHashes = (a: OrderedEntry, b: OrderedEntry): number =>
    (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0) * this.#sign;
}

function placeOf(group: EntryGroup, hash: bigint | undefined): Omit<Cursor, "range"> {
  const { timeNs, tenant, fingerprint } = group;
  return { timeNs, tenant, fingerprint, hash };
}
