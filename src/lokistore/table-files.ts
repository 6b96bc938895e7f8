/**
 * Which index files a table has: what a LIST said lately, and what this process put and deleted
 * since. Another Loki on the same bucket publishes and merges files at any time, so what is known
 * is listed again when it is older than `listedForMs`.
 */
import { Limiter, LruMap, second } from "#base";
import { type IndexFileName, type IndexTable, parseIndexPath } from "#lokiindex";
import type { Clock } from "#world";
import type { LokiPeriod } from "./loki-period.ts";

export type LokiTable = IndexTable<LokiPeriod>;

/** An index file that exists. */
export interface ListedIndex extends IndexFileName {
  readonly key: string;
  readonly modifiedMs: number;
}

/** New files are to be seen within a minute; a LIST per table and half a minute costs little. */
const listedForMs: number = 30 * second;

/** Files known of all tables together; some 300 bytes each. */
const knownFilesMax = 200_000;

/** LISTs in flight: a query over a month asks for thirty tables. */
const listsInFlightMax = 8;

interface Change {
  readonly key: string;
  readonly file: ListedIndex | undefined;
}

interface Listing {
  byKey: Map<string, ListedIndex>;
  /** Monotonic. */
  listedMs: number;
}

interface Loading {
  readonly listing: Promise<Listing>;
  /** Made while the LIST runs: they may or may not be in its answer. */
  readonly changes: Change[];
}

export class TableFiles {
  readonly #clock: Clock;
  readonly #period: LokiPeriod;
  readonly #known = new LruMap<string, Listing>({
    weightMax: knownFilesMax,
    weigh: ({ byKey }) => byKey.size + 1,
  });
  readonly #loading = new Map<string, Loading>();
  readonly #limiter = new Limiter(listsInFlightMax, "loki_table_listings");

  /** Names below the path prefix. */
  #folders: { readonly names: Set<string>; readonly listedMs: number } | undefined;
  #listingFolders: Promise<void> | undefined;

  constructor(clock: Clock, period: LokiPeriod) {
    this.#clock = clock;
    this.#period = period;
  }

  /** What lies below the path prefix: tables, among other things. */
  async folders(): Promise<ReadonlySet<string>> {
    const known = this.#folders;
    if (known !== undefined && this.#clock.monotonicMs() - known.listedMs < listedForMs) {
      return known.names;
    }
    this.#listingFolders ??= this.#listFolders().finally(() => {
      this.#listingFolders = undefined;
    });
    await this.#listingFolders;
    return this.#folders?.names ?? new Set();
  }

  async #listFolders(): Promise<void> {
    const { objects, pathPrefix } = this.#period;
    const listedMs = this.#clock.monotonicMs();
    const before = this.#folders;
    const names = new Set(await objects.listFolders(pathPrefix));
    // Tables this process has begun meanwhile were added to what was known.
    if (this.#folders !== before) for (const name of this.#folders!.names) names.add(name);
    this.#folders = { names, listedMs };
  }

  /** The files of a table, in order of keys. */
  async of(table: LokiTable): Promise<ListedIndex[]> {
    const known = this.#known.get(table.keyPrefix);
    const isFresh = known !== undefined && this.#clock.monotonicMs() - known.listedMs < listedForMs;
    const listing = isFresh ? known : await this.#list(table);
    return [...listing.byKey.values()];
  }

  /** Lists a table again, whatever is known. */
  async refresh(table: LokiTable): Promise<void> {
    await this.#list(table);
  }

  forgetAll(): void {
    this.#folders = undefined;
    this.#known.clear();
  }

  add(table: LokiTable, key: string): void {
    const name = parseIndexPath(key.slice(table.keyPrefix.length));
    if (name === undefined) return;
    if (this.#folders !== undefined) {
      const names = new Set(this.#folders.names).add(table.name);
      this.#folders = { ...this.#folders, names };
    } else if (this.#listingFolders !== undefined) {
      this.#folders = { names: new Set([table.name]), listedMs: Number.NEGATIVE_INFINITY };
    }
    this.#change(table, { key, file: { ...name, key, modifiedMs: this.#clock.nowMs() } });
  }

  remove(table: LokiTable, key: string): void {
    this.#change(table, { key, file: undefined });
  }

  #change(table: LokiTable, change: Change): void {
    const known = this.#known.get(table.keyPrefix);
    if (known !== undefined) apply(known, change);
    this.#loading.get(table.keyPrefix)?.changes.push(change);
  }

  /** Callers that come while a LIST runs share it. */
  async #list(table: LokiTable): Promise<Listing> {
    const prefix = table.keyPrefix;
    let loading = this.#loading.get(prefix);
    if (loading === undefined) {
      const changes: Change[] = [];
      const listing = this.#limiter
        .run(() => this.#fetch(table, changes))
        .finally(() => this.#loading.delete(prefix));
      this.#loading.set(prefix, (loading = { listing, changes }));
    }
    return loading.listing;
  }

  async #fetch(table: LokiTable, changes: readonly Change[]): Promise<Listing> {
    const listing: Listing = { byKey: new Map(), listedMs: this.#clock.monotonicMs() };
    for await (const { key, modifiedMs } of table.period.objects.list(table.keyPrefix)) {
      const name = parseIndexPath(key.slice(table.keyPrefix.length));
      if (name !== undefined) listing.byKey.set(key, { ...name, key, modifiedMs });
    }
    for (const change of changes) apply(listing, change);
    this.#known.set(table.keyPrefix, listing);
    return listing;
  }
}

function apply({ byKey }: Listing, { key, file }: Change): void {
  if (file === undefined) byKey.delete(key);
  else byKey.set(key, file);
}
