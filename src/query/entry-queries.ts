import { nsPerSecond, RequestError } from "#base";
import { type AnswerStage, type LogExpr, makeMatcher, parseQuery, splitStages } from "#logql";
import type { Matcher } from "#model";
import type { LogStore } from "#storage";
import type { Clock } from "#world";
import { applyStages } from "./answer-stages.ts";
import { checkQuery } from "./check-request.ts";
import type { QueryRequest } from "./engine.ts";
import { type EntryGroup, type GroupQuery, type OrderedEntry, readGroups } from "./entry-groups.ts";
import { queryMemoryBytesDefault } from "./query-engine.ts";
import { QueryGate } from "./query-gate.ts";
import { QueryRun } from "./query-run.ts";
import type { AnswerEntry } from "./stream-table.ts";

/** Who asks for entries, and of what range; `limits` as in QueryRequest. */
export type EntriesRequest = Pick<
  QueryRequest,
  "tenants" | "text" | "fromNs" | "toNs" | "direction" | "limits" | "signal"
>;

export interface ExportRequest extends EntriesRequest {
  /** Told at the end of what could not be read. */
  readonly warn?: (message: string) => void;
}

/** Around which entry; `fromNs` and `toNs` bound how far away its neighbours may lie. */
export interface ContextRequest extends Omit<EntriesRequest, "direction"> {
  readonly timeNs: bigint;
  /** The line as the query gives it; needed only where several entries have one time. */
  readonly line: string | undefined;
  /** Labels the entry's stream must have; they choose among equal times, too. */
  readonly stream: ReadonlyMap<string, string>;
  readonly beforeCount: number;
  readonly afterCount: number;
  /** Neighbours of the entry's own stream only, or of everything the query selects. */
  readonly scope: "stream" | "query";
}

export interface EntryContext {
  /** In order of time, the nearest last. */
  readonly before: readonly AnswerEntry[];
  readonly entry: AnswerEntry;
  /** In order of time, the nearest first. */
  readonly after: readonly AnswerEntry[];
  readonly warnings: readonly string[];
}

/** Questions that are answered with entries one by one. Throw RequestError. */
export interface EntryQueries {
  /** Every entry of a log query in the direction, in lists, as fast as the caller takes them. */
  export(request: ExportRequest): AsyncIterable<readonly AnswerEntry[]>;
  /** 404 when there is no such entry. */
  context(request: ContextRequest): Promise<EntryContext>;
}

/** More neighbours than this on one side are an export. */
export const contextEntriesMax = 1000;

/** Exports hold their memory as long as their client reads, so fewer run at once than queries. */
export const exportsAtOnceDefault = 4;
const exportsWaitingMax = 64;

/** Entries an export keeps until it is their turn; its memory is bounded by their bytes, too. */
const exportPendingMax = 50_000;
/** Entries handed over at a time: the caller can wait between two lists. */
const exportListMax = 1000;

export interface EntryQueriesOptions {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly queryMemoryBytesMax?: number;
}

export function createEntryQueries(options: EntryQueriesOptions): EntryQueries {
  const gate = new QueryGate({
    name: "exports",
    atOnceMax: exportsAtOnceDefault,
    waitingMax: exportsWaitingMax,
  });
  return {
    export: (request) => exportEntries(options, gate, request),
    context: (request) => contextOf(options, request),
  };
}

function logOf(request: Omit<EntriesRequest, "direction">, direction: "forward" | "backward") {
  const expr = parseQuery(request.text);
  if (expr.kind !== "log") throw new RequestError(400, "only log queries have entries");
  if (request.toNs < request.fromNs) {
    throw new RequestError(400, "end timestamp must not be before or equal to start time");
  }
  const whole = { ...request, direction, kind: "range" as const };
  checkQuery(expr, { ...whole, limit: 1, stepNs: nsPerSecond, intervalNs: 0n });
  return expr;
}

function newRun(
  options: EntryQueriesOptions,
  request: Pick<EntriesRequest, "signal">,
  timeoutMs: number,
): QueryRun {
  return new QueryRun({
    clock: options.clock,
    signal: request.signal,
    timeoutMs,
    memoryBytesMax: options.queryMemoryBytesMax ?? queryMemoryBytesDefault,
  });
}

/** Without a time limit: it lasts as long as its client reads. */
async function* exportEntries(
  options: EntryQueriesOptions,
  gate: QueryGate,
  request: ExportRequest,
): AsyncGenerator<readonly AnswerEntry[], void> {
  const { tenants, limits, direction, signal, fromNs, toNs } = request;
  const { rows, answer } = splitStages(logOf(request, direction));
  using _place = await gate.enter(tenants.join("|"), signal);
  using run = newRun(options, request, 0);
  const query: GroupQuery = {
    tenants,
    log: rows,
    limits,
    range: { fromNs, toNs },
    direction,
    nowNs: () => options.clock.nowNs(),
    categorizeLabels: true,
    pendingEntriesMax: exportPendingMax,
  };
  try {
    yield* inShortLists(staged(readGroups(options.store, run, query), answer, run));
    for (const message of run.warnings) request.warn?.(message);
  } catch (error) {
    run.checkAlive();
    throw error;
  }
}

