/**
 * Threads that do one kind of work: plain data goes to one of them, plain data comes back. They are
 * started when work is announced, and ended when there was none for a while, so that an idle
 * process has none. The file they run calls `serveThread`.
 */
import { type Transferable, Worker } from "node:worker_threads";
import { watchQueue } from "#base";
import type { Clock } from "./clock.ts";

export interface ThreadPoolOptions {
  /** The file that each thread runs. */
  readonly entry: URL;
  readonly threadsMax: number;
  /** Threads end after this long without work. */
  readonly idleMs: number;
  readonly clock: Clock;
  /** A thread that ended by itself, or work that failed for a reason of the program's own. */
  readonly onFailure: (error: unknown) => void;
}

/** What goes to a thread, and what comes back. */
export interface ThreadTask {
  readonly id: number;
  readonly work: unknown;
}
export interface ThreadReply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Tasks sent to a thread at a time: the next one is there when one is done. */
const tasksPerThread = 2;

/** Heap of a thread: work is done in buffers outside of it, and what is young dies young. */
const heapLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 6 };

/** After a thread failed nobody starts one for this long. */
const pauseAfterFailureMs = 10_000;

interface Waiting {
  readonly work: unknown;
  readonly transfer: readonly Transferable[];
  readonly done: (result: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly tasks: Map<number, Waiting>;
  isReady: boolean;
}

export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  #threads: Thread[] = [];
  #queue: Waiting[] = [];
  #nextId = 0;
  #lastUseMs = 0;
  #pauseUntilMs = 0;
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    watchQueue("block_scans", this, (one) => ({ length: one.#queue.length }));
  }

  get threadsMax(): number {
    return this.#options.threadsMax;
  }

  /** Starts threads if there are none. True once one of them can take work. */
  prepare(): boolean {
    const { clock, threadsMax } = this.#options;
    this.#lastUseMs = clock.monotonicMs();
    if (this.#isClosed) return false;
    if (this.#threads.length < threadsMax && this.#lastUseMs >= this.#pauseUntilMs) {
      while (this.#threads.length < threadsMax) this.#start();
      this.#watchIdle();
    }
    return this.#threads.some((thread) => thread.isReady);
  }

  /**
   * What a thread makes of `work`; undefined when it was not done: the thread was lost, the work
   * failed, the signal aborted. Never rejects.
   */
  run(work: unknown, transfer: readonly Transferable[], signal: AbortSignal): Promise<unknown> {
    this.#lastUseMs = this.#options.clock.monotonicMs();
    if (!this.#threads.some((thread) => thread.isReady)) return Promise.resolve(undefined);
    return new Promise((done) => {
      const waiting = { work, transfer, done };
      this.#queue.push(waiting);
      signal.addEventListener("abort", () => this.#drop(waiting), { once: true });
      this.#send();
    });
  }

  /** Ends all threads; what they were doing is undefined. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
  }

  #drop(waiting: Waiting): void {
    const at = this.#queue.indexOf(waiting);
    if (at >= 0) this.#queue.splice(at, 1);
    waiting.done(undefined);
  }

  #send(): void {
    while (this.#queue.length > 0) {
      let best: Thread | undefined;
      for (const thread of this.#threads) {
        if (!thread.isReady || thread.tasks.size >= tasksPerThread) continue;
        if (best === undefined || thread.tasks.size < best.tasks.size) best = thread;
      }
      if (best === undefined) return;
      const waiting = this.#queue.shift()!;
      const id = this.#nextId++;
      best.tasks.set(id, waiting);
      const task: ThreadTask = { id, work: waiting.work };
      best.worker.postMessage(task, waiting.transfer);
    }
  }

  #start(): void {
    const worker = new Worker(this.#options.entry, { resourceLimits: heapLimits });
    const thread: Thread = { worker, tasks: new Map(), isReady: false };
    this.#threads.push(thread);
    worker.on("message", (reply: ThreadReply | "ready") => this.#take(thread, reply));
    worker.on("error", (error) => this.#lose(thread, error));
    worker.on("exit", () => this.#lose(thread, undefined));
    // Threads that wait for work are no reason to keep the process.
    worker.unref();
  }

  #take(thread: Thread, reply: ThreadReply | "ready"): void {
    if (reply === "ready") {
      thread.isReady = true;
    } else {
      const waiting = thread.tasks.get(reply.id);
      thread.tasks.delete(reply.id);
      if (reply.error !== undefined) this.#options.onFailure(new Error(reply.error));
      waiting?.done(reply.result);
    }
    this.#send();
  }

  #lose(thread: Thread, error: unknown): void {
    const isKnown = this.#threads.includes(thread);
    this.#threads = this.#threads.filter((other) => other !== thread);
    for (const waiting of thread.tasks.values()) waiting.done(undefined);
    thread.tasks.clear();
    if (!isKnown) return;
    this.#pauseUntilMs = this.#options.clock.monotonicMs() + pauseAfterFailureMs;
    this.#options.onFailure(error ?? new Error("a thread ended by itself"));
    if (!this.#threads.some(({ isReady }) => isReady)) this.#giveUpQueue();
  }

  #giveUpQueue(): void {
    for (const waiting of this.#queue.splice(0)) waiting.done(undefined);
  }

  #watchIdle(): void {
    this.#cancelTimer?.();
    const { clock, idleMs } = this.#options;
    const restMs = this.#lastUseMs + idleMs - clock.monotonicMs();
    this.#cancelTimer = clock.schedule(Math.max(restMs, 1), () => {
      const isIdle = clock.monotonicMs() - this.#lastUseMs >= idleMs;
      const isBusy = this.#threads.some(({ tasks }) => tasks.size > 0);
      if (!isIdle || isBusy) this.#watchIdle();
      else this.#end().catch(this.#options.onFailure);
    });
  }

  async #end(): Promise<void> {
    this.#cancelTimer?.();
    const threads = this.#threads;
    this.#threads = [];
    this.#giveUpQueue();
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }
}
