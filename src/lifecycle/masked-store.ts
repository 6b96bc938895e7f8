import { compareText, type Labels, type TimeRange } from "#model";
import type {
  Block,
  BlockPlan,
  BlockRef,
  BlockStream,
  ColumnNeeds,
  LogStore,
  ReadOptions,
  SkipTerms,
  StreamSelect,
  StreamVolume,
} from "#storage";
import {
  hiddenRows,
  hidesAll,
  type Mask,
  masksOfBlock,
  masksOfStream,
  neededBy,
  overlaps,
} from "./mask.ts";
import { visibleBlock } from "./visible-block.ts";

/** Rejects when what is hidden cannot be known: then nothing may be answered. */
export type MasksOf = (tenant: string, range: TimeRange) => Promise<readonly Mask[]>;

/**
 * Index questions are asked once for each piece of time that is left. Where many deletes tear a
 * range into more pieces than this, the answer is that of the whole range.
 */
const visibleRangesMax = 32;

interface MaskedRef {
  readonly inner: BlockRef;
  readonly masks: readonly Mask[];
}

/**
 * A store as queries may see it: without what masks hide. Blocks that no mask touches pass through
 * as they are. Blocks that one touches are read with the columns it needs and lose their hidden
 * rows; their facts say so (`hasHiddenRows`), for counts of rows would be wrong.
 *
 * Series, label names and values, and volumes know no lines: there only masks without a pipeline
 * count.
 */
export class MaskedStore implements LogStore {
  readonly #inner: LogStore;
  readonly #masksOf: MasksOf;
  readonly #masked = new WeakMap<BlockRef, MaskedRef>();

  constructor(inner: LogStore, masksOf: MasksOf) {
    this.#inner = inner;
    this.#masksOf = masksOf;
  }

  async plan(select: StreamSelect, skip: SkipTerms, options: ReadOptions): Promise<BlockPlan> {
    const masks = await this.#masksOf(select.tenant, select.range);
    const plan = await this.#inner.plan(select, skip, options);
    if (masks.length === 0) return plan;
    const blocks: BlockRef[] = [];
    for (const inner of plan.blocks) {
      const ref = this.#mask(inner, masks);
      if (ref !== undefined) blocks.push(ref);
    }
    return { ...plan, blocks };
  }

  /** The block as it is, as one with hidden rows, or undefined when nothing of it is left. */
  #mask(inner: BlockRef, all: readonly Mask[]): BlockRef | undefined {
    const masks = masksOfBlock(all, inner);
    if (masks.length === 0) return inner;
    const { facts } = inner;
    const isGone = (stream: BlockStream): boolean => hidesAll(masksOfStream(masks, stream), stream);
    if (facts.streams.every(isGone)) return undefined;
    const ref = { facts: { ...facts, hasHiddenRows: true } };
    this.#masked.set(ref, { inner, masks });
    return ref;
  }

  read(
    blocks: readonly BlockRef[],
    needs: ColumnNeeds,
    options: ReadOptions,
  ): AsyncIterable<Block> {
    if (!blocks.some((ref) => this.#masked.has(ref)))
      return this.#inner.read(blocks, needs, options);
    return this.#readMasked(blocks, needs, options);
  }

  /** Touched blocks need other columns, so they are read beside the others; the order stays. */
  async *#readMasked(
    blocks: readonly BlockRef[],
    needs: ColumnNeeds,
    options: ReadOptions,
  ): AsyncIterable<Block> {
    const plain = blocks.filter((ref) => !this.#masked.has(ref));
    const touched = blocks.flatMap((ref) => this.#masked.get(ref) ?? []);
    const all = neededBy(
      touched.flatMap(({ masks }) => masks),
      needs,
    );
    const readers = {
      plain: new OrderedReader(this.#inner.read(plain, needs, options)),
      touched: new OrderedReader(
        this.#inner.read(
          touched.map(({ inner }) => inner),
          all,
          options,
        ),
      ),
    };
    try {
      for (const ref of blocks) {
        const masked = this.#masked.get(ref);
        if (masked === undefined) {
          const block = await readers.plain.take(ref);
          if (block !== undefined) yield block;
          continue;
        }
        const block = await readers.touched.take(masked.inner);
        if (block === undefined) continue;
        const left = visibleBlock(block, hiddenRows(block, masked.masks), { ref, needs });
        if (left.rowCount > 0) yield left;
      }
    } finally {
      await readers.plain.close();
      await readers.touched.close();
    }
  }

  async series(select: StreamSelect, options: ReadOptions): Promise<Labels[]> {
    const masks = await this.#wholeMasks(select);
    const found = await this.#inner.series(select, options);
    if (masks.length === 0) return found;
    const visible: Labels[] = [];
    for (const { streams, ranges } of byVisibleRanges(found, masks, select.range)) {
      if (ranges.length > visibleRangesMax) {
        visible.push(...streams);
        continue;
      }
      const left = new Set<string>();
      for (const range of ranges) {
        for (const { key } of await this.#inner.series({ ...select, range }, options))
          left.add(key);
      }
      visible.push(...streams.filter(({ key }) => left.has(key)));
    }
    return visible;
  }

  async labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]> {
    const masks = await this.#wholeMasks(select);
    if (masks.length === 0) return this.#inner.labelNames(select, options);
    const names = new Set<string>();
    for (const { pairs } of await this.series(select, options)) {
      for (const [name] of pairs) names.add(name);
    }
    return [...names].sort(compareText);
  }

  async labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]> {
    const masks = await this.#wholeMasks(select);
    if (masks.length === 0) return this.#inner.labelValues(select, name, options);
    const values = new Set<string>();
    for (const labels of await this.series(select, options)) {
      const value = labels.get(name);
      if (value !== undefined) values.add(value);
    }
    return [...values].sort(compareText);
  }

  async volumes(select: StreamSelect, options: ReadOptions): Promise<StreamVolume[]> {
    const masks = await this.#wholeMasks(select);
    const found = await this.#inner.volumes(select, options);
    if (masks.length === 0) return found;
    const streams = found.map(({ labels }) => labels);
    const byKey = new Map<string, StreamVolume>();
    for (const group of byVisibleRanges(streams, masks, select.range)) {
      const keys = new Set(group.streams.map(({ key }) => key));
      const isTorn = group.ranges.length > visibleRangesMax;
      for (const range of isTorn ? [select.range] : group.ranges) {
        for (const volume of await this.#inner.volumes({ ...select, range }, options)) {
          const { key } = volume.labels;
          if (keys.has(key)) byKey.set(key, added(byKey.get(key), volume));
        }
      }
    }
    return [...byKey.values()];
  }

  async #wholeMasks({ tenant, range }: StreamSelect): Promise<readonly Mask[]> {
    const masks = await this.#masksOf(tenant, range);
    return masks.filter((mask) => mask.pipeline === undefined && overlaps(mask.range, range));
  }
}

