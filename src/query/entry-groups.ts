import type { Limits } from "#config";
import type { LogExpr } from "#logql";
import type { Labels, TimeRange } from "#model";
import { compilePipeline, type Pipeline, type Row } from "#pipeline";
import type { Block, LogStore } from "#storage";
import { chooseRows } from "./block-rows.ts";
import { type BlockScope, planBlocks } from "./block-scope.ts";
import { contentHash, Duplicates } from "./duplicates.ts";
import { entryOverheadBytes } from "./entry-weight.ts";
import type { QueryRun } from "./query-run.ts";
import { countRead } from "./read-counts.ts";
import { type Direction, inDirection, ReadOrder } from "./read-order.ts";
import { type AnswerEntry, StreamTable } from "./stream-table.ts";
import { type TenantScope, tenantScope } from "./tenant-scope.ts";

/** An entry with what orders it. */
export interface OrderedEntry extends AnswerEntry {
  readonly tenant: string;
  /** The stream as it is stored. */
  readonly stored: Labels;
  /** Of the stored stream. */
  readonly fingerprint: bigint;
  /** Of stored line and metadata: tells entries of one group apart, wherever they live. */
  readonly hash: bigint;
}

/**
 * All entries of one query that have one time, tenant and stream. Groups have an order that does
 * not depend on where entries live: by time, tenant, fingerprint. Inside a group the order is that
 * of arrival, which stores keep when they cut and merge, but only by their word: whoever must
 * continue later continues behind a group, never inside one (or orders its entries by hash).
 */
export interface EntryGroup {
  readonly timeNs: bigint;
  readonly tenant: string;
  readonly fingerprint: bigint;
  /** In the direction of the reading. Not empty. */
  readonly entries: readonly OrderedEntry[];
}

export interface GroupQuery {
  readonly tenants: readonly string[];
  readonly log: LogExpr;
  readonly limits: Limits;
  readonly range: TimeRange;
  readonly direction: Direction;
  readonly nowNs: () => bigint;
  readonly categorizeLabels?: boolean | undefined;
  /** Entries kept until it is their turn; beyond, the latest are given up and read again later. */
  readonly pendingEntriesMax: number;
}

/** Text of pending entries may take this much, however few they are. */
const pendingBytesMax = 64 * 1024 * 1024;

/** Streams remembered by readers that go on and on. */
const streamsRememberedMax = 20_000;

/**
 * The entries that pass a query as groups, in order, once each, read as few times as memory allows.
 * Yields lists of groups; an entry counts against the run's memory until the next list is asked
 * for.
 */
export async function* readGroups(
  store: LogStore,
  run: QueryRun,
  query: GroupQuery,
): AsyncGenerator<EntryGroup[], void> {
  let { range } = query;
  while (range.fromNs < range.toNs) {
    const cutNs = yield* readOnce(store, run, { ...query, range });
    if (cutNs === undefined) return;
    const { fromNs, toNs } = range;
    range = query.direction === "forward" ? { fromNs: cutNs + 1n, toNs } : { fromNs, toNs: cutNs };
  }
}

/** Returns the last time that was given completely when entries behind it had to be given up. */
async function* readOnce(
  store: LogStore,
  run: QueryRun,
  query: GroupQuery,
): AsyncGenerator<EntryGroup[], bigint | undefined> {
  const scope = tenantScope(query.tenants, query.log.matchers);
  const pipeline = compilePipeline(
    { ...query.log, matchers: scope.matchers },
    { labelsWanted: "all", lineWanted: "bytes", unwrap: undefined, nowNs: query.nowNs },
  );
  const { range, limits, direction } = query;
  const planned = await planBlocks(store, run, { scope, range, skip: pipeline.skip, limits });
  const order = new ReadOrder(planned, { direction, range });
  const pending = new PendingGroups(run, query);
  const reader = new BlockReader({ run, query, pipeline, order, pending, scope });
  const refs = order.blocks.map((block) => block.ref);
  const needs = { ...pipeline.needs, lines: true, metadata: "all" as const };
  for await (const block of store.read(refs, needs, run.readOptions)) {
    await run.pause();
    reader.add(block);
    block.release?.();
    const boundNs = order.boundAfter(block.ref);
    yield* pending.settle(boundNs);
    if (boundNs !== undefined && pending.isBeyondCut(boundNs)) break;
    pending.cutIfFull();
  }
  run.checkAlive();
  yield* pending.settle(undefined);
  return pending.cutNs;
}

