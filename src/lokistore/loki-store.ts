/**
 * One schema period in Loki's format as a LogStore. It answers for the entries of its period only;
 * a chunk that reaches into the next one is read by both, each taking its own rows. There are no
 * filters: what the index selects is read.
 */
import { isStoreError, type StoreError } from "#base";
import { nextTurn, type Clock } from "#world";
import { type MsRange, tableDay, tableNumberOf, tenantLabel, type TsdbIndex } from "#lokiindex";
import {
  compareText,
  type Labels,
  nsPerDay,
  dayStartNs,
  type TimeRange,
  timestampMaxNs,
} from "#model";
import {
  type Block,
  type BlockPlan,
  type BlockRef,
  type ColumnNeeds,
  type LogStore,
  newReadCounters,
  type ReadOptions,
  type SkipTerms,
  type StreamSelect,
  type StreamVolume,
} from "#storage";
import { IndexCache, indexCacheBytesDefault } from "./index-cache.ts";
import { IndexFolder, type IndexFolderOptions } from "./index-folder.ts";
import type { LokiPeriod, LokiPeriods } from "./loki-period.ts";
import { ChunkPlan, msRangeOf } from "./plan-chunks.ts";
import { type ChunkBlockRef, KnownFacts } from "./planned-chunk.ts";
import { ChunkCache, chunkCacheBytesDefault, readChunks } from "./read-chunks.ts";
import { type ListedIndex, type LokiTable, TableFiles } from "./table-files.ts";

export interface LokiStoreOptions {
  /** All periods of Loki's format: a chunk may begin in an earlier one. */
  readonly periods: LokiPeriods;
  /** The one this store answers for; entries outside of it are left to others. */
  readonly period: LokiPeriod;
  readonly clock: Clock;
  /** Memory for opened index files; 256 MiB when omitted. */
  readonly indexCacheBytes?: number;
  /** Memory for chunk objects read lately; 32 MiB when omitted. */
  readonly chunkCacheBytes?: number;
  /** Keeps unpacked index files on local disk. */
  readonly indexFolder?: IndexFolderOptions;
  /** For hash tables over data; a number outsiders cannot know. */
  readonly hashSeed?: number;
}

/** A stored index file, for versions of remembered results: `IntervalVersions.stored`. */
export interface StoredTable {
  readonly key: string;
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** An index file opened for one tenant. */
export interface OpenedIndex {
  readonly table: LokiTable;
  readonly file: ListedIndex;
  readonly index: TsdbIndex;
  /** What to select by: undefined for a file that is the tenant's own. */
  readonly tenant: string | undefined;
}

/** Ranges over more days than this first ask which tables there are. */
const unaskedTablesMax = 3;

/** Series looked at between two turns of the event loop: some milliseconds. */
const seriesPerTurn = 500;

export class LokiStore implements LogStore {
  readonly period: LokiPeriod;
  readonly #options: LokiStoreOptions;
  readonly #files: TableFiles;
  readonly #indexes: IndexCache;
  readonly #chunks: ChunkCache;
  readonly #known = new KnownFacts();
  readonly #own: TimeRange;

