/**
 * `--stdin`: a query over piped lines, without a server. A log query works on batches as they come,
 * so a pipe of any length, or one that never ends, needs little memory; what must see everything
 * (metric queries, sort, limit, distinct) keeps all of it.
 */
import { GiB, MiB } from "#base";
import { type Expr, isAnswerStage, makeMatcher, type MetricExpr, printExpr } from "#logql";
import { Labels, type Matcher } from "#model";
import type { LogEntry } from "./answers.ts";
import { CliError, usageError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import type { EntryPrinter } from "./entry-printer.ts";
import { timeOfLine } from "./line-time.ts";
import { queryOf } from "./parsed-query.ts";
import { PushBatchBuilder } from "./push-batch.ts";
import { readJsonl } from "./push-jsonl.ts";
import { LineSplitter } from "./push-lines.ts";
import { StdinEngine, type StdinQuery, stepOfRange } from "./stdin-engine.ts";
import type { AskedRange } from "./time-range.ts";

export interface StdinOptions {
  readonly query: string;
  readonly kind: "range" | "instant";
  /** What the user gave of it; an end that is missing is that of the data. */
  readonly range: Partial<AskedRange>;
  readonly step: bigint | undefined;
  readonly interval: bigint | undefined;
  /** Undefined: all. */
  readonly limit: number | undefined;
  /** `jsonl`: lines as `query -o jsonl` and `export` print them, with labels and times. */
  readonly format: "raw" | "jsonl";
  readonly labels: Labels;
}

/** Of raw lines when the user names none. */
export const stdinLabels: Labels = Labels.of([["job", "stdin"]]);

const batchBytesMax: number = 4 * MiB;
/** A batch that is not full is asked this long after its first line, so that live pipes show soon. */
const batchWaitMs = 200;
/** What a query that needs everything may hold; swapping machines answer nobody. */
const heldBytesMax: number = 2 * GiB;

export async function queryStdin(
  options: StdinOptions,
  { io, printer }: { io: CliIo; printer: EntryPrinter },
): Promise<void> {
  await new StdinRun(options, { io, printer }).run();
}

class StdinRun {
  readonly #options: StdinOptions;
  readonly #io: CliIo;
  readonly #printer: EntryPrinter;
  readonly #expr: Expr;
  readonly #needsAll: boolean;
  readonly #engine: StdinEngine;
  readonly #batch = new PushBatchBuilder();
  readonly #sameTimes = new Map<bigint, bigint>();
  #lastNs: bigint | undefined;
  #minNs: bigint | undefined;
  #maxNs: bigint | undefined;
  #left: number;
  #cancelTimer: (() => void) | undefined;
  #asking: Promise<void> = Promise.resolve();

  constructor(options: StdinOptions, { io, printer }: { io: CliIo; printer: EntryPrinter }) {
    this.#options = options;
    this.#io = io;
    this.#printer = printer;
    this.#expr = stdinExpr(options);
    const { stages } = this.#expr.kind === "log" ? this.#expr : { stages: [] };
    this.#needsAll = this.#expr.kind !== "log" || stages.some(isAnswerStage);
    this.#engine = new StdinEngine(io.clock, io.interrupted);
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
  }

  async run(): Promise<void> {
    const splitter = new LineSplitter("standard input");
    const add = (bytes: Buffer, from: number, to: number): void => {
      this.#add(bytes.subarray(from, to), splitter.lineCount);
    };
    try {
      for await (const chunk of this.#io.stdin) {
        this.#io.interrupted.throwIfAborted();
        await this.#asking;
        splitter.take(Buffer.from(chunk), add);
        if (!this.#needsAll && this.#isFull) await this.#startAsking();
        if (this.#left <= 0) return;
      }
      await this.#asking;
      splitter.finish(add);
      if (this.#left > 0) await this.#startAsking();
    } finally {
      this.#cancelTimer?.();
      await this.#asking;
    }
  }

  get #isFull(): boolean {
    return this.#engine.heapBytes >= batchBytesMax;
  }

  #add(bytes: Buffer, lineNumber: number): void {
    const { format, labels } = this.#options;
    const place = { source: "standard input", line: lineNumber };
    if (format === "jsonl") {
      const text = bytes.toString("utf8");
      if (text.trim() !== "") this.#addJson(text, place);
      return;
    }
    const to = bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length;
    const found = timeOfLine(bytes.toString("latin1", 0, Math.min(to, timeBytesMax)));
    const timeNs = this.#apart(found ?? this.#lastNs ?? this.#io.clock.nowNs());
    this.#take(labels, { timeNs, bytes, from: 0, to, metadata: [] }, place);
  }

  #addJson(text: string, place: { source: string; line: number }): void {
    const { labels: others } = this.#options;
    let entry: ReturnType<typeof readJsonl>;
    try {
      const metadataNames = new Set(["detected_level"]);
      entry = readJsonl(text, { metadataNames, labels: others, added: Labels.empty });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CliError(`${place.source}: line ${place.line}: ${reason}`);
    }
    const { labels, line, metadata } = entry;
    const timeNs = this.#apart(entry.timeNs ?? this.#lastNs ?? this.#io.clock.nowNs());
    this.#take(labels, { timeNs, bytes: line, from: 0, to: line.length, metadata }, place);
  }

  #take(
    labels: Labels,
    entry: Parameters<PushBatchBuilder["add"]>[1],
    place: { source: string; line: number },
  ): void {
    const { timeNs } = entry;
    if (this.#minNs === undefined || timeNs < this.#minNs) this.#minNs = timeNs;
    if (this.#maxNs === undefined || timeNs > this.#maxNs) this.#maxNs = timeNs;
    this.#batch.add(labels, entry, place);
    if (this.#batch.sizeBytes >= MiB) this.#flush();
    if (!this.#needsAll) this.#armTimer();
  }

  #flush(): void {
    if (this.#batch.entryCount > 0) this.#engine.add(this.#batch.take());
    if (this.#engine.heapBytes <= heldBytesMax) return;
    throw new CliError(`more than ${heldBytesMax / GiB} GiB of lines to hold in memory`, {
      hints: ["Filter them first (grep, skald query --stdin -o raw), or push them to a server."],
    });
  }

  /** Equal lines of one time are one entry to a log store; here each was written for itself. */
  #apart(timeNs: bigint): bigint {
    this.#lastNs = timeNs;
    const more = this.#sameTimes.get(timeNs) ?? 0n;
    this.#sameTimes.set(timeNs, more + 1n);
    return timeNs + more;
  }

  #armTimer(): void {
    this.#cancelTimer ??= this.#io.clock.schedule(batchWaitMs, () => {
      this.#cancelTimer = undefined;
      // No chunk may come for long: what is there is shown now. `run` hears of a failure.
      this.#startAsking().catch(() => undefined);
    });
  }

  #startAsking(): Promise<void> {
    this.#asking = this.#ask();
    return this.#asking;
  }

  /** One at a time: lines are added between two, never during one. */
  async #ask(): Promise<void> {
    await this.#asking;
    this.#flush();
    const [minNs, maxNs] = [this.#minNs, this.#maxNs];
    if (minNs === undefined || maxNs === undefined) return;
    const answer = await this.#engine.run(this.#askedOf(minNs, maxNs));
    if (!this.#needsAll) this.#forget();
    const { result } = answer;
    if (answer.kind === "samples") await this.#printer.printSamples(answer.samples);
    else {
      this.#left -= answer.entries.length;
      await this.#printer.print(answer.entries.map((entry) => this.#shown(entry)));
    }
    await this.#printer.about({ warnings: result.warnings, stats: result.stats });
  }

  /** Without the label that says no more than "standard input". */
  #shown(entry: LogEntry): LogEntry {
    if (this.#options.labels !== stdinLabels) return entry;
    const { pairs } = entry.labels;
    return { ...entry, labels: Labels.ofSorted(pairs.filter(([name]) => name !== "job")) };
  }

  #forget(): void {
    this.#engine.clear();
    this.#sameTimes.clear();
    this.#minNs = undefined;
    this.#maxNs = undefined;
  }

  #askedOf(minNs: bigint, maxNs: bigint): StdinQuery {
    const { range, kind, step, interval } = this.#options;
    const common = {
      text: printExpr(this.#expr),
      intervalNs: interval ?? 0n,
      limit: Math.min(this.#left, Number.MAX_SAFE_INTEGER),
      direction: "forward" as const,
    };
    if (this.#expr.kind === "log") {
      const fromNs = range.fromNs ?? minNs;
      const toNs = range.toNs ?? maxNs + 1n;
      return { ...common, kind: "range", fromNs, toNs, stepNs: undefined };
    }
    if (kind === "instant") {
      const atNs = range.toNs ?? maxNs;
      return { ...common, kind, fromNs: atNs, toNs: atNs, stepNs: undefined };
    }
    const [from, to] = [range.fromNs ?? minNs, range.toNs ?? maxNs];
    const stepNs = step ?? stepOfRange(from, to);
    // Points at whole steps: a window is (point - range, point], so each line is in one of them.
    const upToStep = (ns: bigint): bigint => ((ns + stepNs - 1n) / stepNs) * stepNs;
    const fromNs = range.fromNs ?? upToStep(from);
    const toNs = range.toNs ?? upToStep(to);
    return { ...common, kind, fromNs, toNs: toNs < fromNs ? fromNs : toNs, stepNs };
  }
}

const carriageReturn = 13;
/** What `timeOfLine` may look at; a line can have many MiB. */
const timeBytesMax = 4096;

/**
 * Piped lines have no streams to choose from: the selector is optional, and one that is there is
 * taken for any, as LogCLI does. Entries of `jsonl` have labels, so there it selects.
 */
function stdinExpr({ query, format, labels }: StdinOptions): Expr {
  const text = query.trim();
  const isBare = text === "" || /^[|!]/.test(text);
  if (format === "jsonl") {
    if (!isBare) return queryOf(text);
    throw usageError("entries of jsonl have labels: a selector is needed", 'Such as {app=~".+"}.');
  }
  const own = labels.pairs.map(([name, value]) => makeMatcher(name, "=", value));
  return withMatchers(queryOf(isBare ? `{} ${text}` : text, { requireMatcher: false }), own);
}

function withMatchers(expr: Expr, matchers: readonly Matcher[]): Expr {
  return expr.kind === "log" ? { ...expr, matchers } : metricWithMatchers(expr, matchers);
}

function metricWithMatchers(expr: MetricExpr, matchers: readonly Matcher[]): MetricExpr {
  switch (expr.kind) {
    case "rangeAggregation":
      return { ...expr, log: { ...expr.log, matchers } };
    case "vectorAggregation":
    case "labelReplace":
      return { ...expr, input: metricWithMatchers(expr.input, matchers) };
    case "binary": {
      const left = metricWithMatchers(expr.left, matchers);
      return { ...expr, left, right: metricWithMatchers(expr.right, matchers) };
    }
    case "vector":
    case "number":
      return expr;
    default:
      return expr satisfies never;
  }
}
