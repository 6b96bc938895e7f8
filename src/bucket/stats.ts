/** What lies in a bucket, added up by tenant and day, from keys, index files and footers alone. */
import { KiB } from "#base";
import { decodeFooter, parseSegmentKey } from "#segment";
import {
  type Bucket,
  type BucketObject,
  type BucketScope,
  hasTenant,
  objectsOf,
  type ObjectKind,
  tablesOf,
} from "./bucket.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import { chunksOfFile, faultOf, filesOfTable, openTableFile } from "./index-files.ts";

const readsInFlightMax = 8;
const bytesInFlightMax = 256 * 1024 * KiB;

/** Upper bounds, inclusive, of the classes that objects are counted in; the last has the rest. */
export const sizeClasses: readonly number[] = [
  4 * KiB,
  64 * KiB,
  512 * KiB,
  2 * 1024 * KiB,
  8 * 1024 * KiB,
  32 * 1024 * KiB,
  128 * 1024 * KiB,
  Number.POSITIVE_INFINITY,
];

/** Of one tenant, day and format. */
export interface DayStats {
  readonly tenant: string;
  /** UTC day number. A chunk counts in the day it begins in. */
  readonly day: number;
  readonly format: "chunks" | "segments";
  /** Of index files or footers; streams of several segments are counted in each. */
  streams: number;
  entries: number;
  /** Before compression: of lines in segments, in whole KiB and with metadata in chunks. */
  lineBytes: number;
  objects: number;
  storedBytes: number;
}

export interface ObjectCounts {
  objects: number;
  bytes: number;
  /** By `sizeClasses`. */
  readonly histogram: number[];
}

export interface BucketStats {
  /** By tenant, then day. */
  readonly days: readonly DayStats[];
  readonly kinds: ReadonlyMap<ObjectKind, ObjectCounts>;
  /** What could not be read and is not counted. */
  readonly faults: readonly string[];
}

export async function statsOfBucket(
  bucket: Bucket,
  options: { readonly scope: BucketScope; readonly signal: AbortSignal },
): Promise<BucketStats> {
  const collector = new StatsCollector(bucket, options);
  await collector.objects();
  await collector.indexes();
  return collector.stats();
}

class StatsCollector {
  readonly #bucket: Bucket;
  readonly #options: { readonly scope: BucketScope; readonly signal: AbortSignal };
  readonly #days = new Map<string, DayStats>();
  readonly #kinds = new Map<ObjectKind, ObjectCounts>();
  readonly #faults: string[] = [];

  constructor(
    bucket: Bucket,
    options: { readonly scope: BucketScope; readonly signal: AbortSignal },
  ) {
    this.#bucket = bucket;
    this.#options = options;
  }

  stats(): BucketStats {
    const days = [...this.#days.values()].sort((a, b) =>
      a.tenant === b.tenant ? a.day - b.day : a.tenant < b.tenant ? -1 : 1,
    );
    return { days, kinds: this.#kinds, faults: this.#faults };
  }

  #dayOf(tenant: string, day: number, format: DayStats["format"]): DayStats {
    const key = `${tenant}/${day}/${format}`;
    let found = this.#days.get(key);
    if (found === undefined) {
      const sums = { streams: 0, entries: 0, lineBytes: 0, objects: 0, storedBytes: 0 };
      this.#days.set(key, (found = { tenant, day, format, ...sums }));
    }
    return found;
  }

  async objects(): Promise<void> {
    const { scope, signal } = this.#options;
    const segments = this.#counted(objectsOf(this.#bucket, scope, signal));
    const bytesOf = ({ info }: BucketObject): number => parseSegmentKey(info.key).footerBytes;
    const bounds = { tasksMax: readsInFlightMax, bytesMax: bytesInFlightMax, bytesOf };
    await forEachBounded(segments, bounds, (object) => this.#segment(object));
  }

  async *#counted(
    objects: AsyncIterable<BucketObject>,
  ): AsyncGenerator<BucketObject, void, undefined> {
    for await (const object of objects) {
      const { kind, info, tenant, fromDay } = object;
      const counts = this.#kinds.get(kind) ?? newCounts();
      this.#kinds.set(kind, counts);
      counts.objects++;
      counts.bytes += info.sizeBytes;
      counts.histogram[sizeClasses.findIndex((most) => info.sizeBytes <= most)]!++;
      if (tenant === undefined || fromDay === undefined) continue;
      if (kind !== "chunk" && kind !== "segment") continue;
      const day = this.#dayOf(tenant, fromDay, kind === "chunk" ? "chunks" : "segments");
      day.objects++;
      day.storedBytes += info.sizeBytes;
      if (kind === "segment") yield object;
    }
  }

  async #segment({ place, info, tenant, fromDay }: BucketObject): Promise<void> {
    const { key } = info;
    const { bodyBytes, footerBytes } = parseSegmentKey(key);
    const range = { from: bodyBytes, to: bodyBytes + footerBytes };
    try {
      const bytes = await place.objects.get(key, { range, signal: this.#options.signal });
      const footer = decodeFooter({ name: key, bytes, bodyBytes }).info;
      const day = this.#dayOf(tenant!, fromDay!, "segments");
      day.streams += footer.streamCount;
      day.entries += footer.entryCount;
      day.lineBytes += footer.lineBytes;
    } catch (error) {
      this.#faults.push(faultOf(error));
    }
  }

  async indexes(): Promise<void> {
    const { scope, signal } = this.#options;
    for (const placed of await tablesOf(this.#bucket, scope, signal)) {
      const { number } = placed.table;
      const streams = new Map<string, Set<string>>();
      const seen = new Set<string>();
      for (const file of (await filesOfTable(placed, signal)).files) {
        if (file.tenant !== undefined && !hasTenant(scope, file.tenant)) continue;
        try {
          const index = await openTableFile(placed, file, signal);
          for (const chunk of chunksOfFile(this.#bucket, { placed, file, index }, scope)) {
            const { tenant, key, labels, meta } = chunk;
            const ofTenant = streams.get(tenant) ?? new Set();
            streams.set(tenant, ofTenant.add(labels.key));
            // Each chunk counts once, in the table of its first day.
            if (Math.floor(meta.minMs / 86_400_000) !== number || seen.has(key)) continue;
            seen.add(key);
            const day = this.#dayOf(tenant, number, "chunks");
            day.entries += meta.entries;
            day.lineBytes += meta.kib * KiB;
          }
        } catch (error) {
          this.#faults.push(faultOf(error));
        }
      }
      for (const [tenant, of] of streams) this.#dayOf(tenant, number, "chunks").streams += of.size;
    }
  }
}

function newCounts(): ObjectCounts {
  return { objects: 0, bytes: 0, histogram: sizeClasses.map(() => 0) };
}
