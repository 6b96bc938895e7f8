/**
 * Writes entries to a live server, listens for them on its tail and asks for them by queries; see
 * docs/operating/canary.md. Requests are made one after the other per kind; what is undecided is
 * bounded by `CanaryEntries`.
 */
import { messageOf, nsPerMs, nsPerSecond } from "#base";
import { listOf, objectOf, readStreams } from "./answers.ts";
import { CanaryEntries, type CanaryEntry } from "./canary-entries.ts";
import type { CanaryFlags } from "./canary-flags.ts";
import type { CanaryMetrics, CanaryRequest } from "./canary-metrics.ts";
import { CanaryMetricTest } from "./canary-metric-test.ts";
import { CliError, Interrupted } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { HttpClient, RequestFailure } from "./http-client.ts";
import type { Connection } from "./connection.ts";
import { followTail } from "./tail-client.ts";

/** Of one push and of one question: an answer to it is far from any server's limit. */
const entriesPerRequestMax = 500;

/** Loki's default for max_entries_limit_per_query: an answer of so many may be cut. */
const answerCountMax = 5000;

/** An acknowledged entry can be found at once; a clock of another machine may differ by this. */
const settleMs = 1000;

const reconnectWaitMs = 1000;
/** How often the end looks whether everything is decided. */
const endStepMs = 250;
/** Entries kept for spot checks; with the defaults 16 are. */
const spotCountMax = 1000;

export interface CanaryParts {
  readonly connection: Connection;
  readonly io: CliIo;
  readonly flags: CanaryFlags;
  readonly metrics: CanaryMetrics;
}

interface Spot {
  readonly entry: CanaryEntry;
  readonly keptMs: number;
}

const msOf = (ns: bigint): number => Number(ns / nsPerMs);

export class Canary {
  isSuspended = false;
  readonly #parts: CanaryParts;
  readonly #flags: CanaryFlags;
  readonly #metrics: CanaryMetrics;
  readonly #entries: CanaryEntries;
  readonly #counting: CanaryMetricTest;
  /** Ends everything, also while a request is under way. */
  readonly #over = new AbortController();
  readonly #io: CliIo;
  readonly #client: HttpClient;
  readonly #selector: string;
  readonly #queue: CanaryEntry[] = [];
  #sending: Promise<void> | undefined;
  #spots: Spot[] = [];
  #newestId = 0n;
  #heardId = 0n;
  #isTailing = false;
  /** What sending failed of, when it cannot pass. */
  #failed: unknown;

  constructor(parts: CanaryParts) {
    const { io, flags, metrics, connection } = parts;
    this.#parts = parts;
    this.#flags = flags;
    this.#metrics = metrics;
    this.#io = { ...io, interrupted: AbortSignal.any([io.interrupted, this.#over.signal]) };
    this.#client = new HttpClient(
      {
        ...connection,
        minBackoffMs: msOf(flags.writeMinBackoff),
        maxBackoffMs: msOf(flags.writeMaxBackoff),
      },
      this.#io,
    );
    const times = {
      waitMs: msOf(flags.wait),
      maxWaitMs: msOf(flags.maxWait),
      lateMs: msOf(flags.late),
      settleMs,
    };
    this.#entries = new CanaryEntries(times, metrics);
    this.#counting = new CanaryMetricTest(Number(flags.metricTestRange / nsPerSecond));
    const pairs = Object.entries(this.#labels()).map(([k, v]) => `${k}=${JSON.stringify(v)}`);
    this.#selector = `{${pairs.join(",")}}`;
  }

  /** Whether the tail is open: the canary hears what is written. */
  get isTailing(): boolean {
    return this.#isTailing;
  }

