import { type AnswerStage, type LogExpr, splitStages } from "#logql";
import { compareText } from "#model";
import type { LogStore } from "#storage";
import type { QueryRequest, StreamResult } from "./engine.ts";
import { entryOverheadBytes } from "./entry-weight.ts";
import { readGroups } from "./entry-groups.ts";
import { entryRange } from "./log-query.ts";
import type { QueryRun } from "./query-run.ts";
import { type AnswerEntry, streamResults } from "./stream-table.ts";

/** Entries a reader keeps until it is their turn, at least. */
const pendingEntriesMax = 10_000;

/**
 * A log query with `sort`, `limit` or `distinct`: the stages work one after the other on the
 * entries in the direction asked for; the request's limit comes last. With a `sort` the streams of
 * the answer stand in the order of their first entries, the entries of a stream in sorted order.
 */
export async function runStagedQuery(
  store: LogStore,
  run: QueryRun,
  query: { readonly request: QueryRequest; readonly log: LogExpr; readonly nowNs: () => bigint },
): Promise<StreamResult[]> {
  const { request, log, nowNs } = query;
  const { tenants, limits, direction, categorizeLabels } = request;
  const { rows, answer } = splitStages(log);
  const range = entryRange(request);
  const options = { tenants, limits, direction, categorizeLabels, nowNs, range, pendingEntriesMax };
  const stages = [...answer, limitStage(request.limit)];
  const kept: AnswerEntry[] = [];
  for await (const list of applyStages(entriesOf(store, run, rows, options), stages, run)) {
    for (const entry of list) {
      run.hold(weightOf(entry));
      kept.push(entry);
    }
  }
  run.counts.entriesReturned = kept.length;
  const keepsOrder = answer.some(({ kind }) => kind === "sort");
  return streamResults(kept, { keepsOrder });
}

function limitStage(count: number): AnswerStage {
  return { kind: "limit", count, span: { from: 0, to: 0 } };
}

async function* entriesOf(
  store: LogStore,
  run: QueryRun,
  log: LogExpr,
  options: Omit<Parameters<typeof readGroups>[2], "log">,
): AsyncGenerator<readonly AnswerEntry[]> {
  for await (const groups of readGroups(store, run, { ...options, log })) {
    yield groups.flatMap(({ entries }) => entries);
  }
}

type EntryLists = AsyncIterable<readonly AnswerEntry[]>;

/** Lists of entries in the order of the answer through the stages; ends as early as they allow. */
export function applyStages(
  lists: EntryLists,
  stages: readonly AnswerStage[],
  run: QueryRun,
): EntryLists {
  return stages.reduce((before, stage, i) => {
    switch (stage.kind) {
      case "limit":
        return limited(before, stage.count);
      case "distinct":
        return distinct(before, stage.names, run);
      case "sort":
        return sorted(before, stage, run, entriesWanted(stages.slice(i + 1)));
      default:
        return stage satisfies never;
    }
  }, lists);
}

/** How many entries of a sorted list the stages behind it can make use of. */
function entriesWanted(behind: readonly AnswerStage[]): number {
  let wanted = Number.POSITIVE_INFINITY;
  for (const stage of behind) {
    if (stage.kind !== "limit") break;
    wanted = Math.min(wanted, stage.count);
  }
  return wanted;
}

async function* limited(lists: EntryLists, count: number): EntryLists {
  let left = count;
  for await (const list of lists) {
    if (list.length >= left) {
      yield list.slice(0, left);
      return;
    }
    left -= list.length;
    yield list;
  }
}

/** A remembered combination of values: its place in the set. */
const combinationBytes = 60;

/** A missing label is a value like any other. */
async function* distinct(lists: EntryLists, names: readonly string[], run: QueryRun): EntryLists {
  const seen = new Set<string>();
  for await (const list of lists) {
    yield list.filter((entry) => {
      const key = names.map((name) => valueOf(entry, name) ?? "\ud803").join("\ud801");
      if (seen.has(key)) return false;
      run.hold(combinationBytes + key.length * 2);
      seen.add(key);
      return true;
    });
  }
}

interface Sortable {
  readonly entry: AnswerEntry;
  readonly key: string | number | bigint | undefined;
  readonly position: number;
}

/** With a known number of entries wanted, no more than twice that are kept. */
async function* sorted(
  lists: EntryLists,
  stage: AnswerStage & { kind: "sort" },
  run: QueryRun,
  wanted: number,
): EntryLists {
  const compare = comparatorOf(stage.descending);
  let kept: Sortable[] = [];
  let position = 0;
  for await (const list of lists) {
    for (const entry of list) {
      run.hold(weightOf(entry));
      kept.push({ entry, key: sortKey(entry, stage.by), position: position++ });
    }
    if (kept.length <= 2 * wanted) continue;
    kept.sort(compare);
    for (const { entry } of kept.slice(wanted)) run.release(weightOf(entry));
    kept = kept.slice(0, wanted);
  }
  kept.sort(compare);
  for (const { entry } of kept) run.release(weightOf(entry));
  yield kept.slice(0, wanted).map(({ entry }) => entry);
}

function weightOf({ line }: AnswerEntry): number {
  return line.length + entryOverheadBytes;
}

function valueOf({ stream }: AnswerEntry, name: string): string | undefined {
  return stream.labels.get(name);
}

const plainNumber = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

function sortKey(entry: AnswerEntry, by: string): Sortable["key"] {
  if (by === "timestamp") return entry.timeNs;
  const value = valueOf(entry, by);
  return value !== undefined && plainNumber.test(value) ? Number(value) : value;
}

/**
 * Numbers by value before texts by bytes; entries without the label come last either way, and equal
 * ones keep their order.
 */
function comparatorOf(descending: boolean): (a: Sortable, b: Sortable) => number {
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const [x, y] = [a.key, b.key];
    if (x === undefined || y === undefined) {
      return Number(x === undefined) - Number(y === undefined) || a.position - b.position;
    }
    return sign * compareKeys(x, y) || a.position - b.position;
  };
}

function compareKeys(x: string | number | bigint, y: string | number | bigint): number {
  if (typeof x === "string" && typeof y === "string") return compareText(x, y);
  if (typeof x === "string" || typeof y === "string") return typeof x === "string" ? 1 : -1;
  return x < y ? -1 : x > y ? 1 : 0;
}
