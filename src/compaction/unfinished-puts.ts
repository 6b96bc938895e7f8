/**
 * Objects that may have been put although the put, or reading back, failed. Were one found later,
 * it could bring back rows that were erased meanwhile, for it stands for sources that others have
 * replaced by then. So it is deleted before anything else changes in its day, and for a while
 * whenever something does: a store may carry a request out that it was thought to have lost.
 */
import { hour } from "#base";
import type { ObjectStore } from "#objectstore";
import { type ListedSegment, parseSegmentKey, type SegmentStore } from "#segment";
import type { Clock } from "#world";

/** No store takes longer over a request it has received. */
const watchMs: number = hour;

/** The put of `key` failed, or what was put did not read back; `cause` says why. */
export class UnfinishedPut extends Error {
  readonly key: string;
  /** Ids of the segments it stands for. */
  readonly replaces: readonly string[];

  constructor(what: {
    readonly key: string;
    readonly replaces: readonly string[];
    cause: unknown;
  }) {
    super(`${what.key} was not put, or not as it should be`, { cause: what.cause });
    this.name = "UnfinishedPut";
    this.key = what.key;
    this.replaces = what.replaces;
  }
}

interface Watched {
  readonly segment: ListedSegment;
  readonly replaces: readonly string[];
  /** Monotonic. */
  readonly untilMs: number;
}

export class UnfinishedPuts {
  readonly #objects: ObjectStore;
  readonly #segments: SegmentStore;
  readonly #clock: Clock;
  /** By key. */
  readonly #watched = new Map<string, Watched>();

  constructor(options: {
    readonly objects: ObjectStore;
    readonly segments: SegmentStore;
    readonly clock: Clock;
  }) {
    this.#objects = options.objects;
    this.#segments = options.segments;
    this.#clock = options.clock;
  }

  add({ key, replaces }: UnfinishedPut): void {
    const segment = { ...parseSegmentKey(key), key };
    const untilMs = this.#clock.monotonicMs() + watchMs;
    this.#watched.set(key, { segment, replaces, untilMs });
  }

  /** It was put again, and is what it should be. */
  remove(key: string): void {
    this.#watched.delete(key);
  }

  /**
   * To be called before anything of the day is changed. Rejects as the object store does: then
   * nothing may be.
   */
  async clear({ tenant, day }: Pick<ListedSegment, "tenant" | "day">): Promise<void> {
    for (const [key, { segment, replaces, untilMs }] of this.#watched) {
      if (segment.tenant !== tenant || segment.day !== day) continue;
      const all = await this.#segments.segments(tenant);
      const ids = new Set(all.map(({ id }) => id));
      if (ids.has(segment.id) && !replaces.every((id) => ids.has(id))) {
        // Something took it for what it looks like: it may hold what nothing else holds any more.
        this.#watched.delete(key);
        continue;
      }
      await this.#objects.delete(key);
      this.#segments.remove(key);
      if (this.#clock.monotonicMs() >= untilMs) this.#watched.delete(key);
    }
  }
}
