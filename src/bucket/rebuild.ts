/**
 * Index tables of Loki's format made anew from the chunk objects: a chunk says itself of which
 * tenant and stream it is, from when to when, and how much is in it. Without being told to, this
 * is done only where a tenant has no index file that can be read: where there is one, a chunk that
 * it does not list may be one that retention or a delete took out and that is yet to be swept.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { MiB } from "#base";
import { type LokiChunk, openChunk, parseChunkKey } from "#lokichunk";
import {
  type ChunkMeta,
  compactedIndexName,
  compareChunks,
  compareSeries,
  type IndexSeries,
  ingestedDaysOf,
  writeIndex,
} from "#lokiindex";
import type { Labels } from "#model";
import { nextTurn } from "#world";
import {
  type Bucket,
  type BucketPlace,
  type BucketScope,
  type BucketTable,
  hasDay,
  hasTenant,
} from "./bucket.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import {
  chunksOfFile,
  faultOf,
  filesOfTable,
  IndexShelf,
  type TableFile,
  tenantsOfFile,
} from "./index-files.ts";

const gzipAsync = promisify(gzip);

const readsInFlightMax = 8;
const bytesInFlightMax: number = 128 * MiB;

export interface RebuildOptions {
  readonly scope: BucketScope;
  readonly isDryRun: boolean;
  /** Also lists chunks that no file lists although the tenant has a sound one. */
  readonly listsUnlisted: boolean;
  /** Deletes index files that cannot be read, once every tenant of the table has a sound one. */
  readonly removesDamaged: boolean;
  readonly signal: AbortSignal;
  readonly onTable: (done: RebuiltTable) => void;
  readonly onChunk: () => void;
}

/** What became of one tenant's part of a table. */
export interface RebuiltTable {
  readonly table: string;
  readonly tenant: string;
  /** `sound`: its index files list all chunks there are. `left`: not all, see above. */
  readonly outcome: "sound" | "rebuilt" | "planned" | "left" | "failed";
  /** Chunks of the tenant and day; those among them that no file listed. */
  readonly chunks: number;
  readonly unlisted: number;
  /** The index file that was put. */
  readonly indexKey: string | undefined;
  /** Chunks that could not be read. */
  readonly faults: readonly string[];
}

export interface RebuildResult {
  readonly rebuilt: number;
  readonly failed: number;
  /** Index files that cannot be read, and those among them that were deleted. */
  readonly damagedFiles: readonly string[];
  readonly removedFiles: readonly string[];
}

export async function rebuildIndexes(
  bucket: Bucket,
  options: RebuildOptions,
): Promise<RebuildResult> {
  const sums = { rebuilt: 0, failed: 0 };
  const shelf = new IndexShelf();
  const damagedFiles = new Set<string>();
  const failedTables = new Set<string>();
  const placeOfFile = new Map<string, { place: BucketPlace; table: string }>();
  for (const place of bucket.places) {
    if (place.periods.length === 0) continue;
    for (const tenant of await tenantsOf(place, options)) {
      for (const [number, keys] of await keysByTable(bucket, { place, tenant }, options)) {
        const table = bucket.periods.tableAt(number);
        if (table === undefined || !place.periods.includes(table.period)) continue;
        const job = new TableRebuild(bucket, { shelf, place, table, tenant, keys }, options);
        const done = await job.run();
        for (const key of job.damaged) {
          damagedFiles.add(key);
          placeOfFile.set(key, { place, table: table.keyPrefix });
        }
        options.onTable(done);
        if (done.outcome === "rebuilt") sums.rebuilt++;
        if (done.outcome === "failed") sums.failed++;
        if (done.outcome === "failed" || done.outcome === "left") failedTables.add(table.keyPrefix);
      }
    }
  }
  const removedFiles: string[] = [];
  const mayRemove =
    options.removesDamaged && !options.isDryRun && options.scope.tenants === undefined;
  for (const [key, { place, table }] of mayRemove ? placeOfFile : []) {
    if (failedTables.has(table)) continue;
    await place.logical.delete(key, { signal: options.signal });
    removedFiles.push(key);
  }
  return { ...sums, damagedFiles: [...damagedFiles], removedFiles };
}

/** Folders that hold chunks, by their names; `index` and the like turn out to have none. */
async function tenantsOf(place: BucketPlace, options: RebuildOptions): Promise<string[]> {
  const { scope, signal } = options;
  const folders = await place.logical.listFolders("", { signal });
  return folders.filter((folder) => hasTenant(scope, folder));
}

/** Keys of a tenant's chunks by the tables that must list them: a string each in memory. */
async function keysByTable(
  bucket: Bucket,
  { place, tenant }: { readonly place: BucketPlace; readonly tenant: string },
  { scope, signal }: RebuildOptions,
): Promise<[number, string[]][]> {
  const found = new Map<number, string[]>();
  for await (const { key } of place.logical.list(`${tenant}/`, { signal })) {
    const ref = parseChunkKey(key)?.ref;
    if (ref === undefined) continue;
    for (const { number } of bucket.periods.tablesOf(ref)) {
      if (!hasDay(scope, number)) continue;
      const known = found.get(number);
      if (known === undefined) found.set(number, [key]);
      else known.push(key);
    }
  }
  return [...found].sort(([a], [b]) => a - b);
}

interface TableJob {
  readonly shelf: IndexShelf;
  readonly place: BucketPlace;
  readonly table: BucketTable;
  readonly tenant: string;
  readonly keys: readonly string[];
}