  constructor(options: LokiStoreOptions) {
    const { period, indexFolder } = options;
    this.period = period;
    this.#options = options;
    this.#files = new TableFiles(options.clock, period);
    this.#indexes = new IndexCache({
      cacheBytes: options.indexCacheBytes ?? indexCacheBytesDefault,
      folder: indexFolder && new IndexFolder(indexFolder),
    });
    this.#chunks = new ChunkCache(options.chunkCacheBytes ?? chunkCacheBytesDefault);
    const isLast = period.toMs === Number.POSITIVE_INFINITY;
    this.#own = {
      fromNs: BigInt(period.fromMs) * 1_000_000n,
      toNs: isLast ? timestampMaxNs + 1n : BigInt(period.toMs) * 1_000_000n,
    };
  }

  async plan(select: StreamSelect, _skip: SkipTerms, options: ReadOptions): Promise<BlockPlan> {
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const { periods } = this.#options;
    const plan = new ChunkPlan({ select, period: this.period, periods });
    let [seen, segmentsConsidered] = [0, 0];
    await this.#each(select, { ...options, warn }, async ({ index, tenant }, range) => {
      segmentsConsidered++;
      for (const series of index.seriesChunks({ matchers: select.matchers, tenant }, range)) {
        plan.add(series);
        if (++seen % seriesPerTurn === 0) await nextTurn();
        options.signal.throwIfAborted();
      }
    });
    const blocks = await plan.refs(this.#own, this.#known);
    return { blocks, skippedBlocks: 0, segmentsConsidered, warnings };
  }

  read(
    blocks: readonly BlockRef[],
    needs: ColumnNeeds,
    options: ReadOptions,
  ): AsyncIterable<Block> {
    // Only this store's plan makes refs for this store (the contract of LogStore).
    const refs = blocks as readonly ChunkBlockRef[];
    const seed = this.#options.hashSeed ?? 0;
    return readChunks(refs, { needs, options, cache: this.#chunks, known: this.#known, seed });
  }

  async series(select: StreamSelect, options: ReadOptions): Promise<Labels[]> {
    const found = new Map<string, Labels>();
    let seen = 0;
    await this.#each(select, options, async ({ index, tenant }, range) => {
      for (const { labels } of index.seriesChunks({ matchers: select.matchers, tenant }, range)) {
        found.set(labels.key, labels);
        if (++seen % seriesPerTurn === 0) await nextTurn();
      }
    });
    return [...found.values()];
  }

  async labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]> {
    const names = new Set<string>();
    await this.#each(select, options, async ({ index, tenant }, range) => {
      const found = index.labelNames({ matchers: select.matchers, tenant }, range);
      for (const name of found) names.add(name);
    });
    return [...names].sort(compareText);
  }

  async labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]> {
    const values = new Set<string>();
    if (name === tenantLabel) return [];
    await this.#each(select, options, async ({ index, tenant }, range) => {
      const found = index.labelValues(name, { matchers: select.matchers, tenant }, range);
      for (const value of found) values.add(value);
    });
    return [...values].sort(compareText);
  }

  /** Sums of what the index says: each table counts its own day's share of a chunk, as in Loki. */
  async volumes(select: StreamSelect, options: ReadOptions): Promise<StreamVolume[]> {
    const sums = new Map<string, StreamVolume>();
    let seen = 0;
    await this.#each(select, options, async ({ index, tenant, table }, range) => {
      const ofTable = intersect(range, tableDay(table.number));
      for (const one of index.volumes({ matchers: select.matchers, tenant }, ofTable)) {
        const known = sums.get(one.labels.key);
        sums.set(one.labels.key, {
          labels: one.labels,
          entryCount: (known?.entryCount ?? 0) + one.entryCount,
          lineBytes: (known?.lineBytes ?? 0) + one.bytes,
          isRounded: true,
          blockCount: (known?.blockCount ?? 0) + one.chunkCount,
        });
        if (++seen % seriesPerTurn === 0) await nextTurn();
      }
    });
    return [...sums.values()];
  }

  /** Every tenant with an index file in this period; opens multi-tenant files. */
  async tenants(): Promise<string[]> {
    const found = new Set<string>();
    for (const table of await this.tables()) {
      for (const tenant of await this.tenantsOf(table)) found.add(tenant);
    }
    return [...found].sort(compareText);
  }

  /** The tables of this period that exist, in order of days. */
  async tables(): Promise<LokiTable[]> {
    const tables: LokiTable[] = [];
    for (const name of await this.#files.folders()) {
      const table = this.#tableNamed(name);
      if (table !== undefined) tables.push(table);
    }
    return tables.sort((a, b) => a.number - b.number);
  }

  /** The tenants of one table. A file that cannot be opened is passed over. */
  async tenantsOf(table: LokiTable): Promise<string[]> {
    const found = new Set<string>();
    for (const file of await this.#files.of(table)) {
      if (file.tenant !== undefined) found.add(file.tenant);
      else for (const tenant of await this.#tenantsOfShared(file)) found.add(tenant);
    }
    return [...found].sort(compareText);
  }

  async #tenantsOfShared(file: ListedIndex): Promise<string[]> {
    try {
      return (await this.openIndex(file)).tenants();
    } catch (error) {
      if (!isLeftOut(error)) throw error;
      return [];
    }
  }

  /** The files of one table; `isFresh` lists it again first. */
  async filesOf(table: LokiTable, options: { isFresh: boolean }): Promise<ListedIndex[]> {
    if (options.isFresh) await this.#files.refresh(table);
    return this.#files.of(table);
  }

  /** Opens one file through the cache. StoreError `corrupt`, `missing`, … */
  openIndex(file: ListedIndex): Promise<TsdbIndex> {
    return this.#indexes.get(file, this.period.objects, newReadCounters());
  }

  /** What is stored of a tenant in the days the range touches, this period's part of it. */
  async stored(tenant: string, range: TimeRange): Promise<StoredTable[]> {
    const tables = await this.#tablesOf(range);
    const files = await Promise.all(tables.map((table) => this.#files.of(table)));
    return tables.flatMap((table, i) => {
      const minNs = dayStartNs(table.number);
      return files[i]!.filter((file) => file.tenant === undefined || file.tenant === tenant).map(
        ({ key }) => ({ key, minNs, maxNs: minNs + nsPerDay - 1n }),
      );
    });
  }

  /** An index file this process has put. Keys of other periods are passed over. */
  add(key: string): void {
    const table = this.#tableOfKey(key);
    if (table !== undefined) this.#files.add(table, key);
  }

  /** An index file this process has deleted, or is about to. */
  async remove(key: string): Promise<void> {
    const table = this.#tableOfKey(key);
    if (table === undefined) return;
    this.#files.remove(table, key);
    await this.#indexes.forget(key);
  }

  /** Forgets what was listed: the next query sees what other processes put and deleted. */
  refresh(): void {
    this.#files.forgetAll();
  }

  #tableOfKey(key: string): LokiTable | undefined {
    const { pathPrefix } = this.period;
    if (!key.startsWith(pathPrefix)) return undefined;
    return this.#tableNamed(key.slice(pathPrefix.length).split("/", 1)[0]!);
  }

  #tableNamed(name: string): LokiTable | undefined {
    const table = this.#options.periods.parseTable(name, this.period.pathPrefix);
    return table?.period === this.period ? table : undefined;
  }

  #clip({ fromNs, toNs }: TimeRange): TimeRange {
    const own = this.#own;
    return {
      fromNs: fromNs > own.fromNs ? fromNs : own.fromNs,
      toNs: toNs < own.toNs ? toNs : own.toNs,
    };
  }

  async #tablesOf(asked: TimeRange): Promise<readonly LokiTable[]> {
    const range = this.#clip(asked);
    if (range.toNs <= range.fromNs) return [];
    const { fromMs, toMs } = msRangeOf(range);
    const [from, through] = [tableNumberOf(fromMs), tableNumberOf(toMs - 1)];
    // Of many days those that have a table: one LIST instead of many.
    if (through - from >= unaskedTablesMax) {
      const tables = await this.tables();
      return tables.filter(({ number }) => number >= from && number <= through);
    }
    return this.#options.periods
      .tablesOf({ fromMs, throughMs: toMs - 1 })
      .filter(({ period }) => period === this.period);
  }

  /** Answers from each index file of the tenant; a damaged one is left out with a warning. */
  async #each(
    select: StreamSelect,
    options: ReadOptions,
    answer: (opened: OpenedIndex, range: MsRange) => Promise<void>,
  ): Promise<void> {
    const range = msRangeOf(this.#clip(select.range));
    for (const opened of await this.#open(select, options)) {
      options.signal.throwIfAborted();
      await this.#guard(opened.file.key, options.warn, () => answer(opened, range));
      await nextTurn();
    }
  }

  /** Index files of a tenant in the tables a range touches. */
  async #open(
    select: Pick<StreamSelect, "tenant" | "range">,
    options: ReadOptions,
  ): Promise<OpenedIndex[]> {
    const tables = await this.#tablesOf(select.range);
    const found = await Promise.all(
      tables.map((table) => this.#openTable(table, select.tenant, options)),
    );
    return found.flat();
  }

  /** A file that is gone was merged by another process meanwhile: list again, once. */
  async #openTable(table: LokiTable, tenant: string, options: ReadOptions): Promise<OpenedIndex[]> {
    const first = await this.#openFiles(table, tenant, options);
    if (!first.isIncomplete) {
      for (const warning of first.warnings) options.warn(warning);
      return first.indexes;
    }
    await this.#files.refresh(table);
    const second = await this.#openFiles(table, tenant, options);
    for (const warning of second.warnings) options.warn(warning);
    return second.indexes;
  }

  async #openFiles(
    table: LokiTable,
    tenant: string,
    options: ReadOptions,
  ): Promise<{ indexes: OpenedIndex[]; warnings: string[]; isIncomplete: boolean }> {
    options.signal.throwIfAborted();
    const warnings: string[] = [];
    let isIncomplete = false;
    const files = (await this.#files.of(table)).filter(
      (file) => file.tenant === undefined || file.tenant === tenant,
    );
    const opened = await Promise.all(
      files.map(async (file) => {
        try {
          const index = await this.#indexes.get(file, this.period.objects, options.counters);
          const of = file.tenant === undefined ? tenant : undefined;
          return { table, file, index, tenant: of };
        } catch (error) {
          if (!isLeftOut(error)) throw error;
          isIncomplete ||= error.kind === "missing";
          warnings.push(`index file left out: ${error.message}`);
          return undefined;
        }
      }),
    );
    return { indexes: opened.filter((one) => one !== undefined), warnings, isIncomplete };
  }

  /** What is found damaged while it is read costs that file, not the answer. */
  async #guard(
    key: string,
    warn: (text: string) => void,
    task: () => Promise<void>,
  ): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!isLeftOut(error)) throw error;
      warn(`index file ${key} left out: ${error.message}`);
    }
  }
}

function isLeftOut(error: unknown): error is StoreError {
  return isStoreError(error, "corrupt") || isStoreError(error, "missing");
}

function intersect(a: MsRange, b: MsRange): MsRange {
  return { fromMs: Math.max(a.fromMs, b.fromMs), toMs: Math.min(a.toMs, b.toMs) };
}