function staged(
  groups: AsyncIterable<EntryGroup[]>,
  answer: readonly AnswerStage[],
  run: QueryRun,
): AsyncIterable<readonly AnswerEntry[]> {
  return applyStages(flattened(groups), answer, run);
}

async function* flattened(
  groups: AsyncIterable<EntryGroup[]>,
): AsyncGenerator<readonly OrderedEntry[]> {
  for await (const list of groups) yield list.flatMap(({ entries }) => entries);
}

async function* inShortLists(
  lists: AsyncIterable<readonly AnswerEntry[]>,
): AsyncGenerator<readonly AnswerEntry[]> {
  for await (const list of lists) {
    for (let at = 0; at < list.length; at += exportListMax) {
      yield list.slice(at, at + exportListMax);
    }
  }
}

async function contextOf(
  options: EntryQueriesOptions,
  request: ContextRequest,
): Promise<EntryContext> {
  const log = logOf(request, "forward");
  const { answer } = splitStages(log);
  if (answer.length > 0) {
    throw new RequestError(400, "sort, limit and distinct have no place in a context query");
  }
  using run = newRun(options, request, request.limits.queryTimeoutMs);
  try {
    const entry = await findEntry(options, run, request, log);
    const around = { entry, log, request };
    const before = await neighbours(options, run, { ...around, direction: "backward" });
    const after = await neighbours(options, run, { ...around, direction: "forward" });
    return { before: before.reverse(), entry, after, warnings: run.warnings };
  } catch (error) {
    run.checkAlive();
    throw error;
  }
}

function groupQuery(
  options: EntryQueriesOptions,
  request: ContextRequest,
  log: LogExpr,
): Omit<GroupQuery, "range" | "direction" | "pendingEntriesMax"> {
  const { tenants, limits } = request;
  const nowNs = (): bigint => options.clock.nowNs();
  return { tenants, limits, log, nowNs, categorizeLabels: true };
}

/** The first entry of the time, in order, that fits what the request says of it. */
async function findEntry(
  options: EntryQueriesOptions,
  run: QueryRun,
  request: ContextRequest,
  log: LogExpr,
): Promise<OrderedEntry> {
  const { timeNs } = request;
  const groups = readGroups(options.store, run, {
    ...groupQuery(options, request, log),
    range: { fromNs: timeNs, toNs: timeNs + 1n },
    direction: "forward",
    pendingEntriesMax: exportPendingMax,
  });
  for await (const list of groups) {
    const found = list.flatMap(({ entries }) => entries).find((entry) => fits(entry, request));
    if (found !== undefined) return found;
  }
  throw new RequestError(404, "there is no such entry");
}

function fits({ line, stream }: OrderedEntry, request: ContextRequest): boolean {
  if (request.line !== undefined && line !== request.line) return false;
  for (const [name, value] of request.stream) {
    if (stream.labels.get(name) !== value) return false;
  }
  return true;
}

/** What follows the entry in the direction, nearest first. */
async function neighbours(
  options: EntryQueriesOptions,
  run: QueryRun,
  around: {
    readonly entry: OrderedEntry;
    readonly log: LogExpr;
    readonly request: ContextRequest;
    readonly direction: "forward" | "backward";
  },
): Promise<AnswerEntry[]> {
  const { entry, log, request, direction } = around;
  const { timeNs, scope, fromNs, toNs } = request;
  const isForward = direction === "forward";
  const count = isForward ? request.afterCount : request.beforeCount;
  if (count === 0) return [];
  const own = scope === "stream" ? { ...log, matchers: matchersOf(entry, log) } : log;
  const groups = readGroups(options.store, run, {
    ...groupQuery(options, request, own),
    range: isForward ? { fromNs: timeNs, toNs } : { fromNs, toNs: timeNs + 1n },
    direction,
    pendingEntriesMax: contextEntriesMax,
  });
  const isMeant = (other: OrderedEntry): boolean =>
    scope === "query" || (other.fingerprint === entry.fingerprint && other.tenant === entry.tenant);
  const found: AnswerEntry[] = [];
  let isBehind = false;
  for await (const list of groups) {
    for (const other of list.flatMap(({ entries }) => entries)) {
      if (isBehind && isMeant(other)) found.push(other);
      else isBehind ||= isSame(other, entry);
      if (found.length === count) return found;
    }
  }
  return found;
}

/** Selects the entry's stream, and those that have its labels and more. */
function matchersOf({ stored }: OrderedEntry, log: LogExpr): readonly Matcher[] {
  return [...log.matchers, ...stored.pairs.map(([name, value]) => makeMatcher(name, "=", value))];
}

function isSame(a: OrderedEntry, b: OrderedEntry): boolean {
  return (
    a.hash === b.hash &&
    a.timeNs === b.timeNs &&
    a.fingerprint === b.fingerprint &&
    a.tenant === b.tenant
  );
}
