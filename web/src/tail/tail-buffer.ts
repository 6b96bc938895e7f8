// What a live tail holds: the newest lines up to a bound, each once, with what it had to leave out.
// Pure: times come in as arguments.
import { compareTimes, type Entry } from "../lines/entry.ts";
import { keyOf } from "../lines/entry-key.ts";

/** Keys of this many entries are remembered, to know what a reconnected tail sends again. */
const rememberedMax = 20_000;
/** The rate is that of this much time. */
const rateWindowMs = 5_000;

export class TailBuffer {
  readonly #linesMax: number;
  #entries: readonly Entry[] = [];
  #waiting: Entry[] = [];
  readonly #known = new Set<string>();
  readonly #arrivals: { atMs: number; count: number }[] = [];
  #newestNs = "";
  #received = 0;
  #gone = 0;
  #isPaused = false;

  /** `linesMax` bounds what is shown and, apart from it, what waits while paused. */
  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  /** Oldest first; another list each time it changes. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** That came while paused. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  get received(): number {
    return this.#received;
  }

  /** Lines that made room for newer ones. */
  get gone(): number {
    return this.#gone;
  }

  /** Of the newest entry; empty when there was none. */
  get newestNs(): string {
    return this.#newestNs;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#show(waiting);
  }

  clear(): void {
    this.#entries = [];
    this.#waiting = [];
  }

  /** Adds what was not there before; how many that were. What is of the past is not in the rate. */
  add(entries: readonly Entry[], nowMs: number, { isPast = false } = {}): number {
    const fresh = entries.filter((entry) => this.#isNew(entry));
    this.#received += fresh.length;
    if (!isPast) this.#arrivals.push({ atMs: nowMs, count: fresh.length });
    for (const { timeNs } of fresh) {
      if (compareTimes(timeNs, this.#newestNs) > 0) this.#newestNs = timeNs;
    }
    if (this.#isPaused) {
      this.#waiting = this.#bounded([...this.#waiting, ...fresh]);
    } else if (fresh.length > 0) {
      this.#show(fresh);
    }
    return fresh.length;
  }

  /** Lines a second, over the last seconds. */
  rate(nowMs: number): number {
    while (this.#arrivals[0] !== undefined && this.#arrivals[0].atMs < nowMs - rateWindowMs) {
      this.#arrivals.shift();
    }
    const count = this.#arrivals.reduce((sum, arrival) => sum + arrival.count, 0);
    return count / (rateWindowMs / 1000);
  }

  #isNew(entry: Entry): boolean {
    const key = keyOf(entry);
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    if (this.#known.size > rememberedMax) {
      const [oldest] = this.#known;
      this.#known.delete(oldest!);
    }
    return true;
  }

  #show(fresh: readonly Entry[]): void {
    this.#entries = this.#bounded([...this.#entries, ...fresh]);
  }

  #bounded(entries: Entry[]): Entry[] {
    const tooMany = entries.length - this.#linesMax;
    if (tooMany <= 0) return entries;
    this.#gone += tooMany;
    return entries.slice(tooMany);
  }
}
