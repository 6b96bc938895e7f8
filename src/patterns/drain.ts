/**
 * Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS
 * 2017), with a tree of one level: lines are grouped by their shape (separators, keys, number of
 * words), and within a group a line joins the template that shares the most words with it.
 */
import { BucketCounts } from "./bucket-counts.ts";
import type { LineTokens } from "./line-tokens.ts";

/** A line joins a template that shares at least this part of the words. */
const similarityMin = 0.5;

/** Templates of one stream and level: more are noise, and the rarest gives way. */
export const clustersMax = 200;

/** Share of the templates that make room for others at once: looking for the rarest costs a sort. */
const forgottenShare = 0.1;

/** What a cluster costs besides its line and words. */
const clusterOverheadBytes = 400;
const wordCostBytes = 9;
/** What one bucket of a count costs. */
const bucketCostBytes = 48;

/** A template and how often its lines came. */
export class Cluster {
  readonly counts: BucketCounts = new BucketCounts();
  readonly shape: number;
  readonly heapBytes: number;
  /** Weight of all lines so far, also those whose counts were taken out. */
  weight = 0;
  readonly #line: Buffer;
  readonly #count: number;
  /**
   * Hash of each word, 0 when it varies; behind them where each stands (`spanOf`). One array, since there are thousands
   * of clusters and the collector walks over every one.
   */
  readonly #words: Uint32Array;
  readonly #tailFrom: number;
  #constantCount: number;
  #text: string | undefined;

  /** Keeps a copy of the line at `from`. */
  constructor(tokens: LineTokens, bytes: Buffer, from: number) {
    const { count, length } = tokens;
    this.shape = tokens.shape;
    this.#line = Buffer.from(bytes.subarray(from, from + length));
    this.#count = count;
    this.#words = new Uint32Array(count * 2);
    for (let i = 0; i < count; i++) {
      this.#words[i] = tokens.hashes[i]!;
      this.#words[count + i] = spanOf(tokens.froms[i]!, tokens.tos[i]!, tokens.keys[i]!);
    }
    this.#tailFrom = tokens.tailFrom;
    this.#constantCount = tokens.constantCount;
    this.heapBytes = clusterOverheadBytes + length + count * wordCostBytes;
    if (!tokens.isAscii) this.#dropBrokenWords();
  }

  /** Words that are not UTF-8 cannot stand in a template. */
  #dropBrokenWords(): void {
    for (let i = 0; i < this.#count; i++) {
      const isBroken = this.#words[i] !== 0 && this.#word(i).includes("\ufffd");
      if (isBroken) this.#makeVariable(i);
    }
  }

  #makeVariable(i: number): void {
    if (this.#words[i] !== 0 && !isKey(this.#words[this.#count + i]!)) this.#constantCount--;
    this.#words[i] = 0;
    this.#text = undefined;
  }

  /** Share of words in common, from 0 to 1; -1 for another number of words. */
  similarity(tokens: LineTokens): number {
    const { count, hashes, keys } = tokens;
    if (count !== this.#count) return -1;
    const most = Math.max(this.#constantCount, tokens.constantCount);
    if (most === 0) return 1;
    let common = 0;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i]!;
      if (hash !== 0 && keys[i] === 0 && this.#words[i] === hash) common++;
    }
    return common / most;
  }

  /** Words in which the line differs become variables. */
  join(tokens: LineTokens): void {
    const { hashes } = tokens;
    const own = this.#words;
    for (let i = 0; i < this.#count; i++) {
      if (own[i] !== 0 && own[i] !== hashes[i]) this.#makeVariable(i);
    }
  }

  /** Nothing but variables says nothing. */
  get hasWords(): boolean {
    for (let i = 0; i < this.#count; i++) if (this.#words[i] !== 0) return true;
    return false;
  }

  /** The template with `<_>` for what varies: a LogQL pattern. */
  text(): string {
    this.#text ??= this.#render();
    return this.#text;
  }

  #render(): string {
    const line = this.#line;
    const count = this.#count;
    let text = "";
    let at = 0;
    for (let i = 0; i < count; i++) {
      const span = this.#words[count + i]!;
      text += line.toString("latin1", at, spanFrom(span));
      text += this.#words[i] === 0 ? "<_>" : this.#word(i);
      at = spanTo(span);
    }
    if (this.#tailFrom < 0) return text + line.toString("latin1", at);
    return `${text}${line.toString("latin1", at, this.#tailFrom)}<_>`;
  }

  #word(i: number): string {
    const span = this.#words[this.#count + i]!;
    return this.#line.toString("utf8", spanFrom(span), spanTo(span));
  }
}