  /** Resolves when interrupted, or after `for` with everything decided. Rejects for what cannot pass. */
  async run(): Promise<void> {
    const { io } = this.#parts;
    this.#heardId = io.clock.nowNs();
    const tasks = [
      this.#tail(),
      this.#every(this.#flags.pruneinterval, () => this.#readBack()),
      this.#every(this.#flags.spotCheckInterval, () => this.#keepSpot()),
      this.#spotChecks(),
      this.#every(this.#flags.metricTestInterval, () => this.#metricTest()),
      this.#writeAndEnd(),
    ];
    // The first failure ends the others; all are over before anybody hears of it.
    const watched = tasks.map((task) =>
      task.catch((error: unknown) => {
        this.#over.abort(new Interrupted());
        throw error;
      }),
    );
    const ends = await Promise.allSettled(watched);
    await this.#sending;
    if (this.#failed !== undefined) throw this.#failed;
    for (const end of ends) {
      if (end.status === "rejected" && !(end.reason instanceof Interrupted)) throw end.reason;
    }
  }

  /** Whether any check failed so far. */
  get faultCount(): number {
    const { totals } = this.#metrics;
    return faults.reduce((sum, name) => sum + totals[name], 0);
  }

  async #writeAndEnd(): Promise<void> {
    const { clock } = this.#io;
    const span = this.#flags.for;
    const endMs = span === undefined ? Infinity : clock.monotonicMs() + msOf(span);
    await this.#waitForTail();
    await this.#write(endMs);
    // Then what was written has the time of the waits to turn up.
    const lastMs = clock.monotonicMs() + Math.max(msOf(this.#flags.wait), settleMs);
    await clock.sleep(settleMs, this.#io.interrupted);
    do {
      await this.#sending;
      await this.#readBack();
      if (this.#entries.openCount() === 0 && this.#entries.unheardCount() === 0) break;
      await clock.sleep(endStepMs, this.#io.interrupted);
    } while (clock.monotonicMs() < lastMs);
    await this.#spotCheck();
    await this.#metricTest();
    this.#metrics.count("missing", this.#entries.openCount());
    this.#metrics.count("websocketMissing", this.#entries.unheardCount());
    this.#over.abort(new Interrupted());
  }

  /** What is written before anybody listens would be missing from the tail. */
  async #waitForTail(): Promise<void> {
    while (!this.#isTailing) await this.#io.clock.sleep(endStepMs / 5, this.#io.interrupted);
  }

  async #write(endMs: number): Promise<void> {
    const { clock, interrupted } = this.#io;
    const intervalMs = Math.max(1, msOf(this.#flags.interval));
    let nextMs = clock.monotonicMs();
    while (clock.monotonicMs() < endMs) {
      if (!this.isSuspended) await this.#writeOne();
      nextMs = Math.max(nextMs + intervalMs, clock.monotonicMs() - intervalMs);
      await clock.sleep(Math.max(0, nextMs - clock.monotonicMs()), interrupted);
    }
  }

  async #writeOne(): Promise<void> {
    const { clock, random, stdout } = this.#io;
    const { outOfOrderPercentage, outOfOrderMin, outOfOrderMax, size } = this.#flags;
    const isBackdated = random.fraction() * 100 < outOfOrderPercentage;
    let id = clock.nowNs();
    if (isBackdated) {
      const span = Math.max(0, Number(outOfOrderMax - outOfOrderMin));
      id -= outOfOrderMin + BigInt(Math.floor(random.fraction() * span));
    } else {
      // The clock may stand, or go back: times of entries do not.
      if (id <= this.#newestId) id = this.#newestId + 1n;
      this.#newestId = id;
    }
    const nowMs = clock.monotonicMs();
    const entry = this.#entries.write({ id, sizeBytes: size, nowMs, isBackdated });
    if (entry === undefined) return;
    if (!this.#flags.push) {
      await stdout.line(entry.line);
      this.#stored([entry]);
      return;
    }
    this.#queue.push(entry);
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
    });
  }

  #stored(entries: readonly CanaryEntry[]): void {
    const ids = entries.map(({ id }) => id);
    this.#entries.stored(ids, this.#io.clock.monotonicMs());
    this.#counting.stored(ids);
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, entriesPerRequestMax);
      try {
        await this.#push(batch);
        this.#stored(batch);
      } catch (error) {
        this.#entries.unsure(batch.map(({ id }) => id));
        if (error instanceof Interrupted) return;
        if (!(error instanceof RequestFailure)) {
          this.#failed = error;
          this.#over.abort(new Interrupted());
          return;
        }
        await this.#note(`push failed: ${error.status || error.code} ${error.message}`);
      }
    }
  }
  async #push(batch: readonly CanaryEntry[]): Promise<void> {
    const values = batch.map(({ id, line }) => [String(id), line]);
    const body = Buffer.from(JSON.stringify({ streams: [{ stream: this.#labels(), values }] }));
    await this.#timed("push", () =>
      this.#client.send({
        method: "POST",
        path: "/loki/api/v1/push",
        headers: { "Content-Type": "application/json" },
        body,
        retries: this.#flags.writeMaxRetries,
        timeoutMs: msOf(this.#flags.writeTimeout),
      }),
    );
  }

  #labels(): Record<string, string> {
    const { labelname, labelvalue, streamname, streamvalue } = this.#flags;
    return { [labelname]: labelvalue, [streamname]: streamvalue };
  }

  /** Until it is over: a lost connection is opened again where the last one heard something. */
  async #tail(): Promise<void> {
    const query = this.#selector + this.#flags.queryAppend;
    for (let isFirst = true; ; isFirst = false) {
      if (!isFirst) this.#metrics.reconnected();
      const start = String(this.#heardId + 1n);
      const lost = await followTail({
        client: this.#client,
        io: this.#io,
        params: new URLSearchParams({ query, start, limit: "1000" }),
        onOpen: () => {
          this.#isTailing = true;
        },
        onPing: () => this.#metrics.pinged(),
        onFrame: (text) => this.#hear(text),
      });
      this.#isTailing = false;
      const isRefused = lost instanceof RequestFailure && !lost.isPassing;
      if (isRefused) throw lost;
      await this.#note(`tail lost: ${lost.message}`);
      await this.#io.clock.sleep(reconnectWaitMs, this.#io.interrupted);
    }
  }

  async #hear(text: string): Promise<void> {
    const frame = objectOf(parsed(text), "a frame of the tail");
    const nowMs = this.#io.clock.monotonicMs();
    for (const { timeNs, line } of readStreams(frame["streams"])) {
      if (timeNs > this.#heardId) this.#heardId = timeNs;
      this.#entries.heard(line, nowMs);
    }
  }

  async #readBack(): Promise<void> {
    const { clock } = this.#io;
    const asked = this.#entries.toAskFor(clock.monotonicMs());
    for (let at = 0; at < asked.length; at += entriesPerRequestMax) {
      await this.#ask(asked.slice(at, at + entriesPerRequestMax));
    }
    this.#entries.prune(clock.monotonicMs());
  }

  async #ask(asked: readonly CanaryEntry[]): Promise<void> {
    const lines = await this.#linesOf("query", asked);
    if (lines === undefined) return;
    if (lines.length >= answerCountMax && asked.length > 1) {
      const middle = asked.length >> 1;
      await this.#ask(asked.slice(0, middle));
      await this.#ask(asked.slice(middle));
      return;
    }
    this.#entries.answered(asked, lines);
  }

