// The live tail that is shown: one connection, one buffer, and what the view says of them. There is one
// at a time; it ends when the view goes.
import { batch, type Signal, signal } from "@preact/signals";
import { type Entry, entriesOf } from "../lines/entry.ts";
import { TailBuffer } from "./tail-buffer.ts";
import { historyMax, TailConnection, type TailFrame, type TailState } from "./tail-connection.ts";

export const entries: Signal<readonly Entry[]> = signal([]);
export const state: Signal<TailState> = signal("closed");
/** Why it waits or was refused, in the server's words. */
export const reason: Signal<string> = signal("");
export const isPaused: Signal<boolean> = signal(false);

export interface TailCounts {
  readonly received: number;
  readonly waiting: number;
  /** Lines a second. */
  readonly rate: number;
  /** That the server could not send fast enough. */
  readonly droppedByServer: number;
  /** Older lines that made room. */
  readonly gone: number;
}

const noCounts: TailCounts = { received: 0, waiting: 0, rate: 0, droppedByServer: 0, gone: 0 };
export const counts: Signal<TailCounts> = signal(noCounts);

/** What came is shown this often at most: a fast tail must not keep the page busy. */
const showEveryMs = 200;
const countEveryMs = 1_000;
/** What comes so soon after a connection is there was stored before. */
const pastWithinMs = 1_000;

export class Tail {
  readonly #buffer = new TailBuffer(historyMax);
  readonly #connection: TailConnection;
  readonly #counting: ReturnType<typeof setInterval>;
  #arrived: Entry[] = [];
  #showing: ReturnType<typeof setTimeout> | undefined;
  #droppedByServer = 0;
  #liveSinceMs = 0;

  constructor(query: string) {
    batch(() => {
      entries.value = [];
      counts.value = noCounts;
      isPaused.value = false;
    });
    this.#connection = new TailConnection(query, {
      onState: (next, why) => {
        if (next === "live") this.#liveSinceMs = performance.now();
        batch(() => ((state.value = next), (reason.value = why)));
      },
      onFrame: (frame) => this.#take(frame),
      resumeFrom: () => this.#buffer.newestNs,
    });
    this.#counting = setInterval(() => this.#count(), countEveryMs);
  }

  end(): void {
    this.#connection.close();
    clearInterval(this.#counting);
    clearTimeout(this.#showing);
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  togglePause(): void {
    if (this.#buffer.isPaused) this.#buffer.resume();
    else this.#buffer.pause();
    isPaused.value = this.#buffer.isPaused;
    this.#show();
  }

  clear(): void {
    this.#buffer.clear();
    this.#show();
  }

  #take({ streams, dropped_entries: dropped }: TailFrame): void {
    this.#droppedByServer += dropped?.length ?? 0;
    this.#arrived.push(...entriesOf(streams, "forward"));
    // A page in the background has its timers slowed down: what waits stays bounded.
    if (this.#arrived.length >= historyMax) this.#show();
    else this.#showing ??= setTimeout(() => this.#show(), showEveryMs);
  }

  #show(): void {
    clearTimeout(this.#showing);
    this.#showing = undefined;
    const arrived = this.#arrived;
    this.#arrived = [];
    const nowMs = performance.now();
    const isPast = nowMs - this.#liveSinceMs < pastWithinMs;
    if (arrived.length > 0) this.#buffer.add(arrived, nowMs, { isPast });
    entries.value = this.#buffer.entries;
    this.#count();
  }

  #count(): void {
    const { received, waitingCount: waiting, gone } = this.#buffer;
    const rate = this.#buffer.rate(performance.now());
    counts.value = { received, waiting, rate, droppedByServer: this.#droppedByServer, gone };
  }
}
