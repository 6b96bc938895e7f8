/**
 * What the canary wrote, and what became of it. Pure bookkeeping: times come in with each call, counts
 * go out to an observer. Every entry has an id, its time in nanoseconds, which stands at the start of
 * its line; ids of one canary never repeat. An entry is looked for twice, on the tail and by queries,
 * and each is decided on its own.
 */

export type CanaryCount =
  | "entries"
  | "outOfOrder"
  | "websocketMissing"
  | "missing"
  | "unexpected"
  | "duplicate"
  | "late"
  | "queryLate"
  | "queryDuplicate"
  | "queryOutOfOrder"
  | "spotChecks"
  | "spotCheckMissing"
  | "unsure"
  | "skipped";

export interface CanaryObserver {
  count(what: CanaryCount, by?: number): void;
  /** From writing an entry to hearing of it on the tail. */
  heardAfter(latencyMs: number): void;
}

export interface CanaryEntry {
  readonly id: bigint;
  readonly line: string;
  readonly sequence: number;
  /** Monotonic. */
  readonly writtenMs: number;
  /** Written with an older time on purpose: nothing is said about its order. */
  readonly isBackdated: boolean;
}

interface Watched extends CanaryEntry {
  /** When the server acknowledged it; until then it may not be asked for. */
  storedMs: number | undefined;
  /** Whether it was stored is not known: its absence means nothing. */
  isUnsure: boolean;
  tail: "waiting" | "heard" | "missed";
  query: "waiting" | "late" | "found" | "missing";
}

export interface CanaryTimes {
  /** Without a word on the tail after this long, it counts as missing there. */
  readonly waitMs: number;
  /** Not found by any query for this long, it counts as missing. */
  readonly maxWaitMs: number;
  /** Heard later than this, it counts as late. */
  readonly lateMs: number;
  /** So long after its acknowledgement the first query asks for it. */
  readonly settleMs: number;
}

/** Some 300 bytes each. A canary that writes more while its server is away leaves entries out. */
const watchedCountMax = 100_000;

/** Decided entries are remembered this long beyond the waits, to know repetitions by. */
const rememberMs = 60_000;

export class CanaryEntries {
  readonly #times: CanaryTimes;
  readonly #observer: CanaryObserver;
  /** In the order of writing. */
  readonly #watched = new Map<bigint, Watched>();
  #sequence = 0;
  #highest = 0;

  constructor(times: CanaryTimes, observer: CanaryObserver) {
    this.#times = times;
    this.#observer = observer;
  }

  get watchedCount(): number {
    return this.#watched.size;
  }