/** Streams by what is left of the range for them: few groups, each asked once. */
function byVisibleRanges(
  streams: readonly Labels[],
  masks: readonly Mask[],
  range: TimeRange,
): { readonly streams: readonly Labels[]; readonly ranges: readonly TimeRange[] }[] {
  const groups = Map.groupBy(streams, (labels) =>
    masks.map(({ selects }) => Number(selects(labels))).join(""),
  );
  return [...groups].map(([marks, own]) => ({
    streams: own,
    ranges: without(
      range,
      masks.filter((_, at) => marks[at] === "1").map((mask) => mask.range),
    ),
  }));
}

/** What is left of a range without others, in order. */
export function without(range: TimeRange, holes: readonly TimeRange[]): TimeRange[] {
  const left: TimeRange[] = [];
  let fromNs = range.fromNs;
  for (const hole of [...holes].sort((a, b) => (a.fromNs < b.fromNs ? -1 : 1))) {
    if (hole.fromNs > fromNs && fromNs < range.toNs) {
      left.push({ fromNs, toNs: hole.fromNs < range.toNs ? hole.fromNs : range.toNs });
    }
    if (hole.toNs > fromNs) fromNs = hole.toNs;
  }
  if (fromNs < range.toNs) left.push({ fromNs, toNs: range.toNs });
  return left;
}

function added(known: StreamVolume | undefined, more: StreamVolume): StreamVolume {
  if (known === undefined) return more;
  return {
    labels: more.labels,
    entryCount: known.entryCount + more.entryCount,
    lineBytes: known.lineBytes + more.lineBytes,
    blockCount: known.blockCount + more.blockCount,
  };
}

/**
 * Blocks of one read in their order; one that the store left out (it could not be read) is passed
 * over.
 */
class OrderedReader {
  readonly #blocks: AsyncIterator<Block>;
  #next: Block | undefined;
  #isDone = false;

  constructor(blocks: AsyncIterable<Block>) {
    this.#blocks = blocks[Symbol.asyncIterator]();
  }

  async take(ref: BlockRef): Promise<Block | undefined> {
    if (this.#next === undefined && !this.#isDone) {
      const { value, done } = await this.#blocks.next();
      if (done === true) this.#isDone = true;
      else this.#next = value;
    }
    if (this.#next?.ref !== ref) return undefined;
    const block = this.#next;
    this.#next = undefined;
    return block;
  }

  async close(): Promise<void> {
    await this.#blocks.return?.();
  }
}
