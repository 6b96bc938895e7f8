/** Index files → the chunks a query may need, each once, as planned blocks. */
import { day, nsPerMs } from "#base";
import { chunkKeyFormOf, formatChunkKey } from "#lokichunk";
import type { ChunkMeta, MsRange, SeriesChunks } from "#lokiindex";
import type { Labels, TimeRange } from "#model";
import type { StreamSelect } from "#storage";
import { nextTurn } from "#world";
import { type ChunkBlockRef, ChunkFacts, type KnownFacts } from "./planned-chunk.ts";
import type { LokiPeriod, LokiPeriods } from "./loki-period.ts";

/**
 * A decoded block spans less than 2^53 ns (104 days), so that offsets in it are exact. A chunk that
 * spans more, which no writer in its right mind makes, is read window by window.
 */
const windowMs: number = 100 * day;

/** The order among chunks of one stream that end in the same millisecond. */
const chunksPerMsMax = 1024;

/** Chunks planned between two turns of the event loop: some milliseconds. */
const chunksPerTurn = 1_000;

interface FoundChunk {
  readonly labels: Labels;
  readonly fingerprint: bigint;
  readonly meta: ChunkMeta;
}

/** Milliseconds that a range of nanoseconds touches. */
export function msRangeOf({ fromNs, toNs }: TimeRange): MsRange {
  return { fromMs: floorMs(fromNs), toMs: -floorMs(-toNs) };
}

function floorMs(ns: bigint): number {
  const ms = ns / nsPerMs;
  return Number(ns < 0n && ms * nsPerMs !== ns ? ms - 1n : ms);
}

/** Collects chunks of one tenant from the index files of several tables. */
export class ChunkPlan {
  readonly #select: StreamSelect;
  readonly #period: LokiPeriod;
  readonly #periods: LokiPeriods;
  readonly #chunks = new Map<string, FoundChunk>();
  readonly #labels = new Map<string, Labels>();

  constructor(options: { select: StreamSelect; period: LokiPeriod; periods: LokiPeriods }) {
    this.#select = options.select;
    this.#period = options.period;
    this.#periods = options.periods;
  }

  /** A chunk that several files or tables list counts once. */
  add(series: SeriesChunks): void {
    const { key } = series.labels;
    const labels = this.#labels.get(key) ?? series.labels;
    this.#labels.set(key, labels);
    const { fingerprint } = series;
    for (const meta of series.chunks) {
      const id = `${fingerprint}/${meta.minMs}/${meta.maxMs}/${meta.checksum}`;
      if (!this.#chunks.has(id)) this.#chunks.set(id, { labels, fingerprint, meta });
    }
  }

  /** In order of arrival, as far as bounds tell. */
  async refs(own: TimeRange, known: KnownFacts): Promise<ChunkBlockRef[]> {
    const refs: ChunkBlockRef[] = [];
    const orders = new SourceOrders();
    let left = chunksPerTurn;
    for (const chunk of [...this.#chunks.values()].sort(compareFound)) {
      this.#addRefs(refs, { chunk, own, known, sourceOrder: orders.next(chunk) });
      if (--left > 0) continue;
      await nextTurn();
      left = chunksPerTurn;
    }
    return refs;
  }

  #addRefs(
    refs: ChunkBlockRef[],
    what: { chunk: FoundChunk; own: TimeRange; known: KnownFacts; sourceOrder: number },
  ): void {
    const { tenant, matchers, range: wanted } = this.#select;
    const { fingerprint, meta } = what.chunk;
    const { minMs: fromMs, maxMs: throughMs, checksum } = meta;
    const home = this.#periods.at(fromMs) ?? this.#period;
    const ref = { tenant, fingerprint, fromMs, throughMs, checksum };
    const key = formatChunkKey(ref, chunkKeyFormOf(home.schema));
    const facts = what.known.get(key);
    // Empty lines alone make Loki write a chunk without a block.
    if (facts?.entryCount === 0) return;
    for (const rows of windowsOf(meta, what.own)) {
      if (rows.fromNs >= wanted.toNs || rows.toNs <= wanted.fromNs) continue;
      const planned = { ...what.chunk, tenant, home, key, rows, wanted, matchers };
      refs.push({ chunk: planned, facts: new ChunkFacts(planned, what.sourceOrder, facts) });
    }
  }
}

function compareFound(a: FoundChunk, b: FoundChunk): number {
  return (
    a.meta.maxMs - b.meta.maxMs ||
    a.meta.minMs - b.meta.minMs ||
    (a.fingerprint < b.fingerprint ? -1 : a.fingerprint > b.fingerprint ? 1 : 0) ||
    a.meta.checksum - b.meta.checksum
  );
}

/**
 * Numbers by the time a chunk ends, on the scale that segments use (ms since 1970 × 1024), and
 * distinct within a stream: chunks of one stream may hold the same entries, and a query compares
 * them where numbers differ.
 */
class SourceOrders {
  readonly #lastOf = new Map<bigint, number>();

  next({ fingerprint, meta }: FoundChunk): number {
    const order = meta.maxMs * chunksPerMsMax;
    const last = this.#lastOf.get(fingerprint);
    const next = last !== undefined && last >= order ? last + 1 : order;
    this.#lastOf.set(fingerprint, next);
    return next;
  }
}

/** Nearly always one: all rows that are this store's own. */
function windowsOf({ minMs, maxMs }: ChunkMeta, own: TimeRange): TimeRange[] {
  if (maxMs - minMs < windowMs) return [own];
  const windows: TimeRange[] = [];
  const [fromMs, toMs] = [Math.max(minMs, floorMs(own.fromNs)), Math.min(maxMs, floorMs(own.toNs))];
  let fromNs = own.fromNs;
  for (let ms = fromMs + windowMs; ms < toMs; ms += windowMs) {
    const toNs = BigInt(ms) * nsPerMs;
    windows.push({ fromNs, toNs });
    fromNs = toNs;
  }
  windows.push({ fromNs, toNs: own.toNs });
  return windows;
}
