/**
 * Keeps the index of Loki's format small: in the background, the files of each table and tenant
 * become one. Also the way in for retention and deletes (`rewrite`), and the end of chunk objects
 * that nobody needs any more. All state is in the objects and in the files of marks: a crash costs
 * the work at hand. At most one compactor, ours or Loki's, may run on a bucket.
 */
import { isStoreError, minute, StoreError } from "#base";
import { tableDay } from "#lokiindex";
import { compareText } from "#model";
import type { Clock } from "#world";
import type { ChunkMarks } from "./chunk-marks.ts";
import { ChunkSweeper } from "./chunk-sweeper.ts";
import type { LokiPeriods } from "./loki-period.ts";
import type { LokiStore } from "./loki-store.ts";
import { deleteIndex, type LokiMerged, mergeTenant, type TableTools } from "./merge-table.ts";
import {
  type LokiChunkFacts,
  type LokiRewriteResult,
  type LokiVerdict,
  rewriteTenant,
} from "./rewrite-tenant.ts";
import type { ListedIndex, LokiTable } from "./table-files.ts";
import { weighChunks, type WeighedChunk } from "./weigh-chunks.ts";

/** For logs and metrics. Called synchronously. */
export interface LokiCompactorEvents {
  merged(merged: LokiMerged, durationMs: number): void;
  /** Marked chunk objects that were deleted. */
  swept(chunkCount: number): void;
  /** Tried again in the next round. Without `table` it was the round as a whole. */
  failed(error: unknown, table?: string): void;
}

export interface LokiCompactorOptions {
  readonly periods: LokiPeriods;
  /** The stores that queries read from: they learn of every change here. */
  readonly stores: readonly LokiStore[];
  readonly clock: Clock;
  readonly events: LokiCompactorEvents;
  readonly checkIntervalMs: number;
  readonly marks: ChunkMarks;
  /** `compactor.retention_delete_delay`. */
  readonly deleteDelayMs: number;
}

export interface LokiCompactorStatus {
  readonly state: "idle" | "looking" | "merging";
  readonly current: string | undefined;
  /** Wall clock. */
  readonly lastSuccessMs: number | undefined;
  /** Since the start of the process. */
  readonly mergedFiles: number;
  readonly writtenFiles: number;
  readonly droppedChunks: number;
  readonly rewrittenChunks: number;
  readonly deletedChunks: number;
}

interface OpenedFile {
  readonly file: ListedIndex;
  /** Of a shared file. */
  readonly tenants: readonly string[];
}

/** A table to go through for retention and deletes. */
export interface LokiTableFacts {
  readonly table: string;
  /** Its day. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly tenants: readonly string[];
}

/** A table that got a file lately will get more: it is left alone until it has been quiet. */
const quietMs: number = 5 * minute;

/** From this many files of one tenant on, waiting costs queries more than merging twice. */
const filesMax = 8;

export class LokiCompactor {
  readonly #options: LokiCompactorOptions;
  readonly #marks: ChunkMarks;
  readonly #sweeper: ChunkSweeper;
  #work: Promise<unknown> = Promise.resolve();
  #status: LokiCompactorStatus = {
    state: "idle",
    current: undefined,
    lastSuccessMs: undefined,
    mergedFiles: 0,
    writtenFiles: 0,
    droppedChunks: 0,
    rewrittenChunks: 0,
    deletedChunks: 0,
  };

  constructor(options: LokiCompactorOptions) {
    this.#options = options;
    this.#marks = options.marks;
    const swept = (chunkCount: number): void => {
      this.#set({ deletedChunks: this.#status.deletedChunks + chunkCount });
      options.events.swept(chunkCount);
    };
    this.#sweeper = new ChunkSweeper({ ...options, swept });
  }

  status(): LokiCompactorStatus {
    return this.#status;
  }

