import type { Labels } from "#model";
import { compareText } from "#model";
import type { Block, BlockRef, ColumnNeeds } from "./block.ts";
import type {
  BlockPlan,
  LogStore,
  ReadOptions,
  SkipTerms,
  StreamSelect,
  StreamVolume,
} from "./log-store.ts";

/**
 * Several stores as one. They are planned one after the other in the order given, so that an entry that moves from an
 * earlier one (the head) to a later one (the segments) meanwhile is seen at least once; queries drop what they see twice.
 */
export class CombinedStore implements LogStore {
  readonly #stores: readonly LogStore[];
  readonly #owners = new WeakMap<BlockRef, LogStore>();

  constructor(stores: readonly LogStore[]) {
    this.#stores = stores;
  }

  async plan(select: StreamSelect, skip: SkipTerms, options: ReadOptions): Promise<BlockPlan> {
    const blocks: BlockRef[] = [];
    const warnings: string[] = [];
    const skippedBy = new Map<string, number>();
    let [skippedBlocks, segmentsConsidered] = [0, 0];
    for (const store of this.#stores) {
      const plan = await store.plan(select, skip, options);
      for (const block of plan.blocks) {
        this.#owners.set(block, store);
        blocks.push(block);
      }
      warnings.push(...plan.warnings);
      skippedBlocks += plan.skippedBlocks;
      for (const [reason, count] of plan.skippedBy ?? []) {
        skippedBy.set(reason, (skippedBy.get(reason) ?? 0) + count);
      }
      segmentsConsidered += plan.segmentsConsidered;
    }
    return { blocks, skippedBlocks, skippedBy, segmentsConsidered, warnings };
  }

  /** Each store reads its own blocks, ahead of the others if need be; they come out in the order given. */
  async *read(
    blocks: readonly BlockRef[],
    needs: ColumnNeeds,
    options: ReadOptions,
  ): AsyncIterable<Block> {
    const byStore = Map.groupBy(blocks, (ref) => this.#owners.get(ref));
    const readers = new Map<LogStore, StoreReader>();
    for (const [store, own] of byStore) {
      if (store !== undefined) readers.set(store, new StoreReader(store.read(own, needs, options)));
    }
    try {
      for (const ref of blocks) {
        const store = this.#owners.get(ref);
        const block = store === undefined ? undefined : await readers.get(store)?.take(ref);
        if (block !== undefined) yield block;
      }
    } finally {
      for (const reader of readers.values()) await reader.close();
    }
  }

  async series(select: StreamSelect, options: ReadOptions): Promise<Labels[]> {
    const found = new Map<string, Labels>();
    for (const store of this.#stores) {
      for (const labels of await store.series(select, options)) found.set(labels.key, labels);
    }
    return [...found.values()];
  }

  labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]> {
    return this.#union((store) => store.labelNames(select, options));
  }

  labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]> {
    return this.#union((store) => store.labelValues(select, name, options));
  }

  async #union(ask: (store: LogStore) => Promise<string[]>): Promise<string[]> {
    const all = new Set<string>();
    for (const store of this.#stores) for (const text of await ask(store)) all.add(text);
    return [...all].sort(compareText);
  }

  async volumes(select: StreamSelect, options: ReadOptions): Promise<StreamVolume[]> {
    const byKey = new Map<string, StreamVolume>();
    for (const store of this.#stores) {
      for (const volume of await store.volumes(select, options)) {
        const { key } = volume.labels;
        const known = byKey.get(key);
        byKey.set(key, known === undefined ? volume : sum(known, volume));
      }
    }
    return [...byKey.values()];
  }
}

function sum(a: StreamVolume, b: StreamVolume): StreamVolume {
  return {
    labels: a.labels,
    entryCount: a.entryCount + b.entryCount,
    lineBytes: a.lineBytes + b.lineBytes,
    blockCount: a.blockCount + b.blockCount,
    isRounded: a.isRounded === true || b.isRounded === true,
  };
}

/** One store's blocks in order; a block the store left out (it could not be read) is passed over. */
class StoreReader {
  readonly #iterator: AsyncIterator<Block>;
  #next: Block | undefined;
  #isDone = false;

  constructor(blocks: AsyncIterable<Block>) {
    this.#iterator = blocks[Symbol.asyncIterator]();
  }

  async take(ref: BlockRef): Promise<Block | undefined> {
    if (this.#next === undefined && !this.#isDone) {
      const { value, done } = await this.#iterator.next();
      if (done === true) this.#isDone = true;
      else this.#next = value;
    }
    if (this.#next?.ref !== ref) return undefined;
    const block = this.#next;
    this.#next = undefined;
    return block;
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