/** Candidates with their order of arrival among entries of equal time. */
interface Candidate extends OrderedEntry {
  readonly rank: number;
  readonly row: number;
}

class BlockReader {
  readonly #options: {
    readonly run: QueryRun;
    readonly query: GroupQuery;
    readonly pipeline: Pipeline;
    readonly order: ReadOrder;
    readonly pending: PendingGroups;
  };
  readonly #scopeOf: Map<BlockScope["ref"], BlockScope>;
  readonly #streams: StreamTable;
  readonly #noDuplicates = new Duplicates(() => {});

  constructor(options: {
    run: QueryRun;
    query: GroupQuery;
    pipeline: Pipeline;
    order: ReadOrder;
    pending: PendingGroups;
    scope: TenantScope;
  }) {
    this.#options = options;
    this.#scopeOf = new Map(options.order.blocks.map((block) => [block.ref, block]));
    this.#streams = new StreamTable({
      isMulti: options.scope.isMulti,
      categorize: options.query.categorizeLabels,
      rememberedMax: streamsRememberedMax,
    });
  }

  add(block: Block): void {
    const { run, query, pipeline, order, pending } = this.#options;
    const scope = this.#scopeOf.get(block.ref)!;
    // Duplicates are told apart within their group, where the first arrival counts.
    const every = { ...scope, shared: undefined };
    const choice = { range: query.range, duplicates: this.#noDuplicates };
    const rows = chooseRows(block, every, choice, () => {});
    const inOrder = (left: Uint32Array | undefined): Uint32Array | undefined =>
      inDirection(block, left, query.direction);
    const rank = order.rankOf(scope);
    const { tenant } = scope;
    const { streams } = block.ref.facts;
    countRead(run, block, rows?.length ?? block.rowCount);
    const addRow = (row: Row): boolean => {
      const timeNs = block.baseNs + BigInt(block.offsets[row.index]!);
      if (!pending.takes(timeNs)) return false;
      run.counts.entriesAfterFilter++;
      const stored = streams[block.streamOfRow?.[row.index] ?? 0]!.labels;
      const { fingerprint } = stored;
      const hash = contentHash(block, row.index, 0n);
      const stream = this.#streams.of(row, tenant);
      const line = row.line();
      const place = { rank, row: row.index, tenant, stored, fingerprint, hash };
      pending.add({ timeNs, line, stream, ...place });
      return true;
    };
    pipeline.run(block, rows, addRow, inOrder);
  }
}

/** Candidates until no unread block can hold an entry of their time. */
class PendingGroups {
  /** Nothing after this time is taken any more. */
  cutNs: bigint | undefined;
  readonly #run: QueryRun;
  readonly #sign: 1 | -1;
  readonly #entriesMax: number;
  #pending: Candidate[] = [];
  /** The time of the pending candidate that comes first. */
  #firstNs: bigint | undefined;
  #bytes = 0;

  constructor(run: QueryRun, query: Pick<GroupQuery, "direction" | "pendingEntriesMax">) {
    this.#run = run;
    this.#sign = query.direction === "forward" ? 1 : -1;
    this.#entriesMax = query.pendingEntriesMax;
  }

  takes(timeNs: bigint): boolean {
    return this.cutNs === undefined || !this.#isAfter(timeNs, this.cutNs);
  }