  /** The background task, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, events, checkIntervalMs } = this.#options;
    while (!signal.aborted) {
      try {
        await this.runOnce(signal);
      } catch (error) {
        if (signal.aborted) return;
        events.failed(error);
      }
      await clock.sleep(checkIntervalMs, signal);
    }
  }

  /**
   * Merges what is due and deletes what was marked long enough ago. What fails for one table is
   * told to `events`, and the others go on. Rejects when tables cannot be listed or the signal aborts.
   */
  async runOnce(signal: AbortSignal): Promise<void> {
    await this.#exclusively(async () => {
      this.#set({ state: "looking" });
      try {
        for (const store of this.#options.stores) {
          for (const table of await store.tables()) {
            await this.#attempt(table.name, signal, () => this.#mergeDue(store, table, signal));
          }
        }
        await this.#attempt("marks", signal, () => this.#sweeper.runOnce(signal));
        this.#set({ lastSuccessMs: this.#options.clock.nowMs() });
      } finally {
        this.#set({ state: "idle", current: undefined });
      }
    });
  }

  /** Tables there are and whose chunks they list: what retention and deletes go through. */
  async tables(): Promise<LokiTableFacts[]> {
    const found: LokiTableFacts[] = [];
    for (const store of this.#options.stores) {
      for (const table of await store.tables()) {
        const tenants = await store.tenantsOf(table);
        found.push({ table: table.name, ...tableDay(table.number), tenants });
      }
    }
    return found;
  }

  /**
   * Asks `decide` for each chunk of a tenant in a table, publishes an index without what goes, and
   * deletes the objects after the delay. `decide` must be pure. StoreError `missing` when there is
   * no such table, `corrupt` when an index file or a chunk to be rewritten cannot be read; then the
   * tenant's index has not changed.
   */
  async rewrite(
    what: { readonly tenant: string; readonly table: string },
    decide: (chunk: LokiChunkFacts) => LokiVerdict,
    signal: AbortSignal,
  ): Promise<LokiRewriteResult> {
    return this.#exclusively(async () => {
      const { store, table } = await this.#find(what.table);
      const files = await store.filesOf(table, { isFresh: true });
      const tools = { ...this.#tools(store, table, signal), marks: this.#marks };
      const isShared = files.some((file) => file.tenant === undefined);
      if (isShared && !(await this.#merge(tools, files))) {
        const text = `${table.keyPrefix}: a damaged index file may list chunks that are to change`;
        throw new StoreError("corrupt", text);
      }
      const own = (await store.filesOf(table, { isFresh: false })).filter(
        (file) => file.tenant === what.tenant,
      );
      const result = await rewriteTenant({ tenant: what.tenant, own }, decide, tools);
      this.#set({
        droppedChunks: this.#status.droppedChunks + result.droppedChunks,
        rewrittenChunks: this.#status.rewrittenChunks + result.rewrittenChunks,
      });
      return result;
    });
  }

  /**
   * Visits each chunk of the tenant once, with the bytes it takes in the store; nothing is touched.
   * It lists all of them. StoreError `corrupt` when an index file is damaged.
   */
  async weigh(
    tenant: string,
    visit: (chunk: WeighedChunk) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await weighChunks(tenant, this.#options, visit, signal);
  }

  /** When the oldest marks were made whose chunks are not deleted yet; undefined when none wait. */
  async oldestMarkMs(): Promise<number | undefined> {
    return (await this.#marks.all())[0]?.markedMs;
  }

  async #find(name: string): Promise<{ store: LokiStore; table: LokiTable }> {
    for (const store of this.#options.stores) {
      const table = (await store.tables()).find((one) => one.name === name);
      if (table !== undefined) return { store, table };
    }
    throw new StoreError("missing", `there is no index table ${name}`);
  }

  /** One at a time: two merges of a table would each delete what the other has read. */
  async #exclusively<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#work.then(task, task);
    this.#work = mine.catch(() => undefined);
    return mine;
  }

  #tools(
    store: LokiStore,
    table: LokiTable,
    signal: AbortSignal,
  ): TableTools & { periods: LokiPeriods } {
    const { clock, periods } = this.#options;
    return { store, table, clock, signal, periods };
  }

  async #attempt(table: string, signal: AbortSignal, task: () => Promise<void>): Promise<void> {
    try {
      signal.throwIfAborted();
      await task();
    } catch (error) {
      signal.throwIfAborted();
      this.#options.events.failed(error, table);
    }
  }

  async #mergeDue(store: LokiStore, table: LokiTable, signal: AbortSignal): Promise<void> {
    const files = await store.filesOf(table, { isFresh: true });
    if (!isDue(files, this.#options.clock.nowMs())) return;
    this.#set({ state: "merging", current: table.name });
    await this.#merge(this.#tools(store, table, signal), files);
    this.#set({ state: "looking", current: undefined });
  }

  /**
   * Every tenant of the table; shared files go once each tenant has its own. A damaged file is told
   * and left as it is, the others are merged. Returns whether all went well.
   */
  async #merge(tools: TableTools, files: readonly ListedIndex[]): Promise<boolean> {
    const sound: OpenedFile[] = [];
    let isComplete = true;
    for (const file of files) {
      const index = await this.#guard(tools, () => tools.store.openIndex(file));
      if (index === undefined) isComplete = false;
      else sound.push({ file, tenants: file.tenant === undefined ? index.tenants() : [] });
    }
    const shared = sound.filter(({ file }) => file.tenant === undefined);
    const ownOf = Map.groupBy(sound, ({ file }) => file.tenant);
    const tenants = new Set(shared.flatMap((one) => one.tenants));
    for (const [tenant, own] of ownOf) {
      if (tenant !== undefined && own.length > 1) tenants.add(tenant);
    }
    let isMerged = true;
    for (const tenant of [...tenants].sort(compareText)) {
      const merged = await this.#guard(tools, () =>
        this.#mergeTenant(tools, {
          tenant,
          own: (ownOf.get(tenant) ?? []).map(({ file }) => file),
          shared: shared.filter((one) => one.tenants.includes(tenant)).map(({ file }) => file),
        }),
      );
      if (merged === undefined) isMerged = false;
    }
    if (isMerged) for (const { file } of shared) await deleteIndex(file.key, tools);
    return isComplete && isMerged;
  }

  /** Undefined when something is damaged: then `events` was told. */
  async #guard<T>({ table, signal }: TableTools, task: () => Promise<T>): Promise<T | undefined> {
    signal.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      if (!isStoreError(error, "corrupt")) throw error;
      this.#options.events.failed(error, table.name);
      return undefined;
    }
  }

  async #mergeTenant(
    tools: TableTools,
    files: Parameters<typeof mergeTenant>[0],
  ): Promise<LokiMerged> {
    const { clock, events } = this.#options;
    const startedMs = clock.monotonicMs();
    const merged = await mergeTenant(files, tools);
    this.#set({
      mergedFiles: this.#status.mergedFiles + merged.inputs.length,
      writtenFiles: this.#status.writtenFiles + 1,
    });
    events.merged(merged, clock.monotonicMs() - startedMs);
    return merged;
  }

  #set(change: Partial<LokiCompactorStatus>): void {
    this.#status = { ...this.#status, ...change };
  }
}

function isDue(files: readonly ListedIndex[], nowMs: number): boolean {
  const shared = files.filter((file) => file.tenant === undefined);
  const counts = new Map<string, number>();
  for (const { tenant } of files) {
    if (tenant !== undefined) counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  }
  const most = Math.max(0, ...counts.values());
  if (shared.length === 0 && most <= 1) return false;
  if (shared.length >= filesMax || most >= filesMax) return true;
  return files.every(({ modifiedMs }) => nowMs - modifiedMs >= quietMs);
}
