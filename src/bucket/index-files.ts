/** Index files of Loki's tables, one at a time, for tools that go through all of them. */
import { GiB, LruMap, MiB, StoreError } from "#base";
import {
  type ChunkMeta,
  gunzipIndex,
  type IndexFileName,
  openIndex,
  parseIndexPath,
  type TsdbIndex,
} from "#lokiindex";
import { chunkKeyFormOf, formatChunkKey } from "#lokichunk";
import type { LokiPeriod } from "#lokistore";
import type { Labels } from "#model";
import { type Bucket, type BucketScope, hasTenant, type PlacedTable } from "./bucket.ts";

/** One index unpacked: far above any in use, and what one Buffer is allowed here. */
const indexBytesMax: number = 2 * GiB;

/** Series records begin at multiples of this; a reference is that multiple. */
const seriesAlignBytes = 16;

export interface TableFile extends IndexFileName {
  readonly key: string;
  readonly sizeBytes: number;
}

/** Index files of a table, and keys of what else lies there. */
export async function filesOfTable(
  { place, table }: PlacedTable,
  signal: AbortSignal,
): Promise<{ files: TableFile[]; strangers: string[] }> {
  const files: TableFile[] = [];
  const strangers: string[] = [];
  for await (const { key, sizeBytes } of place.logical.list(table.keyPrefix, { signal })) {
    const name = parseIndexPath(key.slice(table.keyPrefix.length));
    if (name === undefined) strangers.push(key);
    else files.push({ ...name, key, sizeBytes });
  }
  return { files, strangers };
}

/** The unpacked bytes of an index file. StoreError `corrupt`, `missing`, … */
export async function indexBytesOf(
  { place }: PlacedTable,
  { key, isGzip }: TableFile,
  signal: AbortSignal,
): Promise<Buffer> {
  const stored = await place.logical.get(key, { signal });
  return gunzipIndex(key, stored, { isGzip, bytesMax: indexBytesMax });
}

export async function openTableFile(
  placed: PlacedTable,
  file: TableFile,
  signal: AbortSignal,
): Promise<TsdbIndex> {
  return openIndex(file.key, await indexBytesOf(placed, file, signal));
}

/** Opened index files that are kept for the next tenant. */
const shelfBytesMax: number = 256 * MiB;

/** A file of many tenants is looked into once for each of them, and fetched once. */
export class IndexShelf {
  readonly #indexes = new LruMap<string, TsdbIndex>({
    weightMax: shelfBytesMax,
    weigh: (index) => index.heldBytes,
  });

  /** StoreError `corrupt`, `missing`, … */
  async open(placed: PlacedTable, file: TableFile, signal: AbortSignal): Promise<TsdbIndex> {
    const id = `${placed.place.name}\0${file.key}`;
    const known = this.#indexes.get(id);
    if (known !== undefined) return known;
    const index = await openTableFile(placed, file, signal);
    this.#indexes.set(id, index);
    return index;
  }
}

/** A chunk as an index file lists it. */
export interface ListedChunk {
  readonly key: string;
  readonly tenant: string;
  readonly fingerprint: bigint;
  /** Of the series, without the tenant. */
  readonly labels: Labels;
  readonly meta: ChunkMeta;
  /** Of the chunk's first millisecond: its bucket and form of key. */
  readonly home: LokiPeriod;
  /** Where the index file says so, in bytes of the unpacked file. */
  readonly listedAt: number;
}

/** The tenants an index file tells of. StoreError `corrupt`. */
export function tenantsOfFile(file: TableFile, index: TsdbIndex): string[] {
  return file.tenant === undefined ? index.tenants() : [file.tenant];
}

/** Every chunk of the scope's tenants that the file lists. StoreError `corrupt`. */
export function* chunksOfFile(
  bucket: Bucket,
  opened: { readonly placed: PlacedTable; readonly file: TableFile; readonly index: TsdbIndex },
  scope: BucketScope,
): Generator<ListedChunk, void, undefined> {
  const { placed, file, index } = opened;
  for (const tenant of tenantsOfFile(file, index)) {
    if (!hasTenant(scope, tenant)) continue;
    const of = file.tenant === undefined ? tenant : undefined;
    for (const ref of index.select({ matchers: [], tenant: of })) {
      const labels = index.labelsOf(ref);
      const fingerprint = index.fingerprintOf(ref);
      for (const meta of index.chunksOf(ref)) {
        const home = bucket.periods.at(meta.minMs) ?? placed.table.period;
        const { minMs: fromMs, maxMs: throughMs, checksum } = meta;
        const named = { tenant, fingerprint, fromMs, throughMs, checksum };
        const key = formatChunkKey(named, chunkKeyFormOf(home.schema));
        yield { key, tenant, fingerprint, labels, meta, home, listedAt: ref * seriesAlignBytes };
      }
    }
  }
}

/** The byte a message of a StoreError names; 0 when it names none. */
export function offsetIn(message: string): number {
  return Number(/ at byte (\d+)/.exec(message)?.[1] ?? 0);
}

/** What an object store says of a file that is bad or gone; anything else is thrown on. */
export function faultOf(error: unknown): string {
  if (error instanceof StoreError && (error.kind === "corrupt" || error.kind === "missing")) {
    return error.message;
  }
  throw error;
}
