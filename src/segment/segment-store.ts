import { isStoreError } from "#base";
import { compareText, type Labels, nsPerDay, dayStartNs, type TimeRange } from "#model";
import type { ObjectStore } from "#objectstore";
import {
  type Block,
  type BlockPlan,
  type BlockRef,
  type ColumnNeeds,
  type LogStore,
  newReadCounters,
  type ReadCounters,
  type ReadOptions,
  type SkipTerms,
  type StreamSelect,
  type StreamVolume,
} from "#storage";
import { nextTurn } from "#world";
import type { SegmentBlockRef } from "./block-ref.ts";
import { DecodedCache, decodedCacheBytesDefault } from "./decoded-cache.ts";
import { readSection } from "./extra-sections.ts";
import { FilterCache, filterCacheBytesDefault } from "./filter-cache.ts";
import { FooterCache, footerCacheBytesDefault, type TailReader } from "./footer-cache.ts";
import type { JournalRange, SegmentFooter } from "./footer.ts";
import type { LineScanner } from "./line-scan.ts";
import { PlanCache, planCacheBytesDefault } from "./plan-blocks.ts";
import { readBlocks } from "./read-blocks.ts";
import { parseSegmentKey, tenantOfFolder } from "./segment-key.ts";
import { type ListedSegment, SegmentList } from "./segment-list.ts";
import { type SkipCounts, skipBlocks, skipFacts } from "./skip-blocks.ts";
import { SkipTest } from "./skip-test.ts";
import { labelNamesOf, labelValuesOf, seriesOf } from "./stream-answers.ts";
import { Turns } from "./turns.ts";
import { VolumeSums } from "./volume-sums.ts";

export interface SegmentStoreOptions {
  readonly objects: ObjectStore;
  /** Memory for footers; 256 MiB when omitted. */
  readonly footerCacheBytes?: number;
  /** Memory for skip filters; 128 MiB when omitted. */
  readonly filterCacheBytes?: number;
  /** Memory for small columns as they were decoded; 32 MiB when omitted. */
  readonly decodedCacheBytes?: number;
  /** Searches lines beside the main thread; without one, all is done there. */
  readonly scanner?: LineScanner;
}

interface LiveFooters {
  readonly footers: readonly SegmentFooter[];
  readonly warnings: readonly string[];
}

/**
 * All segments of an object store as one LogStore. The segments of a tenant are listed when first
 * asked for, then known by `add`, `remove` and `refresh`. A segment that a newer one replaces is
 * not read.
 */
export class SegmentStore implements LogStore {
  readonly #objects: ObjectStore;
  readonly #scanner: LineScanner | undefined;
  readonly #lists = new Map<string, SegmentList>();
  readonly #footers: FooterCache;
  readonly #filters: FilterCache;
  readonly #decoded: DecodedCache;
  readonly #plans = new PlanCache(planCacheBytesDefault);
  /**
   * By key of a merged segment, so that its footer need not stay cached. Bounded by what the lists
   * hold.
   */
  readonly #replacedBy = new Map<string, readonly string[]>();

  constructor(options: SegmentStoreOptions) {
    this.#objects = options.objects;
    this.#scanner = options.scanner;
    const cacheBytes = options.footerCacheBytes ?? footerCacheBytesDefault;
    this.#footers = new FooterCache(options.objects, cacheBytes);
    const filterBytes = options.filterCacheBytes ?? filterCacheBytesDefault;
    this.#filters = new FilterCache(options.objects, filterBytes);
    this.#decoded = new DecodedCache(options.decodedCacheBytes ?? decodedCacheBytesDefault);
  }

  /** A segment this process has put. */
  add(key: string): void {
    this.#list(parseSegmentKey(key).tenant).add(key);
  }

  /** A segment this process has deleted, or is about to. */
  remove(key: string): void {
    this.#list(parseSegmentKey(key).tenant).remove(key);
    this.#replacedBy.delete(key);
  }

  /** A segment that queries shall not find any more; its object is deleted later. */
  retire(key: string): void {
    this.#list(parseSegmentKey(key).tenant).retire(key);
    this.#replacedBy.delete(key);
  }

