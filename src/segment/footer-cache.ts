import { Limiter, LruMap, MiB } from "#base";
import type { ObjectStore } from "#objectstore";
import type { ReadCounters } from "#storage";
import { corrupt } from "./byte-reader.ts";
import { SharedLabels } from "./shared-labels.ts";
import { decodeFooterInTurns, footerRawBytes } from "./decode-footer.ts";
import type { SegmentFooter } from "./footer.ts";
import { footerBytesMax } from "./limits.ts";
import { gapBytesMax } from "./read-ranges.ts";
import type { ListedSegment } from "./segment-list.ts";

export const footerCacheBytesDefault: number = 256 * MiB;

/** Footer GETs in flight, over all queries. */
const getsInFlightMax = 8;

/**
 * Gets the bytes before the footer that were read along with it; they end where the footer starts.
 */
export type TailReader = (footer: SegmentFooter, tail: Buffer) => void;

/**
 * Footers in memory, bounded by bytes; each fetched with one ranged GET, once for all who ask at
 * the same time.
 */
export class FooterCache {
  readonly #objects: ObjectStore;
  readonly #footers: LruMap<string, SegmentFooter>;
  readonly #loading = new Map<string, Promise<SegmentFooter>>();
  readonly #limiter = new Limiter(getsInFlightMax, "footer_reads");
  /** A stream is in many segments; its labels are in memory once. */
  readonly #labels = new SharedLabels();

  constructor(objects: ObjectStore, cacheBytes: number) {
    this.#objects = objects;
    this.#footers = new LruMap({
      name: "footers",
      weightMax: cacheBytes,
      weigh: (footer) => footer.weightBytes,
    });
  }

  /** The footer, if it is in memory. */
  known(segment: ListedSegment, counters: ReadCounters): SegmentFooter | undefined {
    const cached = this.#footers.get(segment.key);
    if (cached !== undefined) counters.cacheHits++;
    return cached;
  }

  /** StoreError `corrupt`, `missing`, … as the object store and the decoder say. */
  async get(
    segment: ListedSegment,
    counters: ReadCounters,
    onTail?: TailReader,
  ): Promise<SegmentFooter> {
    const cached = this.known(segment, counters);
    if (cached !== undefined) return cached;
    let loading = this.#loading.get(segment.key);
    if (loading === undefined) {
      loading = this.#limiter
        .run(() => this.#load(segment, counters, onTail))
        .finally(() => this.#loading.delete(segment.key));
      this.#loading.set(segment.key, loading);
    }
    return loading;
  }

  /** Not bound to the signal of one query: others may wait for the same footer. */
  async #load(
    segment: ListedSegment,
    counters: ReadCounters,
    onTail?: TailReader,
  ): Promise<SegmentFooter> {
    const footer = await loadFooter(this.#objects, segment, counters, {
      onTail,
      labels: this.#labels,
    });
    this.#footers.set(segment.key, footer);
    return footer;
  }
}

/** Fetches and decodes a footer. StoreError `corrupt` when it is not that of this key. */
export async function loadFooter(
  objects: ObjectStore,
  segment: ListedSegment,
  counters: ReadCounters,
  how: { onTail?: TailReader | undefined; labels?: SharedLabels } = {},
): Promise<SegmentFooter> {
  const { onTail, labels } = how;
  const { key, bodyBytes, footerBytes } = segment;
  const origin = { key, offset: bodyBytes, part: "footer" };
  if (footerBytes > footerBytesMax) {
    throw corrupt(origin, `${footerBytes} bytes by its key, limit ${footerBytesMax}`);
  }
  counters.getRequests++;
  const tailBytes = onTail === undefined ? 0 : Math.min(bodyBytes, gapBytesMax);
  const range = { from: bodyBytes - tailBytes, to: bodyBytes + footerBytes };
  const read = await objects.get(key, { range });
  counters.fetchedBytes += read.length;
  const bytes = read.subarray(tailBytes);
  if (bytes.length !== footerBytes) {
    throw corrupt(origin, `${footerBytes} bytes expected but ${bytes.length} read`);
  }
  const footer = await decodeFooterInTurns({ name: key, bytes, bodyBytes }, labels);
  counters.decompressedBytes += footerRawBytes(footer);
  const { tenant, day, id } = footer.info;
  if (tenant !== segment.tenant || day !== segment.day || id !== segment.id) {
    throw corrupt(origin, `written as tenant ${tenant} day ${day} id ${id}`);
  }
  onTail?.(footer, read.subarray(0, tailBytes));
  return footer;
}
