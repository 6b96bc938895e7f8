import { RequestError } from "#base";
import { newReadCounters, type ReadCounters, type ReadOptions } from "#storage";
import type { Clock } from "#world";
import type { QueryStats, SharedMemory } from "./engine.ts";

/**
 * Work of a query that runs on the main thread pauses after this long, so that pushes are not
 * starved.
 */
const pauseAfterMs = 25;

const timeoutText =
  "Request timed out, decrease the duration of the request or add more label matchers " +
  "(prefer exact match over regex match) to reduce the amount of data processed.";

/** Counters of one query that grow while it runs. */
export interface RunCounts {
  linesProcessed: number;
  bytesProcessed: number;
  metadataBytesProcessed: number;
  entriesAfterFilter: number;
  entriesReturned: number;
  blocksPlanned: number;
  blocksRead: number;
  blocksSkipped: number;
  segmentsConsidered: number;
  headBlocksRead: number;
  headLines: number;
  headBytes: number;
  duplicatesDropped: number;
}

/**
 * One query while it runs: its end (cancelled, timed out), its memory budget, what it counted and
 * warned about. Use with `using`; disposal stops the timer and lets go of the caller's signal.
 */
export class QueryRun implements Disposable {
  readonly counts: RunCounts = {
    linesProcessed: 0,
    bytesProcessed: 0,
    metadataBytesProcessed: 0,
    entriesAfterFilter: 0,
    entriesReturned: 0,
    blocksPlanned: 0,
    blocksRead: 0,
    blocksSkipped: 0,
    segmentsConsidered: 0,
    headBlocksRead: 0,
    headLines: 0,
    headBytes: 0,
    duplicatesDropped: 0,
  };
  readonly readOptions: ReadOptions;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #counters: ReadCounters = newReadCounters();
  readonly #warnings = new Set<string>();
  readonly #controller = new AbortController();
  readonly #callerSignal: AbortSignal;
  readonly #cancelTimer: () => void;
  readonly #memoryBytesMax: number;
  readonly #memory: SharedMemory | undefined;
  #heldBytes = 0;
  #lastPauseMs: number;
  #timedOut = false;

  constructor(options: {
    clock: Clock;
    signal: AbortSignal;
    /** 0: none. */
    timeoutMs: number;
    memoryBytesMax: number;
    /** Also charged, for a budget over all queries. */
    memory?: SharedMemory | undefined;
  }) {
    this.#clock = options.clock;
    this.#startMs = options.clock.monotonicMs();
    this.#lastPauseMs = this.#startMs;
    this.#memoryBytesMax = options.memoryBytesMax;
    this.#memory = options.memory;
    this.#callerSignal = options.signal;
    options.signal.addEventListener("abort", this.#onCallerAbort);
    this.#cancelTimer =
      options.timeoutMs > 0 ? options.clock.schedule(options.timeoutMs, this.#onTimeout) : () => {};
    this.readOptions = {
      signal: this.#controller.signal,
      counters: this.#counters,
      warn: (message) => this.warn(message),
    };
    if (options.signal.aborted) this.#controller.abort();
  }

  [Symbol.dispose](): void {
    this.#cancelTimer();
    this.#callerSignal.removeEventListener("abort", this.#onCallerAbort);
    this.#controller.abort();
  }

  readonly #onCallerAbort = (): void => this.#controller.abort();

  readonly #onTimeout = (): void => {
    this.#timedOut = true;
    this.#controller.abort();
  };

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  warn(message: string): void {
    this.#warnings.add(message);
  }

  /** Throws RequestError 504 or 499 when the query is to end. */
  checkAlive(): void {
    if (!this.#controller.signal.aborted) return;
    if (this.#timedOut) throw new RequestError(504, timeoutText);
    throw new RequestError(499, "The request was cancelled by the client.");
  }

  /** Between two blocks: end if asked to, let others run if it is their turn. */
  async pause(): Promise<void> {
    this.checkAlive();
    if (this.#clock.monotonicMs() - this.#lastPauseMs < pauseAfterMs) return;
    await this.#clock.sleep(0);
    this.#lastPauseMs = this.#clock.monotonicMs();
    this.checkAlive();
  }

  /**
   * Accounts for memory that is kept until the query ends; throws RequestError 400 when it is too
   * much.
   */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#memory?.hold(bytes);
    if (this.#heldBytes <= this.#memoryBytesMax) return;
    throw new RequestError(
      400,
      `the query needs more memory than a query may use (${this.#memoryBytesMax} bytes); ` +
        "consider adding more specific stream selectors, reducing the time range, " +
        "a larger step, or aggregating by fewer labels",
    );
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#memory?.release(bytes);
  }

  stats(): QueryStats {
    return {
      ...this.counts,
      ...this.#counters,
      execTimeMs: this.#clock.monotonicMs() - this.#startMs,
      queueTimeMs: 0,
      splits: 1,
    };
  }
}
