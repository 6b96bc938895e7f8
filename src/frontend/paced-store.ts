import type { Labels } from "#model";
import type {
  Block,
  BlockPlan,
  BlockRef,
  ColumnNeeds,
  LogStore,
  ReadCounters,
  ReadOptions,
  SkipTerms,
  StreamSelect,
  StreamVolume,
} from "#storage";
import type { ThreadTurns, ThreadUse } from "./thread-turns.ts";

/** A store whose readers share the thread with everything else: they get their blocks in turns. */
export class PacedStore implements LogStore {
  readonly #inner: LogStore;
  readonly #turns: ThreadTurns;
  /** By what all reads of a query share. */
  readonly #uses = new WeakMap<ReadCounters, ThreadUse>();

  constructor(inner: LogStore, turns: ThreadTurns) {
    this.#inner = inner;
    this.#turns = turns;
  }

  plan(select: StreamSelect, skip: SkipTerms, options: ReadOptions): Promise<BlockPlan> {
    return this.#inner.plan(select, skip, options);
  }

  async *read(
    blocks: readonly BlockRef[],
    needs: ColumnNeeds,
    options: ReadOptions,
  ): AsyncIterable<Block> {
    const { counters } = options;
    const use = this.#uses.get(counters) ?? { usedMs: 0 };
    this.#uses.set(counters, use);
    for await (const block of this.#inner.read(blocks, needs, options)) {
      const turn = this.#turns.pass(use);
      if (turn !== undefined) {
        await turn;
        options.signal.throwIfAborted();
      }
      yield block;
    }
  }

  series(select: StreamSelect, options: ReadOptions): Promise<Labels[]> {
    return this.#inner.series(select, options);
  }

  labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]> {
    return this.#inner.labelNames(select, options);
  }

  labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]> {
    return this.#inner.labelValues(select, name, options);
  }

  volumes(select: StreamSelect, options: ReadOptions): Promise<StreamVolume[]> {
    return this.#inner.volumes(select, options);
  }
}