class TableRebuild {
  readonly #bucket: Bucket;
  readonly #job: TableJob;
  readonly #options: RebuildOptions;
  /** Index files that cannot be read. */
  readonly damaged: string[] = [];
  readonly #faults: string[] = [];

  constructor(bucket: Bucket, job: TableJob, options: RebuildOptions) {
    this.#bucket = bucket;
    this.#job = job;
    this.#options = options;
  }

  async run(): Promise<RebuiltTable> {
    const { table, tenant, keys } = this.#job;
    const { isDryRun, listsUnlisted } = this.#options;
    const { listed, hasSound } = await this.#listed();
    const missing = keys.filter((key) => !listed.has(key));
    const facts = { table: table.name, tenant, chunks: keys.length, unlisted: missing.length };
    const nothing = { ...facts, indexKey: undefined, faults: [] };
    if (missing.length === 0) return { ...nothing, outcome: "sound" };
    if (hasSound && !listsUnlisted) return { ...nothing, outcome: "left" };
    if (isDryRun) return { ...nothing, outcome: "planned" };
    const series = await this.#series(missing);
    const indexKey = series.length === 0 ? undefined : await this.#publish(series);
    const outcome = this.#faults.length > 0 ? "failed" : "rebuilt";
    return { ...facts, indexKey, faults: this.#faults, outcome };
  }

  /** What the tenant's index files and the shared ones list. */
  async #listed(): Promise<{ listed: Set<string>; hasSound: boolean }> {
    const { shelf, place, table, tenant } = this.#job;
    const { signal } = this.#options;
    const placed = { place, table };
    const scope = { ...this.#options.scope, tenants: new Set([tenant]) };
    const listed = new Set<string>();
    let hasSound = false;
    for (const file of (await filesOfTable(placed, signal)).files) {
      if (file.tenant !== undefined && file.tenant !== tenant) continue;
      try {
        const index = await shelf.open(placed, file, signal);
        const found = [...chunksOfFile(this.#bucket, { placed, file, index }, scope)];
        for (const { key } of found) listed.add(key);
        hasSound ||= tenantsOfFile(file, index).includes(tenant);
      } catch (error) {
        this.#note(file, error);
      }
    }
    return { listed, hasSound: hasSound && this.damaged.length === 0 };
  }

  #note(file: TableFile, error: unknown): void {
    faultOf(error);
    this.damaged.push(file.key);
  }

  /** Reads the chunks: only their headers and tables of blocks are unpacked. */
  async #series(keys: readonly string[]): Promise<IndexSeries[]> {
    const { place, tenant } = this.#job;
    const { signal, onChunk } = this.#options;
    const found = new Map<string, { labels: Labels; fingerprint: bigint; chunks: ChunkMeta[] }>();
    const guessBytes = 2 * MiB;
    const bounds = {
      tasksMax: readsInFlightMax,
      bytesMax: bytesInFlightMax,
      bytesOf: () => guessBytes,
    };
    await forEachBounded(keys, bounds, async (key) => {
      const ref = parseChunkKey(key)!.ref;
      const home = this.#bucket.periods.at(ref.fromMs)?.objects ?? place.logical;
      try {
        const chunk = openChunk(key, await home.get(key, { signal }), ref.checksum);
        const { header } = chunk;
        if (header.tenant !== tenant) {
          this.#faults.push(`${key} at byte 4: written by tenant ${header.tenant}`);
          return;
        }
        const id = `${ref.fingerprint}/${header.labels.key}`;
        const known = found.get(id) ?? {
          labels: header.labels,
          fingerprint: ref.fingerprint,
          chunks: [],
        };
        found.set(id, known);
        known.chunks.push(metaOf(chunk, ref, this.#job.table.version));
      } catch (error) {
        this.#faults.push(faultOf(error));
      } finally {
        onChunk();
      }
    });
    for (const { chunks } of found.values()) chunks.sort(compareChunks);
    return [...found.values()].sort(compareSeries);
  }

  async #publish(series: readonly IndexSeries[]): Promise<string> {
    const { place, table, tenant } = this.#job;
    const built = await writeIndex(series, { version: table.version, nextTurn });
    const name = compactedIndexName({ ...built!, nowNs: this.#bucket.clock.nowNs() });
    const key = `${table.keyPrefix}${tenant}/${name}`;
    const stored = await gzipAsync(built!.bytes);
    await place.logical.put(key, stored, { signal: this.#options.signal });
    return key;
  }
}

/** What the index says of a chunk, from the chunk itself. StoreError `corrupt`. */
function metaOf(
  chunk: LokiChunk,
  ref: { readonly fromMs: number; readonly throughMs: number; readonly checksum: number },
  version: number,
): ChunkMeta {
  const { blocks, symbols, entryCount, header } = chunk;
  const accounted = blocks.reduce((sum, block) => sum + block.accountedBytes, 0);
  // Rounded half up, as Loki does.
  const kib = Math.floor((accounted + symbols.bytes.length) / 1024 + 0.5);
  const { fromMs: minMs, throughMs: maxMs, checksum } = ref;
  const meta = { minMs, maxMs, kib, entries: entryCount, checksum };
  const { ingestedAtMs } = header;
  if (version < 4 || ingestedAtMs === 0) return meta;
  return { ...meta, ingestedDays: ingestedDaysOf({ ingestedAtMs, maxMs }) };
}
