import { compareText, type Labels, type Matcher, nsPerDay, type TimeRange } from "#model";
import type {
  Block,
  BlockPlan,
  BlockRef,
  LogStore,
  ReadOptions,
  StreamSelect,
  StreamVolume,
} from "#storage";
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

  plan(select: StreamSelect): Promise<BlockPlan> {
    const blocks: BlockRef[] = [];
    for (const part of this.#partsIn(select.tenant, select.range)) {
      const streams = matchingStreams(part, select);
      for (const plan of planHeadBlocks(part, streams)) {
        const ref = this.#blocks.ref(plan);
        this.#planned.set(ref, plan);
        const { minNs, maxNs } = ref.facts;
        if (maxNs >= select.range.fromNs && minNs < select.range.toNs) blocks.push(ref);
      }
    }
    return Promise.resolve({ blocks, skippedBlocks: 0, segmentsConsidered: 0, warnings: [] });
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
    this.#eachStream(select, ({ labels }) => found.set(labels.key, labels));
    return Promise.resolve([...found.values()]);
  }

  labelNames(select: StreamSelect): Promise<string[]> {
    const names = new Set<string>();
    this.#eachStream(select, ({ labels }) => {
      for (const [name] of labels.pairs) names.add(name);
    });
    return Promise.resolve([...names].sort(compareText));
  }

  labelValues(select: StreamSelect, name: string): Promise<string[]> {
    const values = new Set<string>();
    this.#eachStream(select, ({ labels }) => {
      const value = labels.get(name);
      if (value !== undefined) values.add(value);
    });
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

  #eachStream(select: StreamSelect, visit: (stream: HeadStream) => void): void {
    for (const part of this.#partsIn(select.tenant, select.range)) {
      for (const stream of matchingStreams(part, select)) visit(stream);
    }
  }
}

function overlapsDay(part: HeadPart, range: TimeRange): boolean {
  return part.baseNs < range.toNs && part.baseNs + nsPerDay > range.fromNs;
}

function matchingStreams(part: HeadPart, select: StreamSelect): HeadStream[] {
  const from = Number(select.range.fromNs - part.baseNs);
  const to = Number(select.range.toNs - part.baseNs);
  const tests = select.matchers.map(memoised);
  const found: HeadStream[] = [];
  for (const stream of part.streams.values()) {
    if (stream.maxOffset < from || stream.minOffset >= to) continue;
    if (tests.every((test) => test(stream.labels))) found.push(stream);
  }
  return found;
}

/** A matcher tried once per distinct value: regular expressions cost more than a map. */
function memoised(matcher: Matcher): (labels: Labels) => boolean {
  const known = new Map<string, boolean>();
  return (labels) => {
    const value = labels.get(matcher.name) ?? "";
    let answer = known.get(value);
    if (answer === undefined) {
      answer = matcher.test(value);
      known.set(value, answer);
    }
    return answer;
  };
}

/** How much of [minNs, maxNs] lies in the range: 1 when all of it. */
function shareInRange(minNs: bigint, maxNs: bigint, range: TimeRange): number {
  const from = minNs > range.fromNs ? minNs : range.fromNs;
  const to = maxNs < range.toNs - 1n ? maxNs : range.toNs - 1n;
  if (from > to) return 0;
  return Number(to - from + 1n) / Number(maxNs - minNs + 1n);
}
