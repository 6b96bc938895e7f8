/**
 * The pure part of compaction: the files of one table, seen by one tenant, become one file without
 * the tenant label. Series are the same when fingerprint and labels are; chunks when their times
 * and checksum are. Nothing is held but one series of each file, and what the writer holds.
 */
import { StoreError } from "#base";
import type { ChunkMeta, IndexSeries } from "./chunk-meta.ts";
import { compareSeries, type SeriesIdentity } from "./compare-series.ts";
import type { SeriesChunks } from "./index-types.ts";
import type { TsdbIndex } from "./tsdb-index.ts";
import {
  type BuiltIndex,
  distinctChunks,
  writeIndex,
  type WriteIndexOptions,
} from "./write-index.ts";

/** One file to merge; `tenant` as in `SeriesSelect`: set for a file of many tenants. */
export interface MergeSource {
  readonly index: TsdbIndex;
  readonly tenant: string | undefined;
}

/** `keep` and `replace` are asked twice about each chunk and must answer the same both times. */
export interface MergeHooks {
  /** False: the chunk leaves the index. Asked before `replace`. */
  readonly keep?: (series: SeriesIdentity, chunk: ChunkMeta) => boolean;
  /** What stands in for a kept chunk: itself, rewritten ones, or none. */
  readonly replace?: (series: SeriesIdentity, chunk: ChunkMeta) => readonly ChunkMeta[];
  /** Told once of each chunk that `keep` refused. */
  readonly dropped?: (series: SeriesIdentity, chunk: ChunkMeta) => void;
}

/**
 * `undefined` when nothing is left: then there is no file to write. StoreError corrupt when a
 * source is damaged; nothing half merged comes out.
 */
export async function mergeIndexes(
  sources: readonly MergeSource[],
  options: WriteIndexOptions & MergeHooks,
): Promise<BuiltIndex | undefined> {
  return writeIndex(new MergedSeries(sources, options), options);
}

/** What the merged file will hold, in its order; may be gone through again and again. */
export class MergedSeries implements Iterable<IndexSeries> {
  readonly #sources: readonly MergeSource[];
  readonly #hooks: MergeHooks;
  #hasTold = false;

  constructor(sources: readonly MergeSource[], hooks: MergeHooks = {}) {
    this.#sources = sources;
    this.#hooks = hooks;
  }

  *[Symbol.iterator](): Generator<IndexSeries, void> {
    const isFirstPass = !this.#hasTold;
    this.#hasTold = true;
    const queue = new SourceQueue(this.#sources);
    for (let group = queue.nextGroup(); group.length > 0; group = queue.nextGroup()) {
      for (const series of joinSeries(group)) {
        const chunks = this.#chunksLeft(series, isFirstPass);
        if (chunks.length > 0) yield { ...series, chunks };
      }
    }
  }

  #chunksLeft(series: IndexSeries, isFirstPass: boolean): readonly ChunkMeta[] {
    const { keep, replace, dropped } = this.#hooks;
    const distinct = distinctChunks(series.chunks);
    if (keep === undefined && replace === undefined) return distinct;
    const left: ChunkMeta[] = [];
    for (const chunk of distinct) {
      if (keep?.(series, chunk) === false) {
        if (isFirstPass) dropped?.(series, chunk);
      } else if (replace === undefined) left.push(chunk);
      else for (const stand of replace(series, chunk)) left.push(stand);
    }
    return distinctChunks(left);
  }
}

/** Series of one fingerprint → one for each label set, sorted. */
function joinSeries(group: readonly SeriesChunks[]): IndexSeries[] {
  const [first] = group;
  if (first === undefined || group.length === 1) return [...group];
  // Nearly always: the same stream out of several files.
  if (group.every((series) => compareSeries(series, first) === 0)) {
    return [{ ...first, chunks: group.flatMap((series) => series.chunks) }];
  }
  const byLabels = new Map<string, { series: SeriesChunks; chunks: ChunkMeta[] }>();
  for (const series of group) {
    const known = byLabels.get(series.labels.key);
    if (known === undefined)
      byLabels.set(series.labels.key, { series, chunks: [...series.chunks] });
    else for (const chunk of series.chunks) known.chunks.push(chunk);
  }
  const joined = [...byLabels.values()].map(({ series, chunks }) => ({ ...series, chunks }));
  return joined.sort(compareSeries);
}

/** One file on its way through. */
interface Head {
  readonly source: MergeSource;
  readonly rest: Iterator<SeriesChunks, void>;
  series: SeriesChunks;
}

/** The files by the fingerprint they stand at: a binary heap, for there may be hundreds. */
class SourceQueue {
  readonly #heads: Head[] = [];

  constructor(sources: readonly MergeSource[]) {
    for (const source of sources) {
      const { index, tenant } = source;
      const rest = index.seriesChunks({ matchers: [], tenant })[Symbol.iterator]();
      const first = rest.next();
      if (first.done !== true) this.#heads.push({ source, rest, series: first.value });
    }
    for (let at = (this.#heads.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** All series with the smallest fingerprint; none at the end. */
  nextGroup(): SeriesChunks[] {
    const group: SeriesChunks[] = [];
    for (let head = this.#heads[0]; head !== undefined; head = this.#heads[0]) {
      const { series } = head;
      if (group.length > 0 && group[0]!.fingerprint !== series.fingerprint) break;
      group.push(series);
      this.#advance(head);
    }
    return group;
  }

  #advance(head: Head): void {
    const next = head.rest.next();
    if (next.done !== true) {
      if (next.value.fingerprint < head.series.fingerprint) throw outOfOrder(head, next.value);
      head.series = next.value;
    } else {
      const last = this.#heads.pop()!;
      if (this.#heads.length > 0) this.#heads[0] = last;
    }
    this.#sink(0);
  }

  #sink(from: number): void {
    const heads = this.#heads;
    let at = from;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child >= heads.length) continue;
        if (heads[child]!.series.fingerprint < heads[least]!.series.fingerprint) least = child;
      }
      if (least === at) return;
      [heads[at], heads[least]] = [heads[least]!, heads[at]!];
      at = least;
    }
  }
}

function outOfOrder(head: Head, series: SeriesChunks): StoreError {
  const before = head.series.fingerprint.toString(16);
  const found = series.fingerprint.toString(16);
  const text = `expected series sorted by fingerprint, found ${found} after ${before}`;
  return new StoreError("corrupt", `${head.source.index.key}: ${text}`);
}
