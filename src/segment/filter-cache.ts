/**
 * Skip filters of blocks, fetched when first asked for and kept as they are stored, bounded by
 * bytes.
 */
import { isStoreError, LruMap, MiB } from "#base";
import { SparseSet } from "#columns";
import type { ObjectStore } from "#objectstore";
import type { ReadOptions } from "#storage";
import { ColumnKind } from "./block-builder.ts";
import { corrupt } from "./byte-reader.ts";
import { checkStored, Encoding, unpackPartNow } from "./compression.ts";
import { originOf } from "./decode-block.ts";
import type { SegmentFooter } from "./footer.ts";
import { Limiter } from "./limiter.ts";
import { storedPartOf } from "./read-blocks.ts";
import { type Extent, planRanges } from "./read-ranges.ts";
import { trigramSetBytes } from "./skip-alphabet.ts";
import type { BlockFilters } from "./skip-test.ts";

/** Filters are some 10 % of stored lines: enough for those of a gibibyte of them. */
export const filterCacheBytesDefault: number = 128 * MiB;

/** GETs of filters in flight, over all queries. */
const getsInFlightMax = 8;

/** About what a column costs beside its bytes. */
const columnWeightBytes = 200;

/**
 * Stored bytes of filter columns of one segment, checked, by number in the footer's column table.
 */
interface SegmentFilters {
  readonly stored: Map<number, Buffer>;
  bytes: number;
}

interface ColumnExtent extends Extent {
  readonly column: number;
  readonly block: number;
}

export class FilterCache {
  readonly #objects: ObjectStore;
  readonly #segments: LruMap<string, SegmentFilters>;
  readonly #limiter = new Limiter(getsInFlightMax);

  constructor(objects: ObjectStore, cacheBytes: number) {
    this.#objects = objects;
    this.#segments = new LruMap({ weightMax: cacheBytes, weigh: (one) => one.bytes });
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
    const cached = this.#segments.get(footer.name);
    const stored = cached?.stored ?? new Map<number, Buffer>();
    const missing: ColumnExtent[] = [];
    for (const block of blocks) {
      for (const column of filterColumnsOf(footer, block)) {
        if (stored.has(column)) options.counters.cacheHits++;
        else missing.push(extentOf(footer, block, column));
      }
    }
    if (missing.length > 0) await this.#fetch(footer, missing, stored, options);
    return blocks.map((block) => filtersOf(footer, block, stored, options));
  }

  /** Takes what filters there are in bytes of the object that were read along with its footer. */
  keepTail(footer: SegmentFooter, tail: Buffer, options: Pick<ReadOptions, "warn">): void {
    const from = footer.bodyBytes - tail.length;
    const stored = new Map<number, Buffer>();
    for (let block = 0; block < footer.blocks.count; block++) {
      for (const column of filterColumnsOf(footer, block)) {
        const extent = extentOf(footer, block, column);
        if (extent.from < from) continue;
        keep(footer, extent, { bytes: tail, from, stored, options });
      }
    }
    if (stored.size > 0) this.#remember(footer, stored);
  }

  async #fetch(
    footer: SegmentFooter,
    missing: readonly ColumnExtent[],
    stored: Map<number, Buffer>,
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
      for (const extent of extents) keep(footer, extent, { bytes, from, stored, options });
    });
    try {
      await Promise.all(fetched);
    } catch (error) {
      // Gone: whoever reads its blocks will say so.
      if (!isStoreError(error, "missing")) throw error;
    }
    this.#remember(footer, stored);
  }

  #remember(footer: SegmentFooter, stored: Map<number, Buffer>): void {
    let bytes = 0;
    for (const one of stored.values()) bytes += one.length + columnWeightBytes;
    this.#segments.set(footer.name, { stored, bytes });
  }
}

function* filterColumnsOf(footer: SegmentFooter, block: number): Iterable<number> {
  const { columnStarts, columns } = footer.blocks;
  for (let i = columnStarts[block]!; i < columnStarts[block + 1]!; i++) {
    const kind = columns.kinds[i]!;
    if (kind === ColumnKind.trigrams || kind === ColumnKind.grams) yield i;
  }
}

function extentOf(footer: SegmentFooter, block: number, column: number): ColumnExtent {
  const { offsets, storedBytes } = footer.blocks.columns;
  const from = offsets[column]!;
  return { from, to: from + storedBytes[column]!, column, block };
}

/** Copies a column out of what was fetched, when it is sound. */
function keep(
  footer: SegmentFooter,
  extent: ColumnExtent,
  target: {
    readonly bytes: Buffer;
    readonly from: number;
    readonly stored: Map<number, Buffer>;
    readonly options: Pick<ReadOptions, "warn">;
  },
): void {
  const { bytes, from, stored, options } = target;
  const { column, block } = extent;
  const one = bytes.subarray(extent.from - from, extent.to - from);
  try {
    checkStored(one, storedPartOf(footer, column), originOf(footer, block, column));
    stored.set(column, Buffer.from(one));
  } catch (error) {
    warnOf(error, options);
  }
}

function warnOf(error: unknown, options: Pick<ReadOptions, "warn">): void {
  if (!isStoreError(error, "corrupt")) throw error;
  options.warn(`skip filter left out: ${error.message}`);
}

function filtersOf(
  footer: SegmentFooter,
  block: number,
  stored: ReadonlyMap<number, Buffer>,
  options: ReadOptions,
): BlockFilters {
  let trigrams: BlockFilters["trigrams"];
  let grams: SparseSet | undefined;
  for (const column of filterColumnsOf(footer, block)) {
    const bytes = stored.get(column);
    if (bytes === undefined) continue;
    try {
      if (footer.blocks.columns.kinds[column] === ColumnKind.grams) {
        grams = openGrams(footer, block, column, bytes);
      } else {
        trigrams = trigramReader(footer, block, column, bytes, options);
      }
    } catch (error) {
      warnOf(error, options);
    }
  }
  return { trigrams, grams };
}

function openGrams(
  footer: SegmentFooter,
  block: number,
  column: number,
  bytes: Buffer,
): SparseSet | undefined {
  const origin = originOf(footer, block, column);
  // Other encodings are a later writer's.
  if (footer.blocks.columns.encodings[column] !== Encoding.raw) return undefined;
  const set = SparseSet.open(bytes);
  if (set === undefined) throw corrupt(origin, `${bytes.length} bytes are no set of grams`);
  return set;
}

/** Unpacks when called, each time anew: kept unpacked, filters would take ten times the memory. */
function trigramReader(
  footer: SegmentFooter,
  block: number,
  column: number,
  bytes: Buffer,
  options: ReadOptions,
): () => Buffer | undefined {
  const origin = originOf(footer, block, column);
  const part = storedPartOf(footer, column);
  if (part.rawBytes !== trigramSetBytes) {
    throw corrupt(origin, `${part.rawBytes} raw bytes are no set of trigrams`);
  }
  return () => {
    try {
      return unpackPartNow(bytes, part, origin);
    } catch (error) {
      warnOf(error, options);
      return undefined;
    }
  };
}