  /** Lines of the time that `entries`, sorted, span, oldest first; undefined when asking failed. */
  async #linesOf(
    what: CanaryRequest,
    entries: readonly CanaryEntry[],
  ): Promise<readonly string[] | undefined> {
    const params = new URLSearchParams({
      query: this.#selector + this.#flags.queryAppend,
      start: String(entries[0]?.id),
      end: String((entries.at(-1)?.id ?? 0n) + 1n),
      limit: String(answerCountMax),
      direction: "forward",
    });
    const data = await this.#query(what, "/loki/api/v1/query_range", params);
    if (data === undefined) return undefined;
    return readStreams(data["result"]).map(({ line }) => line);
  }

  async #keepSpot(): Promise<void> {
    const nowMs = this.#io.clock.monotonicMs();
    const entry = this.#entries.newestStored();
    if (entry === undefined || this.#spots.length >= spotCountMax) return;
    this.#spots.push({ entry, keptMs: nowMs });
  }

  async #spotChecks(): Promise<void> {
    const { clock, interrupted } = this.#io;
    await clock.sleep(msOf(this.#flags.spotCheckInitialWait), interrupted);
    await this.#every(this.#flags.spotCheckQueryRate, () => this.#spotCheck());
  }

  async #spotCheck(): Promise<void> {
    const oldestMs = this.#io.clock.monotonicMs() - msOf(this.#flags.spotCheckMax);
    this.#spots = this.#spots.filter(({ keptMs }) => keptMs >= oldestMs);
    for (const { entry } of this.#spots) {
      const lines = await this.#linesOf("spot_check", [entry]);
      if (lines === undefined) continue;
      this.#metrics.count("spotChecks");
      if (!lines.includes(entry.line)) this.#metrics.count("spotCheckMissing");
    }
  }

  async #metricTest(): Promise<void> {
    const range = this.#counting.range(this.#io.clock.nowNs());
    if (range === undefined || !this.#flags.push) return;
    const { fromSecond, toSecond, expected } = range;
    const selector = this.#selector + this.#flags.queryAppend;
    const params = new URLSearchParams({
      query: `sum(count_over_time(${selector}[${toSecond - fromSecond}s]))`,
      // A range is open at its start and closed at its end: whole seconds, a nanosecond earlier.
      time: String(BigInt(toSecond) * nsPerSecond - 1n),
    });
    const data = await this.#query("metric_test", "/loki/api/v1/query", params);
    if (data === undefined) return;
    const [sample] = listOf(data["result"] ?? [], "result").map((one) => objectOf(one, "a sample"));
    const value = sample === undefined ? "0" : listOf(sample["value"], "value")[1];
    this.#metrics.metricTest(expected, Number(value));
  }

  async #query(
    what: CanaryRequest,
    path: string,
    query: URLSearchParams,
  ): Promise<Record<string, unknown> | undefined> {
    const timeoutMs = msOf(this.#flags.queryTimeout);
    const headers = { "Cache-Control": "no-cache" };
    try {
      const text = await this.#timed(what, () =>
        this.#client.send({ method: "GET", path, query, headers, retries: 0, timeoutMs }),
      );
      return { ...objectOf(objectOf(parsed(text), "the answer")["data"], "data") };
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      await this.#note(`query failed: ${error.status || error.code} ${error.message}`);
      return undefined;
    }
  }

  async #timed<T>(what: CanaryRequest, work: () => Promise<T>): Promise<T> {
    const { clock } = this.#io;
    const fromMs = clock.monotonicMs();
    let isDone = false;
    try {
      const result = await work();
      isDone = true;
      return result;
    } finally {
      this.#metrics.asked(what, clock.monotonicMs() - fromMs, isDone);
    }
  }

  async #every(interval: bigint, work: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.#io.clock.sleep(Math.max(1, msOf(interval)), this.#io.interrupted);
      await work();
    }
  }

  #note(text: string): Promise<void> {
    return this.#io.stderr.line(`canary: ${text}`);
  }
}

/** What is never right; late and reconnected may be. */
const faults = [
  "missing",
  "websocketMissing",
  "unexpected",
  "duplicate",
  "outOfOrder",
  "queryDuplicate",
  "queryOutOfOrder",
  "queryLate",
  "spotCheckMissing",
] as const;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`the server sent no JSON (${messageOf(error)})`);
  }
}
