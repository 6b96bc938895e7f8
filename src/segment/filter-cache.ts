/** Skip filters of blocks, fetched when first asked for, kept opened, bounded by bytes. */
import { isStoreError, Limiter, LruMap, MiB } from "#base";
import { SparseSet } from "#columns";
import type { ObjectStore } from "#objectstore";
import type { ReadOptions } from "#storage";
import { ColumnKind } from "./block-builder.ts";
import { corrupt } from "./byte-reader.ts";
import { unpackPartNow } from "./compression.ts";
import { originOf } from "./decode-block.ts";
import type { SegmentFooter } from "./footer.ts";
import { storedPartOf } from "./stored-part.ts";
import { type Extent, planRanges } from "./read-ranges.ts";
import type { BlockFilters } from "./skip-test.ts";
import { TrigramSet } from "./trigram-set.ts";

/** Filters take some 15 % of the stored lines in memory: enough for those of a gibibyte of them. */
export const filterCacheBytesDefault: number = 160 * MiB;

/** GETs of filters in flight, over all queries. */
const getsInFlightMax = 8;

/** About what a filter costs beside its bytes. */
const filterWeightBytes = 300;

type Filter = TrigramSet | SparseSet;

/** Filters of one segment. */
interface SegmentFilters {
  /** By number in the footer's column table. */
  readonly byColumn: Map<number, Filter>;
  /** Of blocks whose filters are all here, as they are asked for. */
  readonly byBlock: Map<number, BlockFilters>;
}

interface FilterExtent extends Extent {
  readonly column: number;
  readonly block: number;
}

/** Bytes [from, from + bytes.length) of an object. */
interface ReadBytes {
  readonly bytes: Buffer;
  readonly from: number;
}

export class FilterCache {
  readonly #objects: ObjectStore;
  readonly #segments: LruMap<string, SegmentFilters>;
  readonly #limiter = new Limiter(getsInFlightMax, "filter_reads");

  constructor(objects: ObjectStore, cacheBytes: number) {
    this.#objects = objects;
    this.#segments = new LruMap({
      name: "filters",
      weightMax: cacheBytes,
      weigh: (one) => weightOf(one),
    });
  }

  /**
   * The filters of some blocks of a segment, in their order. Those that are not cached are fetched
   * in few ranges. A filter that cannot be read is told to `options.warn` and missing: its block is
   * read instead.
   */
  async get(
    footer: SegmentFooter,
    blocks: readonly number[],
    options: ReadOptions,
  ): Promise<BlockFilters[]> {
    const known = this.#segments.get(footer.name) ?? noFilters();
    const { byColumn, byBlock } = known;
    const missing: FilterExtent[] = [];
    for (const block of blocks) {
      if (byBlock.has(block)) continue;
      for (const column of filterColumnsOf(footer, block)) {
        if (!byColumn.has(column)) missing.push(extentOf(footer, block, column));
      }
    }
    if (missing.length > 0) await this.#fetch(footer, missing, known, options);
    else if (byColumn.size > 0) options.counters.cacheHits++;
    return blocks.map((block) => byBlock.get(block) ?? filtersOf(footer, block, known));
  }

  /** Takes what filters there are in bytes of the object that were read along with its footer. */
  keepTail(footer: SegmentFooter, tail: Buffer, options: Pick<ReadOptions, "warn">): void {
    const from = footer.bodyBytes - tail.length;
    const found = this.#segments.get(footer.name) ?? noFilters();
    for (let block = 0; block < footer.blocks.count; block++) {
      for (const column of filterColumnsOf(footer, block)) {
        const extent = extentOf(footer, block, column);
        if (extent.from < from) continue;
        openFilter(footer, extent, { bytes: tail, from }, { into: found, options });
      }
    }
    if (found.byColumn.size > 0) this.#segments.set(footer.name, found);
  }

  async #fetch(
    footer: SegmentFooter,
    missing: readonly FilterExtent[],
    into: SegmentFilters,
    options: ReadOptions,
  ): Promise<void> {
    const { signal, counters } = options;
    const fetched = planRanges(missing).map(async ({ from, to, extents }) => {
      const bytes = await this.#limiter.run(async () => {
        signal.throwIfAborted();
        counters.getRequests++;
        return this.#objects.get(footer.name, { range: { from, to }, signal });
      });
      counters.fetchedBytes += bytes.length;
      for (const extent of extents) openFilter(footer, extent, { bytes, from }, { into, options });
    });
    try {
      await Promise.all(fetched);
    } catch (error) {
      // Gone: whoever reads its blocks will say so.
      if (!isStoreError(error, "missing")) throw error;
    }
    this.#segments.set(footer.name, into);
  }
}

