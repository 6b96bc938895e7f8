import { compareText, type Labels, nsPerDay, type TimeRange } from "#model";
import type {
  Block,
  BlockPlan,
  BlockRef,
  LogStore,
  ReadOptions,
  StreamSelect,
  StreamVolume,
} from "#storage";
import { nextTurn } from "#world";
import type { Head } from "./head.ts";
import { type HeadBlockPlan, type HeadBlocks, planHeadBlocks } from "./head-blocks.ts";
import type { HeadPart, HeadStream } from "./head-part.ts";

/** The head as queries see it. A query works on the state at the moment it planned. */
export class HeadStore implements LogStore {
  readonly #head: Head;
  readonly #blocks: HeadBlocks;
  readonly #planned = new WeakMap<BlockRef, HeadBlockPlan>();

  constructor(options: { head: Head; blocks: HeadBlocks }) {
    this.#head = options.head;
    this.#blocks = options.blocks;
  }

  /** What is planned is fixed before the first turn; new blocks are then built one at a time. */
  async plan(select: StreamSelect): Promise<BlockPlan> {
    const plans: HeadBlockPlan[] = [];
    for (const part of this.#partsIn(select.tenant, select.range)) {
      const found = planHeadBlocks(part, matchingStreams(part, select));
      if (found.length > 0) part.wasRead = true;
      plans.push(...found);
    }
    const blocks: BlockRef[] = [];
    for (const plan of plans) {
      let ref = this.#blocks.knownRef(plan);
      if (ref === undefined) {
        ref = this.#blocks.block(plan).ref;
        await nextTurn();
      }
      this.#planned.set(ref, plan);
      const { minNs, maxNs } = ref.facts;
      if (maxNs >= select.range.fromNs && minNs < select.range.toNs) blocks.push(ref);
    }
    return { blocks, skippedBlocks: 0, segmentsConsidered: 0, warnings: [] };
  }

  async *read(blocks: readonly BlockRef[]): AsyncIterable<Block> {
    for (const ref of blocks) {
      const plan = this.#planned.get(ref);
      if (plan === undefined) continue;
      const block = this.#blocks.block(plan);
      yield block.ref === ref ? block : { ...block, ref };
    }
  }

  series(select: StreamSelect): Promise<Labels[]> {
    const found = new Map<string, Labels>();
    for (const part of this.#partsIn(select.tenant, select.range)) {
      for (const { labels } of matchingStreams(part, select)) found.set(labels.key, labels);
    }
    return Promise.resolve([...found.values()]);
  }

  labelNames(select: StreamSelect): Promise<string[]> {
    const names = new Set<string>();
    for (const part of this.#partsIn(select.tenant, select.range)) {
      if (isWhole(part, select)) for (const name of part.index.names()) names.add(name);
      else {
        for (const { labels } of matchingStreams(part, select)) {
          for (const pair of labels.pairs) names.add(pair[0]);
        }
      }
    }
    return Promise.resolve([...names].sort(compareText));
  }

  labelValues(select: StreamSelect, name: string): Promise<string[]> {
    const values = new Set<string>();
    for (const part of this.#partsIn(select.tenant, select.range)) {
      if (isWhole(part, select)) {
        for (const value of part.index.byValue(name).keys()) values.add(value);
      } else {
        for (const { labels } of matchingStreams(part, select)) {
          const value = labels.get(name);
          if (value !== undefined) values.add(value);
        }
      }
    }
    return Promise.resolve([...values].sort(compareText));
  }

  async volumes(
    select: StreamSelect,
    _options: Pick<ReadOptions, "signal">,
  ): Promise<StreamVolume[]> {
    const byKey = new Map<string, StreamVolume>();
    const { blocks } = await this.plan(select);
    for (const { facts } of blocks) {
      for (const stream of facts.streams) {
        const share = shareInRange(stream.minNs, stream.maxNs, select.range);
        if (share === 0) continue;
        const known = byKey.get(stream.labels.key);
        byKey.set(stream.labels.key, {
          labels: stream.labels,
          entryCount: (known?.entryCount ?? 0) + Math.round(stream.entryCount * share),
          lineBytes: (known?.lineBytes ?? 0) + Math.round(stream.lineBytes * share),
          blockCount: (known?.blockCount ?? 0) + 1,
        });
      }
    }
    return [...byKey.values()];
  }

  #partsIn(tenant: string, range: TimeRange): HeadPart[] {
    return this.#head.parts(tenant).filter((part) => overlapsDay(part, range));
  }
}

function overlapsDay(part: HeadPart, range: TimeRange): boolean {
  return part.baseNs < range.toNs && part.baseNs + nsPerDay > range.fromNs;
}

function matchingStreams(part: HeadPart, select: StreamSelect): HeadStream[] {
  const found = part.index.select(select.matchers);
  const { from, to } = offsetsOf(part, select.range);
  if (from <= part.minOffset && part.maxOffset < to) return found;
  return found.filter((stream) => stream.maxOffset >= from && stream.minOffset < to);
}

function offsetsOf(part: HeadPart, range: TimeRange): { from: number; to: number } {
  return { from: Number(range.fromNs - part.baseNs), to: Number(range.toNs - part.baseNs) };
}

/** Whether the question is about every stream of the part: its index is the answer then. */
function isWhole(part: HeadPart, select: StreamSelect): boolean {
  const { from, to } = offsetsOf(part, select.range);
  return select.matchers.length === 0 && from <= part.minOffset && part.maxOffset < to;
}

/** How much of [minNs, maxNs] lies in the range: 1 when all of it. */
function shareInRange(minNs: bigint, maxNs: bigint, range: TimeRange): number {
  const from = minNs > range.fromNs ? minNs : range.fromNs;
  const to = maxNs < range.toNs - 1n ? maxNs : range.toNs - 1n;
  if (from > to) return 0;
  return Number(to - from + 1n) / Number(maxNs - minNs + 1n);
}
