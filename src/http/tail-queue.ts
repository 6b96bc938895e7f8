import { countRefused, MiB, watchQueue } from "#base";
import type { DroppedEntry, TailEntry } from "./tail-frame.ts";

/** What waits for one client; beyond it entries are dropped, and named in the next frame. */
export const queueEntriesMax = 20_000;
export const queueBytesMax: number = 16 * MiB;
/** Dropped entries are named up to here; what a client cannot take would not help it either. */
export const droppedNamedMax = 1000;

export interface WaitingEntry {
  readonly entry: TailEntry;
  readonly arrivedMs: number;
  /** Tells an entry from what history has found already. */
  readonly key: string;
}

// Told of before the first client comes.
countRefused("tail_entries", 0);

/** Entries on their way to one client, in order of arrival, bounded. */
export class TailQueue {
  #waiting: WaitingEntry[] = [];
  #heldBytes = 0;
  #dropped: DroppedEntry[] = [];

  constructor() {
    watchQueue("tail_entries", this, ({ length, heldBytes }) => ({ length, bytes: heldBytes }));
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get length(): number {
    return this.#waiting.length;
  }

  get oldestMs(): number | undefined {
    return this.#waiting[0]?.arrivedMs;
  }

  add(waiting: WaitingEntry): void {
    const { entry } = waiting;
    if (this.#waiting.length >= queueEntriesMax || this.#heldBytes >= queueBytesMax) {
      if (this.#dropped.length < droppedNamedMax) {
        this.#dropped.push({ timeNs: entry.timeNs, labels: entry.labels });
      }
      countRefused("tail_entries");
      return;
    }
    this.#waiting.push(waiting);
    this.#heldBytes += entry.line.length;
  }

  /** What history found goes first; what it found of the waiting ones is not sent twice. */
  putHistory(history: readonly WaitingEntry[]): void {
    const found = new Set(history.map(({ key }) => key));
    const rest = this.#waiting.filter(({ key }) => !found.has(key));
    this.#waiting = [...history, ...rest];
    this.#heldBytes = this.#waiting.reduce((bytes, { entry }) => bytes + entry.line.length, 0);
  }

  /**
   * Takes at most `countMax` entries that arrived until `untilMs`. With `byTime` they are taken
   * sorted by time among all that are due.
   */
  take(countMax: number, due: { readonly untilMs: number; readonly byTime: boolean }): TailEntry[] {
    let dueCount = 0;
    while (
      dueCount < this.#waiting.length &&
      (due.byTime || dueCount < countMax) &&
      this.#waiting[dueCount]!.arrivedMs <= due.untilMs
    ) {
      dueCount++;
    }
    if (dueCount === 0) return [];
    if (due.byTime) this.#sortFirst(dueCount);
    const taken = this.#waiting.splice(0, Math.min(dueCount, countMax));
    for (const { entry } of taken) this.#heldBytes -= entry.line.length;
    return taken.map(({ entry }) => entry);
  }

  #sortFirst(count: number): void {
    const first = this.#waiting.slice(0, count);
    first.sort((a, b) => compareTimes(a.entry.timeNs, b.entry.timeNs));
    for (let i = 0; i < count; i++) this.#waiting[i] = first[i]!;
  }

  takeDropped(): readonly DroppedEntry[] {
    const dropped = this.#dropped;
    if (dropped.length > 0) this.#dropped = [];
    return dropped;
  }

  clear(): void {
    this.#waiting = [];
    this.#dropped = [];
    this.#heldBytes = 0;
  }
}

function compareTimes(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