function noFilters(): SegmentFilters {
  return { byColumn: new Map(), byBlock: new Map() };
}

function weightOf(filters: SegmentFilters): number {
  let bytes = 0;
  for (const filter of filters.byColumn.values()) bytes += filter.weightBytes + filterWeightBytes;
  return bytes;
}

/** Numbers in the footer's column table of a block's skip filters. */
export function* filterColumnsOf(footer: SegmentFooter, block: number): Iterable<number> {
  const { columnStarts, columns } = footer.blocks;
  for (let i = columnStarts[block]!; i < columnStarts[block + 1]!; i++) {
    const kind = columns.kinds[i]!;
    if (kind >= ColumnKind.trigrams && kind <= ColumnKind.values) yield i;
  }
}

function extentOf(footer: SegmentFooter, block: number, column: number): FilterExtent {
  const { offsets, storedBytes } = footer.blocks.columns;
  const from = offsets[column]!;
  return { from, to: from + storedBytes[column]!, column, block };
}

/** Adds a filter, opened from a copy of its bytes; warns of one that is not sound. */
function openFilter(
  footer: SegmentFooter,
  extent: FilterExtent,
  { bytes, from }: ReadBytes,
  target: { readonly into: SegmentFilters; readonly options: Pick<ReadOptions, "warn"> },
): void {
  const { column, block } = extent;
  const stored = bytes.subarray(extent.from - from, extent.to - from);
  try {
    target.into.byColumn.set(column, decodeFilter(footer, { block, column }, stored));
  } catch (error) {
    if (!isStoreError(error, "corrupt")) throw error;
    target.options.warn(`skip filter left out: ${error.message}`);
  }
}

/** A filter from its stored bytes, which are not kept. StoreError `corrupt`. */
export function decodeFilter(
  footer: SegmentFooter,
  { block, column }: { block: number; column: number },
  stored: Buffer,
): Filter {
  const origin = originOf(footer, block, column);
  const raw = Buffer.from(unpackPartNow(stored, storedPartOf(footer, column), origin));
  const isTrigrams = footer.blocks.columns.kinds[column] === ColumnKind.trigrams;
  const filter = isTrigrams ? TrigramSet.open(raw) : SparseSet.open(raw);
  if (filter === undefined) throw corrupt(origin, `${raw.length} bytes are no set`);
  return filter;
}

function filtersOf(
  footer: SegmentFooter,
  block: number,
  { byColumn, byBlock }: SegmentFilters,
): BlockFilters {
  let trigrams: TrigramSet | undefined;
  let grams: SparseSet | undefined;
  let values: SparseSet | undefined;
  let isComplete = true;
  for (const column of filterColumnsOf(footer, block)) {
    const filter = byColumn.get(column);
    isComplete &&= filter !== undefined;
    if (filter instanceof TrigramSet) trigrams = filter;
    else if (footer.blocks.columns.kinds[column] === ColumnKind.grams) grams = filter;
    else values = filter;
  }
  const filters = { trigrams, grams, values };
  if (isComplete) byBlock.set(block, filters);
  return filters;
}