  add(candidate: Candidate): void {
    this.#pending.push(candidate);
    const { timeNs } = candidate;
    if (this.#firstNs === undefined || this.#isAfter(this.#firstNs, timeNs)) this.#firstNs = timeNs;
    const weight = weightOf(candidate);
    this.#bytes += weight;
    this.#run.hold(weight);
  }

  isBeyondCut(boundNs: bigint): boolean {
    return this.cutNs !== undefined && this.#isAfter(boundNs, this.cutNs);
  }

  /** Gives up the latest half of too many candidates, but no part of one time. */
  cutIfFull(): void {
    const pending = this.#pending;
    if (pending.length <= 2 * this.#entriesMax && this.#bytes <= 2 * pendingBytesMax) return;
    pending.sort(this.#compare);
    let kept = 0;
    let bytes = 0;
    while (kept < Math.min(pending.length, this.#entriesMax) && bytes < pendingBytesMax) {
      bytes += weightOf(pending[kept++]!);
    }
    const cutNs = pending[kept - 1]!.timeNs;
    while (kept < pending.length && pending[kept]!.timeNs === cutNs) kept++;
    if (kept === pending.length) return;
    this.cutNs = cutNs;
    this.#release(pending.splice(kept));
  }

  *settle(boundNs: bigint | undefined): Generator<EntryGroup[]> {
    if (this.#firstNs === undefined) return;
    // Sorting after every block would cost more than reading where all of them overlap.
    if (boundNs !== undefined && !this.#isAfter(boundNs, this.#firstNs)) return;
    this.#pending.sort(this.#compare);
    let count = this.#pending.length;
    if (boundNs !== undefined) {
      count = this.#pending.findIndex(({ timeNs }) => !this.#isAfter(boundNs, timeNs));
      if (count < 0) count = this.#pending.length;
    }
    if (count === 0) return;
    const settled = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    this.#firstNs = this.#pending[0]?.timeNs;
    const groups = groupsOf(settled, this.#sign, (dropped) => {
      this.#run.counts.duplicatesDropped += dropped;
    });
    yield groups;
    this.#release(settled);
  }

  #release(candidates: readonly Candidate[]): void {
    const weight = candidates.reduce((sum, candidate) => sum + weightOf(candidate), 0);
    this.#bytes -= weight;
    this.#run.release(weight);
  }

  #isAfter(a: bigint, b: bigint): boolean {
    return this.#sign === 1 ? a > b : a < b;
  }

  readonly #compare = (a: Candidate, b: Candidate): number =>
    this.#sign * (comparePlaces(a, b) || a.rank - b.rank || a.row - b.row);
}

function weightOf({ line }: AnswerEntry): number {
  return line.length + entryOverheadBytes;
}

/** The order of groups when read forward. */
export function comparePlaces(
  a: Pick<EntryGroup, "timeNs" | "tenant" | "fingerprint">,
  b: Pick<EntryGroup, "timeNs" | "tenant" | "fingerprint">,
): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1;
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  if (a.fingerprint !== b.fingerprint) return a.fingerprint < b.fingerprint ? -1 : 1;
  return 0;
}

/** `sorted` in the direction; of equal entries the first arrival stays. */
function groupsOf(
  sorted: readonly Candidate[],
  sign: 1 | -1,
  dropped: (count: number) => void,
): EntryGroup[] {
  const groups: EntryGroup[] = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && comparePlaces(sorted[from]!, sorted[to]!) === 0) to++;
    const all = sorted.slice(from, to);
    const entries = all.length === 1 ? all : distinctEntries(all, sign);
    if (entries.length < all.length) dropped(all.length - entries.length);
    const { timeNs, tenant, fingerprint } = sorted[from]!;
    groups.push({ timeNs, tenant, fingerprint, entries });
    from = to;
  }
  return groups;
}

function distinctEntries(entries: readonly Candidate[], sign: 1 | -1): readonly Candidate[] {
  const byArrival = sign === 1 ? entries : entries.toReversed();
  const seen = new Set<bigint>();
  const kept = byArrival.filter(({ hash }) => {
    if (seen.has(hash)) return false;
    seen.add(hash);
    return true;
  });
  if (kept.length === entries.length) return entries;
  return sign === 1 ? kept : kept.reverse();
}