/** Where a word stands in its line, of which no more than 2 KiB are looked at, and whether it is a key. */
function spanOf(from: number, to: number, key: number): number {
  return from | (to << 12) | (key << 24);
}

function spanFrom(span: number): number {
  return span & 0xfff;
}

function spanTo(span: number): number {
  return (span >>> 12) & 0xfff;
}

function isKey(span: number): boolean {
  return span >>> 24 !== 0;
}

/** The templates of one stream and level. */
export class Drain {
  readonly #groups = new Map<number, Cluster[]>();
  readonly #clustersMax: number;
  #count = 0;
  #heapBytes = 0;

  constructor(options: { readonly clustersMax?: number } = {}) {
    this.#clustersMax = options.clustersMax ?? clustersMax;
  }

  get count(): number {
    return this.#count;
  }

  /** Templates and counts, estimated. */
  get heapBytes(): number {
    return this.#heapBytes;
  }

  /** The cluster of a line whose tokens were just read, made when there is none. */
  train(tokens: LineTokens, bytes: Buffer, from: number): Cluster {
    let group = this.#groups.get(tokens.shape);
    let best: Cluster | undefined;
    let bestSimilarity = 0;
    for (const cluster of group ?? []) {
      const similarity = cluster.similarity(tokens);
      if (similarity < similarityMin || similarity <= bestSimilarity) continue;
      best = cluster;
      bestSimilarity = similarity;
      if (similarity === 1) break;
    }
    if (best !== undefined) {
      best.join(tokens);
      return best;
    }
    if (this.#count >= this.#clustersMax) this.#forgetRarest();
    group = this.#groups.get(tokens.shape);
    if (group === undefined) this.#groups.set(tokens.shape, (group = []));
    const made = new Cluster(tokens, bytes, from);
    group.push(made);
    this.#count++;
    this.#heapBytes += made.heapBytes;
    return made;
  }

  /** A tenth of the templates at once, and their counts with them. */
  #forgetRarest(): void {
    const rarest = [...this.clusters()].sort((a, b) => a.weight - b.weight);
    const count = Math.max(1, Math.floor(rarest.length * forgottenShare));
    for (const cluster of rarest.slice(0, count)) this.#forget(cluster);
  }

  #forget(cluster: Cluster): void {
    const group = this.#groups.get(cluster.shape)!.filter((other) => other !== cluster);
    if (group.length > 0) this.#groups.set(cluster.shape, group);
    else this.#groups.delete(cluster.shape);
    this.#count--;
    this.#heapBytes -= cluster.heapBytes + cluster.counts.size * bucketCostBytes;
  }

  /** Lines of a cluster that `train` returned. */
  addLines(cluster: Cluster, bucket: number, lineCount: number): void {
    const before = cluster.counts.size;
    cluster.counts.add(bucket, lineCount);
    cluster.weight += lineCount;
    this.#heapBytes += (cluster.counts.size - before) * bucketCostBytes;
  }

  /** Takes the counts of buckets [from, to) out of a cluster, in order of time. */
  takeCounts(cluster: Cluster, from: number, to: number): [bucket: number, count: number][] {
    const taken = cluster.counts.take(from, to);
    this.#heapBytes -= taken.length * bucketCostBytes;
    // What was frequent yesterday gives way to what is frequent now.
    if (taken.length > 0) cluster.weight /= 2;
    return taken;
  }

  *clusters(): Generator<Cluster> {
    for (const group of this.#groups.values()) yield* group;
  }
}
