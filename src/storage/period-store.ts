import { isStoreError } from "#base";
import type { Labels, TimeRange } from "#model";
import type { Block, BlockRef, ColumnNeeds } from "./block.ts";
import { CombinedStore } from "./combined-store.ts";
import type {
  BlockPlan,
  LogStore,
  ReadOptions,
  SkipTerms,
  StreamSelect,
  StreamVolume,
} from "./log-store.ts";

/** From when to when a store answers. Two neighbours of the same store may be two of these. */
export interface StorePeriod {
  readonly fromNs: bigint;
  /** Exclusive; undefined: for ever. */
  readonly toNs: bigint | undefined;
  readonly store: LogStore;
  /** For warnings: `period from 2026-01-31, s3 bucket logs`. */
  readonly name: string;
}

export interface PeriodStoreOptions {
  /** Any order, none overlapping another. */
  readonly periods: readonly StorePeriod[];
  /** Whether a tenant's answers may go without a period whose store does not answer. */
  readonly mayLeaveOut: (tenant: string) => boolean;
}

/**
 * Stores of dated periods as one: each is asked for its own part of a range only. A store keeps to
 * the range it is asked for: entries outside of it may be in its blocks only when no other period
 * has them. A store that is down fails the query, or is left out with a warning.
 */
export class PeriodStore implements LogStore {
  readonly #union: CombinedStore;

  constructor(options: PeriodStoreOptions) {
    const { mayLeaveOut } = options;
    this.#union = new CombinedStore(
      joined(options.periods).map((period) => new OnePeriod(period, mayLeaveOut)),
    );
  }

  plan(select: StreamSelect, skip: SkipTerms, options: ReadOptions): Promise<BlockPlan> {
    return this.#union.plan(select, skip, options);
  }

  read(
    blocks: readonly BlockRef[],
    needs: ColumnNeeds,
    options: ReadOptions,
  ): AsyncIterable<Block> {
    return this.#union.read(blocks, needs, options);
  }

  series(select: StreamSelect, options: ReadOptions): Promise<Labels[]> {
    return this.#union.series(select, options);
  }

  labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]> {
    return this.#union.labelNames(select, options);
  }

  labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]> {
    return this.#union.labelValues(select, name, options);
  }

  volumes(select: StreamSelect, options: ReadOptions): Promise<StreamVolume[]> {
    return this.#union.volumes(select, options);
  }
}

/** Neighbours of one store become one period, so that it is asked once. */
function joined(periods: readonly StorePeriod[]): StorePeriod[] {
  const sorted = [...periods].sort((a, b) => (a.fromNs < b.fromNs ? -1 : 1));
  const result: StorePeriod[] = [];
  for (const period of sorted) {
    const last = result.at(-1);
    if (last !== undefined && last.store === period.store && last.toNs === period.fromNs) {
      result[result.length - 1] = { ...last, toNs: period.toNs };
    } else {
      result.push(period);
    }
  }
  return result;
}

const nothingPlanned: BlockPlan = {
  blocks: [],
  skippedBlocks: 0,
  segmentsConsidered: 0,
  warnings: [],
};

class OnePeriod implements LogStore {
  readonly #period: StorePeriod;
  readonly #mayLeaveOut: (tenant: string) => boolean;
  /** Blocks that may be left out, of tenants that allow it: `read` does not know the tenant. */
  readonly #dispensable = new WeakSet<BlockRef>();

  constructor(period: StorePeriod, mayLeaveOut: (tenant: string) => boolean) {
    this.#period = period;
    this.#mayLeaveOut = mayLeaveOut;
  }

  async plan(select: StreamSelect, skip: SkipTerms, options: ReadOptions): Promise<BlockPlan> {
    const own = this.#ownPart(select);
    if (own === undefined) return nothingPlanned;
    try {
      const plan = await this.#period.store.plan(own, skip, options);
      if (this.#mayLeaveOut(select.tenant)) {
        for (const block of plan.blocks) this.#dispensable.add(block);
      }
      return plan;
    } catch (error) {
      return { ...nothingPlanned, warnings: [this.#leaveOut(select.tenant, error)] };
    }
  }

  async *read(
    blocks: readonly BlockRef[],
    needs: ColumnNeeds,
    options: ReadOptions,
  ): AsyncIterable<Block> {
    try {
      yield* this.#period.store.read(blocks, needs, options);
    } catch (error) {
      const first = blocks[0];
      if (first === undefined || !this.#dispensable.has(first)) throw error;
      if (!isStoreError(error, "unavailable")) throw error;
      options.warn(this.#warning(error));
    }
  }

  series(select: StreamSelect, options: ReadOptions): Promise<Labels[]> {
    return this.#listed(select, options, (store, own) => store.series(own, options));
  }

  labelNames(select: StreamSelect, options: ReadOptions): Promise<string[]> {
    return this.#listed(select, options, (store, own) => store.labelNames(own, options));
  }

  labelValues(select: StreamSelect, name: string, options: ReadOptions): Promise<string[]> {
    return this.#listed(select, options, (store, own) => store.labelValues(own, name, options));
  }

  volumes(select: StreamSelect, options: ReadOptions): Promise<StreamVolume[]> {
    return this.#listed(select, options, (store, own) => store.volumes(own, options));
  }

  async #listed<T>(
    select: StreamSelect,
    options: ReadOptions,
    ask: (store: LogStore, own: StreamSelect) => Promise<T[]>,
  ): Promise<T[]> {
    const own = this.#ownPart(select);
    if (own === undefined) return [];
    try {
      return await ask(this.#period.store, own);
    } catch (error) {
      options.warn(this.#leaveOut(select.tenant, error));
      return [];
    }
  }

  /** Undefined when the range lies outside of the period. */
  #ownPart(select: StreamSelect): StreamSelect | undefined {
    const { fromNs, toNs } = this.#period;
    const range: TimeRange = {
      fromNs: select.range.fromNs > fromNs ? select.range.fromNs : fromNs,
      toNs: toNs === undefined || select.range.toNs < toNs ? select.range.toNs : toNs,
    };
    return range.fromNs < range.toNs ? { ...select, range } : undefined;
  }

  /** The warning for the answer; throws what must fail the query. */
  #leaveOut(tenant: string, error: unknown): string {
    if (!isStoreError(error, "unavailable") || !this.#mayLeaveOut(tenant)) throw error;
    return this.#warning(error);
  }

  #warning(error: { readonly message: string }): string {
    return `${this.#period.name} left out, its object store does not answer: ${error.message}`;
  }
}