  /** Undefined when there is no room: too much is still undecided. */
  write(entry: {
    readonly id: bigint;
    readonly sizeBytes: number;
    readonly nowMs: number;
    readonly isBackdated: boolean;
  }): CanaryEntry | undefined {
    const { sizeBytes, nowMs: writtenMs, isBackdated } = entry;
    if (this.#watched.size >= watchedCountMax) {
      this.#observer.count("skipped");
      return undefined;
    }
    let { id } = entry;
    while (this.#watched.has(id)) id++;
    const text = String(id);
    const line = `${text} `.padEnd(sizeBytes, "p");
    const made: Watched = {
      id,
      line,
      sequence: ++this.#sequence,
      writtenMs,
      isBackdated,
      storedMs: undefined,
      isUnsure: false,
      tail: "waiting",
      query: "waiting",
    };
    this.#watched.set(id, made);
    this.#observer.count("entries");
    return made;
  }

  stored(ids: readonly bigint[], nowMs: number): void {
    for (const id of ids) {
      const entry = this.#watched.get(id);
      if (entry !== undefined) entry.storedMs = nowMs;
    }
  }

  /** They were sent, and nobody said whether they were taken. */
  unsure(ids: readonly bigint[]): void {
    for (const id of ids) {
      const entry = this.#watched.get(id);
      if (entry === undefined) continue;
      entry.isUnsure = true;
      this.#observer.count("unsure");
    }
  }

  heard(line: string, nowMs: number): void {
    const entry = this.#entryOf(line);
    if (entry === undefined) return this.#observer.count("unexpected");
    if (entry.tail === "heard") return this.#observer.count("duplicate");
    const latencyMs = nowMs - entry.writtenMs;
    const isLate = entry.tail === "missed" || latencyMs > this.#times.lateMs;
    entry.tail = "heard";
    this.#observer.heardAfter(latencyMs);
    if (isLate) this.#observer.count("late");
    if (entry.isBackdated) return;
    if (entry.sequence < this.#highest) this.#observer.count("outOfOrder");
    else this.#highest = entry.sequence;
  }

  /** Decides what was waited for long enough, and forgets what was decided long ago. */
  prune(nowMs: number): void {
    const { waitMs, maxWaitMs } = this.#times;
    for (const entry of this.#watched.values()) {
      const ageMs = nowMs - (entry.storedMs ?? entry.writtenMs);
      if (entry.isUnsure) {
        if (ageMs > maxWaitMs + rememberMs) this.#watched.delete(entry.id);
        continue;
      }
      if (entry.storedMs === undefined) continue;
      if (entry.tail === "waiting" && ageMs > waitMs) {
        entry.tail = "missed";
        this.#observer.count("websocketMissing");
      }
      const isAsked = entry.query === "waiting" || entry.query === "late";
      if (isAsked && ageMs > maxWaitMs) {
        entry.query = "missing";
        this.#observer.count("missing");
      }
      const isDecided = entry.tail !== "waiting" && !(isAsked && entry.query !== "missing");
      if (isDecided && ageMs > waitMs + rememberMs) this.#watched.delete(entry.id);
    }
  }

  /** Acknowledged entries that no query has found yet, by time. */
  toAskFor(nowMs: number): readonly CanaryEntry[] {
    const asked = [...this.#watched.values()].filter(
      ({ storedMs, query, isUnsure }) =>
        !isUnsure &&
        (query === "waiting" || query === "late") &&
        storedMs !== undefined &&
        nowMs - storedMs >= this.#times.settleMs,
    );
    return asked.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The answer to a query, oldest first, that should have held all of `asked`. */
  answered(asked: readonly CanaryEntry[], lines: readonly string[]): void {
    const found = new Set<bigint>();
    let newest = -1n;
    for (const line of lines) {
      const entry = this.#entryOf(line);
      if (entry === undefined) {
        this.#observer.count("unexpected");
        continue;
      }
      if (found.has(entry.id)) this.#observer.count("queryDuplicate");
      found.add(entry.id);
      if (entry.id < newest) this.#observer.count("queryOutOfOrder");
      else newest = entry.id;
    }
    for (const { id } of asked) {
      const entry = this.#watched.get(id);
      if (entry === undefined) continue;
      if (found.has(id)) entry.query = "found";
      else if (entry.query === "waiting") {
        entry.query = "late";
        this.#observer.count("queryLate");
      }
    }
  }

  /** Acknowledged, and not found by a query yet: what is open when the canary ends. */
  openCount(): number {
    let count = 0;
    for (const { storedMs, query, isUnsure } of this.#watched.values()) {
      if (!isUnsure && storedMs !== undefined && query !== "found" && query !== "missing") count++;
    }
    return count;
  }

  /** Acknowledged, and not heard on the tail yet. */
  unheardCount(): number {
    let count = 0;
    for (const { storedMs, tail, isUnsure } of this.#watched.values()) {
      if (!isUnsure && storedMs !== undefined && tail === "waiting") count++;
    }
    return count;
  }

  newestStored(): CanaryEntry | undefined {
    return [...this.#watched.values()].findLast(({ storedMs }) => storedMs !== undefined);
  }

  /** Only when the whole line is as it was written. */
  #entryOf(line: string): Watched | undefined {
    const text = line.slice(0, line.indexOf(" "));
    const entry = /^\d{1,19}$/.test(text) ? this.#watched.get(BigInt(text)) : undefined;
    return entry?.line === line ? entry : undefined;
  }
}
