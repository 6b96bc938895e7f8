import { isStoreError } from "#base";
import { dayOfNs, type TimeRange } from "#model";
import type { ObjectStore } from "#objectstore";
import { parseSegmentKey, type SegmentKey, tenantPrefix } from "./segment-key.ts";

/** A segment that exists, by its key alone. */
export interface ListedSegment extends SegmentKey {
  readonly key: string;
}

interface Change {
  readonly key: string;
  readonly isAdded: boolean;
}

/** The segments of one tenant: what a LIST said, and what this process added and removed since. */
export class SegmentList {
  readonly tenant: string;
  readonly #objects: ObjectStore;
  #byKey = new Map<string, ListedSegment>();
  /** Changes made while a LIST runs, which may or may not be in its answer. */
  #changes: Change[] | undefined;
  /** Keys of objects that are about to be deleted: a LIST may still name them. */
  #retired = new Set<string>();
  #loading: Promise<void> | undefined;
  #isLoaded = false;

  constructor(tenant: string, objects: ObjectStore) {
    this.tenant = tenant;
    this.#objects = objects;
  }

  /** Lists once; later calls return at once. */
  async load(): Promise<void> {
    if (!this.#isLoaded) await this.refresh();
  }

  /** Lists again. Callers that come while a LIST runs share it. */
  async refresh(): Promise<void> {
    this.#loading ??= this.#list().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async #list(): Promise<void> {
    this.#changes = [];
    const found = new Map<string, ListedSegment>();
    try {
      for await (const { key } of this.#objects.list(tenantPrefix(this.tenant))) {
        const parsed = parseListed(key);
        if (parsed !== undefined) found.set(key, this.#byKey.get(key) ?? parsed);
      }
      const retired = [...this.#retired].filter((key) => found.delete(key));
      this.#retired = new Set(retired);
      for (const change of this.#changes) apply(found, change);
      this.#byKey = found;
      this.#isLoaded = true;
    } finally {
      this.#changes = undefined;
    }
  }

  add(key: string): void {
    this.#change({ key, isAdded: true });
  }

  remove(key: string): void {
    this.#change({ key, isAdded: false });
  }

  /** As `remove`, while the object is still there: listing again does not bring it back. */
  retire(key: string): void {
    this.#retired.add(key);
    this.remove(key);
  }

  #change(change: Change): void {
    apply(this.#byKey, change);
    this.#changes?.push(change);
  }

  get all(): Iterable<ListedSegment> {
    return this.#byKey.values();
  }

  get count(): number {
    return this.#byKey.size;
  }

  /** Segments of the days a range touches, also those that lie beside it. */
  ofDays(range: TimeRange): ListedSegment[] {
    if (range.toNs <= range.fromNs) return [];
    const from = dayOfNs(range.fromNs);
    const to = dayOfNs(range.toNs - 1n);
    return [...this.#byKey.values()].filter(({ day }) => day >= from && day <= to);
  }
}

function apply(segments: Map<string, ListedSegment>, { key, isAdded }: Change): void {
  if (isAdded) segments.set(key, { ...parseSegmentKey(key), key });
  else segments.delete(key);
}

/** Foreign objects below the prefix are none of our business. */
function parseListed(key: string): ListedSegment | undefined {
  try {
    return { ...parseSegmentKey(key), key };
  } catch (error) {
    if (isStoreError(error, "corrupt")) return undefined;
    throw error;
  }
}
