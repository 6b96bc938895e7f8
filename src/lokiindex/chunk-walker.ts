import { ByteCursor, corrupt } from "./byte-cursor.ts";
import type { ChunkMeta } from "./chunk-meta.ts";
import type { MsRange } from "./index-types.ts";
import { markedChunksMin } from "./limits.ts";
import type { RecordFile, SeriesRecord } from "./series-record.ts";

export const allTime: MsRange = {
  fromMs: Number.NEGATIVE_INFINITY,
  toMs: Number.POSITIVE_INFINITY,
};

/** No time of nanoseconds in 64 bits is further from 1970 than this many milliseconds. */
const msMax = 9_300_000_000_000;

/** A page that `ChunkWalker` has come to. */
interface Page {
  chunks: number;
  kib: number;
  entries: number;
  /** From the start of the chunk metas. */
  offset: number;
  minMs: number;
  maxMs: number;
}

/**
 * Goes through the chunks of a loaded record that a range touches; the fields are those of the
 * chunk that `next` stopped at. Pages of 16 chunks that lie outside the range are jumped over by
 * their markers when the series is long.
 */
export class ChunkWalker {
  readonly #file: RecordFile;
  readonly #metas: ByteCursor;
  readonly #markers: ByteCursor;
  readonly #page: Page = { chunks: 0, kib: 0, entries: 0, offset: 0, minMs: 0, maxMs: 0 };
  #range: MsRange = allTime;
  #metasAt = 0;
  #left = 0;
  #hasPages = false;
  #pageLeft = 0;
  #previousMaxMs = 0;
  /** Not the chain of differences but the page says where its first chunk starts. */
  #hasJumped = false;

  minMs = 0;
  maxMs = 0;
  kib = 0;
  entries = 0;
  checksum = 0;
  /** Version 4 only; `undefined` when not known. */
  ingestedDays: number | undefined = undefined;

  constructor(file: RecordFile) {
    this.#file = file;
    this.#metas = new ByteCursor(file.key, file.bytes);
    this.#markers = new ByteCursor(file.key, file.bytes);
  }

  start(record: SeriesRecord, range: MsRange): void {
    this.#range = range;
    this.#metasAt = record.metasAt;
    this.#metas.at = record.metasAt;
    this.#metas.end = record.end;
    this.#left = record.chunkCount;
    this.#previousMaxMs = 0;
    this.#pageLeft = 0;
    this.#hasJumped = false;
    this.#hasPages =
      record.metasAt > record.markersAt && this.#left >= markedChunksMin && range !== allTime;
    if (!this.#hasPages) return;
    this.#markers.at = record.markersAt;
    this.#markers.end = record.metasAt;
    this.#markers.uvarint("number of page markers");
  }

  next(): boolean {
    const { fromMs, toMs } = this.#range;
    while (this.#left > 0) {
      if (this.#hasPages && this.#pageLeft === 0 && !this.#enterPage()) continue;
      this.#readChunk();
      this.#left--;
      this.#pageLeft--;
      if (this.maxMs >= fromMs && this.minMs < toMs) return true;
    }
    return false;
  }

  /** False when the page is passed over. */
  #enterPage(): boolean {
    const page = this.#page;
    const at = this.#markers.at;
    readPage(this.#markers, page);
    if (page.chunks === 0 || page.chunks > this.#left) {
      const expected = `a page of 1 … ${this.#left} chunks`;
      throw corrupt(this.#file.key, { at, expected, actual: page.chunks });
    }
    if (page.maxMs < this.#range.fromMs || page.minMs >= this.#range.toMs) {
      this.#left -= page.chunks;
      this.#hasJumped = true;
      return false;
    }
    if (this.#metasAt + page.offset > this.#metas.end) {
      const expected = `an offset up to ${this.#metas.end - this.#metasAt}`;
      throw corrupt(this.#file.key, { at, expected, actual: page.offset });
    }
    this.#metas.at = this.#metasAt + page.offset;
    this.#pageLeft = page.chunks;
    return true;
  }

  #readChunk(): void {
    const metas = this.#metas;
    const at = metas.at;
    const difference = metas.svarint("chunk mint");
    this.minMs = this.#hasJumped ? this.#page.minMs : this.#previousMaxMs + difference;
    this.#hasJumped = false;
    this.maxMs = this.minMs + metas.uvarint("chunk maxt");
    if (Math.abs(this.minMs) > msMax || this.maxMs > msMax) {
      const actual = `${this.minMs} … ${this.maxMs}`;
      throw corrupt(this.#file.key, { at, expected: "times of this world", actual });
    }
    this.kib = metas.uvarint("chunk kb");
    this.entries = metas.uvarint("chunk entries");
    this.checksum = metas.u32("chunk checksum");
    this.#previousMaxMs = this.maxMs;
    if (this.#file.version === 4) this.#readIngestedDays();
  }

  #readIngestedDays(): void {
    const stored = this.#metas.uvarint("ingestion day");
    const zigzag = stored - 1;
    if (stored === 0) this.ingestedDays = undefined;
    else this.ingestedDays = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  /** Where the next chunk meta starts; after the last one, the end of the record. */
  get at(): number {
    return this.#metas.at;
  }

  /** The chunk that `next` stopped at, as an object that lasts. */
  take(): ChunkMeta {
    const { minMs, maxMs, kib, entries, checksum, ingestedDays } = this;
    const meta = { minMs, maxMs, kib, entries, checksum };
    return ingestedDays === undefined ? meta : { ...meta, ingestedDays };
  }
}

/** Reads one page marker. */
export function readPage(markers: ByteCursor, page: Page): void {
  page.chunks = markers.uvarint("chunks of page");
  page.kib = markers.u32("kb of page");
  page.entries = markers.u32("entries of page");
  page.offset = markers.uvarint("offset of page");
  page.minMs = markers.svarint("mint of page");
  page.maxMs = page.minMs + markers.svarint("maxt of page");
}
