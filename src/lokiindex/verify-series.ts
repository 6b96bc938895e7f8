import { ByteCursor } from "./byte-cursor.ts";
import { type ChunkMeta, compareChunks } from "./chunk-meta.ts";
import { ChunkWalker, allTime, readPage } from "./chunk-walker.ts";
import { pageChunks, pageSumMax, tenantLabel } from "./limits.ts";
import { type RecordFile, SeriesRecord } from "./series-record.ts";
import type { TsdbIndex } from "./tsdb-index.ts";

/** What a record told, for the checks that need all of them. */
export interface CheckedSeries {
  readonly fingerprint: bigint;
  /** Symbol numbers, name and value by turns, in the order of the record. */
  readonly symbols: Uint32Array;
  readonly tenantSymbol: number | undefined;
  readonly chunks: readonly ChunkMeta[];
  /** Where the record ends, its checksum included. */
  readonly end: number;
}

/** Checks records one by one; `report` hears of what is wrong, StoreError ends a record. */
export class SeriesChecker {
  readonly #index: TsdbIndex;
  readonly #record: SeriesRecord;
  readonly #walker: ChunkWalker;
  readonly #report: (at: number, problem: string) => void;

  constructor(index: TsdbIndex, report: (at: number, problem: string) => void) {
    this.#index = index;
    const { key, bytes, toc } = index;
    const records = { from: toc.series, to: toc.labelIndices };
    const file: RecordFile = { key, bytes, version: toc.version, records };
    this.#record = new SeriesRecord(file);
    this.#walker = new ChunkWalker(file);
    this.#report = report;
  }

  check(ref: number): CheckedSeries {
    const record = this.#record;
    record.load(ref);
    const symbols = record.symbols.slice(0, record.labelCount * 2);
    const tenantSymbol = this.#checkLabels(symbols);
    const chunks: ChunkMeta[] = [];
    const offsets: number[] = [];
    this.#walker.start(record, allTime);
    offsets.push(0);
    while (this.#walker.next()) {
      chunks.push(this.#walker.take());
      offsets.push(this.#walker.at - record.metasAt);
    }
    this.#checkChunks(chunks);
    if (this.#walker.at !== record.end) {
      this.#report(this.#walker.at, `${record.end - this.#walker.at} bytes after the chunks`);
    }
    if (this.#index.version > 2) this.#checkPages(chunks, offsets);
    return {
      fingerprint: record.fingerprint,
      symbols,
      tenantSymbol,
      chunks,
      end: record.end + 4,
    };
  }

  #checkLabels(symbols: Uint32Array): number | undefined {
    const { at } = this.#record;
    let tenantSymbol: number | undefined;
    for (let i = 0; i < symbols.length; i += 2) {
      if (i > 0 && symbols[i]! <= symbols[i - 2]!) this.#report(at, "labels not sorted by name");
      const name = this.#index.symbols.text(symbols[i]!, at);
      const value = this.#index.symbols.text(symbols[i + 1]!, at);
      if (name === "__name__") this.#report(at, "label __name__, which no index has");
      if (name === "" || value === "") this.#report(at, `empty name or value (${name}=${value})`);
      if (name === tenantLabel) tenantSymbol = symbols[i + 1]!;
    }
    return tenantSymbol;
  }

  #checkChunks(chunks: readonly ChunkMeta[]): void {
    const { at } = this.#record;
    if (chunks.length === 0) this.#report(at, "series without chunks");
    for (let i = 1; i < chunks.length; i++) {
      const order = compareChunks(chunks[i - 1]!, chunks[i]!);
      if (order > 0) this.#report(at, `chunk ${i} out of order`);
      if (order === 0) this.#report(at, `chunk ${i} twice`);
    }
  }

  /** Pages are 16 chunks each and say what their chunks say. */
  #checkPages(chunks: readonly ChunkMeta[], offsets: readonly number[]): void {
    const record = this.#record;
    if (record.metasAt === record.markersAt) return;
    const { key, bytes } = this.#index;
    const markers = new ByteCursor(key, bytes, record.markersAt, record.metasAt);
    const count = markers.uvarint("number of page markers");
    const wanted = Math.ceil(chunks.length / pageChunks);
    if (count !== wanted) this.#report(record.markersAt, `${count} page markers, not ${wanted}`);
    const page = { chunks: 0, kib: 0, entries: 0, offset: 0, minMs: 0, maxMs: 0 };
    for (let i = 0; i < Math.min(count, wanted); i++) {
      const { at } = markers;
      readPage(markers, page);
      const own = chunks.slice(i * pageChunks, (i + 1) * pageChunks);
      const isRight =
        page.chunks === own.length &&
        page.offset === offsets[i * pageChunks] &&
        page.kib === sumOf(own, (chunk) => chunk.kib) &&
        page.entries === sumOf(own, (chunk) => chunk.entries) &&
        page.minMs === Math.min(...own.map((chunk) => chunk.minMs)) &&
        page.maxMs === Math.max(...own.map((chunk) => chunk.maxMs));
      if (!isRight) this.#report(at, `page marker ${i} differs from its chunks`);
    }
    if (count === wanted && markers.left > 0) {
      this.#report(markers.at, `${markers.left} bytes after the page markers`);
    }
  }
}

function sumOf(chunks: readonly ChunkMeta[], of: (chunk: ChunkMeta) => number): number {
  const total = chunks.reduce((sum, chunk) => sum + of(chunk), 0);
  return Math.min(total, pageSumMax);
}