  /**
   * Lists again, to see what other processes put and deleted: one tenant, or all that were asked
   * for so far.
   */
  async refresh(tenant?: string): Promise<void> {
    const lists = tenant === undefined ? [...this.#lists.values()] : [this.#list(tenant)];
    for (const list of lists) await list.refresh();
    const known = new Set<string>();
    for (const list of this.#lists.values()) for (const { key } of list.all) known.add(key);
    for (const key of this.#replacedBy.keys()) if (!known.has(key)) this.#replacedBy.delete(key);
  }

  /** Tenants that have segments. Folders that are no tenant's are left out. */
  async tenants(): Promise<string[]> {
    const folders = await this.#objects.listFolders("v1/");
    return folders
      .map((folder) => tenantOfFolder(folder))
      .filter((tenant) => tenant !== undefined)
      .sort(compareText);
  }

  /** The segments of a tenant, replaced ones included. */
  async segments(tenant: string): Promise<ListedSegment[]> {
    const list = this.#list(tenant);
    await list.load();
    return [...list.all];
  }

  /** How many objects a tenant has, and how large they are together. */
  async figures(tenant: string): Promise<{ objectCount: number; bytes: number }> {
    const segments = await this.segments(tenant);
    const bytes = segments.reduce((sum, one) => sum + one.bodyBytes + one.footerBytes, 0);
    return { objectCount: segments.length, bytes };
  }

  /**
   * Journal ranges whose entries of this tenant and day are in segments: replay need not store them
   * again.
   */
  async coveredSequences(tenant: string, day: number): Promise<JournalRange[]> {
    const range = { fromNs: dayStartNs(day), toNs: dayStartNs(day) + nsPerDay };
    const { footers } = await this.#liveFooters({ tenant, range, isWholeDay: true });
    return footers.flatMap((footer) => footer.info.journal);
  }

  async plan(select: StreamSelect, skip: SkipTerms, options: ReadOptions): Promise<BlockPlan> {
    const test = new SkipTest(skip);
    const onTail: TailReader | undefined = test.isIdle
      ? undefined
      : (footer, tail) => {
          this.#filters.keepTail(footer, tail, options);
        };
    const live = await this.#liveFooters({ ...select, options, onTail });
    const counts: SkipCounts = new Map();
    const how = { test, cache: this.#filters, counts, options };
    const turns = new Turns();
    const blocks: Promise<readonly SegmentBlockRef[]>[] = [];
    try {
      for (const footer of live.footers) {
        const { matchers, range } = select;
        const planned = await this.#plans.get(footer, { matchers, range, turns });
        const left = skipBlocks(footer, planned, how);
        // It is awaited below; this keeps a failure from being unhandled until then.
        left.catch(() => undefined);
        blocks.push(left);
        if (turns.spendFooter(footer)) await nextTurn();
        options.signal.throwIfAborted();
      }
    } finally {
      await Promise.allSettled(blocks);
    }
    const found = await Promise.all(blocks);
    return {
      blocks: found.flat(),
      ...skipFacts(counts),
      segmentsConsidered: live.footers.length,
      warnings: live.warnings,
    };
  }

  read(
    blocks: readonly BlockRef[],
    needs: ColumnNeeds,
    options: ReadOptions,
  ): AsyncIterable<Block> {
    // Only this store's plan makes refs for this store (the contract of LogStore).
    const refs = blocks as readonly SegmentBlockRef[];
    const [objects, scanner, decoded] = [this.#objects, this.#scanner, this.#decoded];
    return readBlocks(refs, { objects, needs, options, scanner, decoded });
  }

  async series(select: StreamSelect, options: ReadOptions): Promise<Labels[]> {
    return seriesOf(await this.#answering(select, options), select);
  }

  async labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]> {
    return labelNamesOf(await this.#answering(select, options), select);
  }

  async labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]> {
    return labelValuesOf(await this.#answering(select, options), select, name);
  }

  async volumes(select: StreamSelect, options: ReadOptions): Promise<StreamVolume[]> {
    const sums = new VolumeSums(select);
    const turns = new Turns();
    for (const footer of await this.#answering(select, options)) {
      await sums.add(footer, turns);
      if (turns.spendFooter(footer)) await nextTurn();
    }
    return sums.volumes();
  }

  /**
   * Sections of one kind (docs/formats/segment.md) of the segments with entries in the range, in no
   * particular order. One that cannot be read is left out and named to `options.warn`.
   */
  async sections(
    select: Pick<StreamSelect, "tenant" | "range">,
    kind: number,
    options: ReadOptions,
  ): Promise<Buffer[]> {
    const footers = await this.#answering({ ...select, matchers: [] }, options);
    const found: Buffer[] = [];
    for (const footer of footers) {
      try {
        const section = await readSection(footer, kind, { objects: this.#objects, options });
        if (section !== undefined) found.push(section);
      } catch (error) {
        if (!isStoreError(error, "corrupt") && !isStoreError(error, "missing")) throw error;
        options.warn(`section left out: ${error.message}`);
      }
    }
    return found;
  }

  #list(tenant: string): SegmentList {
    let list = this.#lists.get(tenant);
    if (list === undefined) {
      this.#lists.set(tenant, (list = new SegmentList(tenant, this.#objects)));
    }
    return list;
  }

  async #answering(select: StreamSelect, options: ReadOptions): Promise<readonly SegmentFooter[]> {
    const { footers, warnings } = await this.#liveFooters({ ...select, options });
    for (const warning of warnings) options.warn(warning);
    return footers;
  }

  /**
   * Footers of the segments that count in a range. When one is gone, another process has replaced
   * it: list again and start over, once.
   */
  async #liveFooters(wanted: LiveQuery): Promise<LiveFooters> {
    const list = this.#list(wanted.tenant);
    await list.load();
    const first = await this.#readFooters(list, wanted);
    if (!first.isIncomplete) return first;
    await this.refresh(wanted.tenant);
    return this.#readFooters(list, wanted);
  }

  async #readFooters(
    list: SegmentList,
    wanted: LiveQuery,
  ): Promise<LiveFooters & { isIncomplete: boolean }> {
    const counters = wanted.options?.counters ?? newReadCounters();
    const ofDays = list.ofDays(wanted.range);
    const warnings: string[] = [];
    let isIncomplete = false;
    const open = async (segment: ListedSegment): Promise<SegmentFooter | undefined> => {
      wanted.options?.signal.throwIfAborted();
      try {
        return await this.#footers.get(segment, counters, wanted.onTail);
      } catch (error) {
        if (!isStoreError(error, "corrupt") && !isStoreError(error, "missing")) throw error;
        isIncomplete ||= error.kind === "missing";
        warnings.push(`segment left out: ${error.message}`);
        return undefined;
      }
    };
    const replaced = await this.#replacedIds(ofDays, counters, wanted.onTail);
    const live = ofDays.filter(
      (segment) =>
        !replaced.has(segment.id) &&
        (wanted.isWholeDay === true || overlaps(segment, wanted.range)),
    );
    const footers: SegmentFooter[] = [];
    const missed: ListedSegment[] = [];
    for (const segment of live) {
      const known = this.#footers.known(segment, counters);
      if (known === undefined) missed.push(segment);
      else footers.push(known);
    }
    const read = await Promise.all(missed.map((segment) => open(segment)));
    for (const footer of read) if (footer !== undefined) footers.push(footer);
    return { footers, warnings, isIncomplete };
  }

  /** Ids named by the merged segments of the same days. */
  async #replacedIds(
    segments: readonly ListedSegment[],
    counters: ReadCounters,
    onTail: TailReader | undefined,
  ): Promise<Set<string>> {
    const merged = segments.filter((segment) => segment.replacesCount > 0);
    const lists = await Promise.all(
      merged.map(async (segment) => {
        const known = this.#replacedBy.get(segment.key);
        if (known !== undefined) return known;
        try {
          const { replaces } = (await this.#footers.get(segment, counters, onTail)).info;
          this.#replacedBy.set(segment.key, replaces);
          return replaces;
        } catch (error) {
          // What it replaced, if still there, then answers instead; that it is broken is said where
          // it is read.
          if (isStoreError(error, "corrupt") || isStoreError(error, "missing")) return [];
          throw error;
        }
      }),
    );
    return new Set(lists.flat());
  }
}

interface LiveQuery {
  readonly tenant: string;
  readonly range: TimeRange;
  /** Also segments of the days that have no entries in the range. */
  readonly isWholeDay?: boolean;
  readonly options?: ReadOptions;
  /** Takes what lies before a footer that has to be read. */
  readonly onTail?: TailReader | undefined;
}

function overlaps(segment: ListedSegment, range: TimeRange): boolean {
  return segment.minNs < range.toNs && segment.maxNs >= range.fromNs;
}
