/** Counts of many streams and sources → the patterns of an answer. */
import { nsPerSecond } from "#base";
import { compareText, type Labels, type TimeRange } from "#model";
import { bucketSeconds } from "./bucket-counts.ts";
import { type Cluster, Drain } from "./drain.ts";
import { LineTokens } from "./line-tokens.ts";
import type { Pattern, PatternCounts, PatternRequest } from "./pattern.ts";

/** An answer lists the most frequent ones; nobody reads on. */
export const patternsMax = 300;

/** Distinct templates of one level that take part; the rest is as rare as they are many. */
const textsMax = 10_000;

/** How an answer samples time. */
type Sampling = Pick<PatternRequest, "fromNs" | "toNs" | "stepNs" | "matchers">;

/** Times of which nothing of the selected streams may be told. */
export interface HiddenPatterns {
  readonly range: TimeRange;
  readonly selects: (labels: Labels) => boolean;
}

/**
 * Adds counts up by template and level, over streams, segments and what is in memory. A template
 * that grew more general later takes up its earlier forms: templates go through Drain once more.
 */
export class PatternSums {
  readonly #request: Sampling;
  readonly #stepSeconds: number;
  readonly #fromBucket: number;
  readonly #toBucket: number;
  readonly #isSelected = new Map<string, boolean>();
  #hidden: readonly HiddenPatterns[] = [];
  /** By key of a stream: first and last bucket that is hidden, both inclusive. */
  #hiddenOf = new Map<string, readonly (readonly [first: number, last: number])[]>();
  /** Lines by step, by template, by level. */
  readonly #levels = new Map<string, Map<string, Map<number, number>>>();

  constructor(request: Sampling) {
    this.#request = request;
    const stepSeconds = Math.ceil(Number(request.stepNs) / Number(nsPerSecond));
    this.#stepSeconds = Math.max(bucketSeconds, stepSeconds);
    const bucketNs = BigInt(bucketSeconds) * nsPerSecond;
    this.#fromBucket = Number(request.fromNs / bucketNs);
    this.#toBucket = Number((request.toNs + bucketNs - 1n) / bucketNs);
  }

  /**
   * What is added from now on is passed over where something of its ten seconds is hidden: whether
   * the lines of one template are those that are to be hidden, nobody can tell any more.
   */
  hide(hidden: readonly HiddenPatterns[]): void {
    this.#hidden = hidden;
    this.#hiddenOf = new Map();
  }

  #hiddenBuckets(labels: Labels): readonly (readonly [first: number, last: number])[] {
    let found = this.#hiddenOf.get(labels.key);
    if (found === undefined) {
      const bucketNs = BigInt(bucketSeconds) * nsPerSecond;
      found = this.#hidden
        .filter(({ selects }) => selects(labels))
        .map(({ range }) => [
          Math.floor(Number(range.fromNs) / Number(bucketNs)),
          Number((range.toNs - 1n) / bucketNs),
        ]);
      this.#hiddenOf.set(labels.key, found);
    }
    return found;
  }

  /** Counts of streams or times that were not asked for are passed over. */
  add({ labels, text, level, buckets }: PatternCounts): void {
    if (!this.#selects(labels)) return;
    const hidden = this.#hiddenBuckets(labels);
    let samples: Map<number, number> | undefined;
    for (const [bucket, count] of buckets) {
      if (bucket < this.#fromBucket || bucket >= this.#toBucket) continue;
      if (hidden.some(([first, last]) => bucket >= first && bucket <= last)) continue;
      samples ??= this.#samplesOf(level, text);
      if (samples === undefined) return;
      const seconds = bucket * bucketSeconds;
      const step = seconds - (seconds % this.#stepSeconds);
      samples.set(step, (samples.get(step) ?? 0) + count);
    }
  }

  #selects(labels: Labels): boolean {
    const known = this.#isSelected.get(labels.key);
    if (known !== undefined) return known;
    const { matchers } = this.#request;
    const passes = matchers.every(({ name, test }) => test(labels.get(name) ?? ""));
    this.#isSelected.set(labels.key, passes);
    return passes;
  }

  #samplesOf(level: string, text: string): Map<number, number> | undefined {
    let texts = this.#levels.get(level);
    if (texts === undefined) this.#levels.set(level, (texts = new Map()));
    let samples = texts.get(text);
    if (samples === undefined && texts.size < textsMax) texts.set(text, (samples = new Map()));
    return samples;
  }

  /** Most frequent first. */
  patterns(): Pattern[] {
    const found = [...this.#levels].flatMap(([level, texts]) => patternsOfLevel(level, texts));
    found.sort(
      (a, b) =>
        b.total - a.total || compareText(a.pattern, b.pattern) || compareText(a.level, b.level),
    );
    return found
      .slice(0, patternsMax)
      .map(({ pattern, level, samples }) => ({ pattern, level, samples }));
  }
}

function patternsOfLevel(
  level: string,
  texts: Map<string, Map<number, number>>,
): (Pattern & { total: number })[] {
  const drain = new Drain({ clustersMax: textsMax });
  const tokens = new LineTokens();
  const sums = new Map<Cluster, Map<number, number>>();
  for (const [text, samples] of texts) {
    const bytes = Buffer.from(text);
    tokens.read(bytes, 0, bytes.length);
    const cluster = drain.train(tokens, bytes, 0);
    let sum = sums.get(cluster);
    if (sum === undefined) sums.set(cluster, (sum = new Map()));
    for (const [step, count] of samples) sum.set(step, (sum.get(step) ?? 0) + count);
  }
  return [...sums].map(([cluster, sum]) => ({
    pattern: cluster.text(),
    level,
    samples: [...sum].sort((a, b) => a[0] - b[0]),
    total: sum.values().reduce((a, b) => a + b, 0),
  }));
}
