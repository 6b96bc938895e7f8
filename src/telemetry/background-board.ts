/**
 * What works in the background, in one place for people and for metrics: what is under way, how
 * much waits, when it last succeeded or failed, when it runs next. One task a line; nothing here
 * starts or stops work.
 */
import { messageOf } from "#base";
import type { Clock } from "#world";
import type { Metrics } from "./metrics.ts";

export interface BackgroundStatus {
  readonly name: string;
  /** What it does, in words. */
  readonly about: string;
  readonly state: "idle" | "running";
  /** Pieces of work that wait; of what kind, the task's words say. */
  readonly queued: number;
  /** Numbers and words of the task's own. */
  readonly detail: Readonly<Record<string, string | number>>;
  /** Wall clock; undefined: never, or not known. */
  readonly startedMs: number | undefined;
  readonly lastSuccessMs: number | undefined;
  readonly lastFailureMs: number | undefined;
  readonly lastFailure: string | undefined;
  readonly nextRunMs: number | undefined;
}

/** What a task that keeps books itself tells when somebody asks. */
export type StatusReader = () => Partial<Omit<BackgroundStatus, "name" | "about">>;

export class BackgroundBoard {
  readonly #clock: Clock;
  readonly #tasks: BackgroundTask[] = [];

  constructor(options: { readonly clock: Clock; readonly metrics: Metrics }) {
    this.#clock = options.clock;
    this.#register(options.metrics);
  }

  /** Each name once. */
  task(name: string, about: string, read?: StatusReader): BackgroundTask {
    const task = new BackgroundTask({ name, about, read, clock: this.#clock });
    this.#tasks.push(task);
    return task;
  }

  list(): BackgroundStatus[] {
    return this.#tasks.map((task) => task.status());
  }

  #register(metrics: Metrics): void {
    const each = (
      name: string,
      help: string,
      value: (status: BackgroundStatus) => number | undefined,
    ): void => {
      metrics.observeEach(`skald_background_${name}`, help, "task", () =>
        this.list().flatMap((status): [string, number][] => {
          const read = value(status);
          return read === undefined ? [] : [[status.name, read]];
        }),
      );
    };
    const seconds = (ms: number | undefined): number | undefined => ms && ms / 1000;
    each("running", "1 while the task works.", ({ state }) => Number(state === "running"));
    each("queued", "Pieces of work that wait.", ({ queued }) => queued);
    each("started_timestamp_seconds", "When the work under way began.", (status) =>
      status.state === "running" ? seconds(status.startedMs) : undefined,
    );
    each("last_success_timestamp_seconds", "When the task last ended well.", (status) =>
      seconds(status.lastSuccessMs),
    );
    each("last_failure_timestamp_seconds", "When the task last failed.", (status) =>
      seconds(status.lastFailureMs),
    );
    each("next_run_timestamp_seconds", "When the task runs next.", (status) =>
      seconds(status.nextRunMs),
    );
  }
}

interface Kept {
  startedMs: number | undefined;
  lastSuccessMs: number | undefined;
  lastFailureMs: number | undefined;
  lastFailure: string | undefined;
  nextRunMs: number | undefined;
  queued: number;
  detail: Readonly<Record<string, string | number>>;
}

export class BackgroundTask {
  readonly name: string;
  readonly #about: string;
  readonly #read: StatusReader | undefined;
  readonly #clock: Clock;
  #isRunning = false;
  readonly #kept: Kept = {
    startedMs: undefined,
    lastSuccessMs: undefined,
    lastFailureMs: undefined,
    lastFailure: undefined,
    nextRunMs: undefined,
    queued: 0,
    detail: {},
  };

  constructor(options: {
    readonly name: string;
    readonly about: string;
    readonly read: StatusReader | undefined;
    readonly clock: Clock;
  }) {
    this.name = options.name;
    this.#about = options.about;
    this.#read = options.read;
    this.#clock = options.clock;
  }

  status(): BackgroundStatus {
    const state = this.#isRunning ? "running" : "idle";
    return { name: this.name, about: this.#about, state, ...this.#kept, ...this.#read?.() };
  }

  started(): void {
    this.#isRunning = true;
    this.#kept.startedMs = this.#clock.nowMs();
    this.#kept.nextRunMs = undefined;
  }

  succeeded(): void {
    this.#isRunning = false;
    this.#kept.lastSuccessMs = this.#clock.nowMs();
  }

  failed(error: unknown): void {
    this.#isRunning = false;
    this.#kept.lastFailureMs = this.#clock.nowMs();
    this.#kept.lastFailure = messageOf(error);
  }

  tell(news: {
    readonly queued?: number;
    readonly nextRunMs?: number | undefined;
    readonly detail?: Readonly<Record<string, string | number>>;
  }): void {
    Object.assign(this.#kept, news);
  }

  /** One run; its failure is noted and passed on. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.started();
    try {
      const result = await work();
      this.succeeded();
      return result;
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  /** Runs again and again until aborted, `intervalMs` after the end of the last run. */
  async repeat(
    options: {
      readonly intervalMs: number;
      readonly signal: AbortSignal;
      readonly onFailure: (error: unknown) => void;
    },
    work: () => Promise<void>,
  ): Promise<void> {
    const { intervalMs, signal, onFailure } = options;
    while (!signal.aborted) {
      try {
        await this.run(work);
      } catch (error) {
        if (signal.aborted) return;
        onFailure(error);
      }
      this.tell({ nextRunMs: this.#clock.nowMs() + intervalMs });
      await this.#clock.sleep(intervalMs, signal);
    }
  }
}
