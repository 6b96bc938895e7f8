import assert from "node:assert/strict";
import type { ByteSink } from "./byte-sink.ts";
import type { ChunkMeta } from "./chunk-meta.ts";
import { pageChunks, pageSumMax } from "./limits.ts";
import type { IndexVersion } from "./tables.ts";

/** The sinks that a record is put together in; used again for the next one. */
export interface SeriesScratch {
  readonly content: ByteSink;
  readonly markers: ByteSink;
  readonly metas: ByteSink;
}

/**
 * The content of one record, without length and checksum; valid until the scratch is used again.
 * `chunks` are sorted and distinct.
 */
export function encodeSeries(
  series: {
    readonly fingerprint: bigint;
    /** Name and value by turns, sorted by name. */
    readonly symbols: readonly number[];
    readonly chunks: readonly ChunkMeta[];
  },
  version: IndexVersion,
  scratch: SeriesScratch,
): Buffer {
  const { content, markers, metas } = scratch;
  content.reset();
  markers.reset();
  metas.reset();
  content.u64(series.fingerprint);
  content.uvarint(series.symbols.length / 2);
  for (const symbol of series.symbols) content.uvarint(symbol);
  const { chunks } = series;
  content.uvarint(chunks.length);
  if (version > 2) markers.uvarint(Math.ceil(chunks.length / pageChunks));
  let previousMaxMs = 0;
  for (const [number, chunk] of chunks.entries()) {
    if (version > 2 && number % pageChunks === 0) {
      writePage(markers, chunks.slice(number, number + pageChunks), metas.at);
    }
    writeChunk(metas, chunk, previousMaxMs);
    if (version === 4) writeIngestedDays(metas, chunk.ingestedDays);
    previousMaxMs = chunk.maxMs;
  }
  if (version > 2) {
    const markersBytes = markers.bytes();
    content.u32(markersBytes.length);
    content.append(markersBytes);
  }
  content.append(metas.bytes());
  return content.bytes();
}

function writeChunk(metas: ByteSink, chunk: ChunkMeta, previousMaxMs: number): void {
  assert(Number.isSafeInteger(chunk.minMs) && Number.isSafeInteger(chunk.maxMs));
  assert(chunk.maxMs >= chunk.minMs, `chunk from ${chunk.minMs} to ${chunk.maxMs}`);
  metas.svarint(chunk.minMs - previousMaxMs);
  metas.uvarint(chunk.maxMs - chunk.minMs);
  metas.uvarint(chunk.kib);
  metas.uvarint(chunk.entries);
  metas.u32(chunk.checksum);
}

function writeIngestedDays(metas: ByteSink, days: number | undefined): void {
  if (days === undefined) metas.uvarint(0);
  else metas.uvarint((days >= 0 ? days * 2 : -days * 2 - 1) + 1);
}

function writePage(markers: ByteSink, page: readonly ChunkMeta[], offset: number): void {
  let [kib, entries] = [0, 0];
  let minMs = Number.POSITIVE_INFINITY;
  let maxMs = Number.NEGATIVE_INFINITY;
  for (const chunk of page) {
    kib += chunk.kib;
    entries += chunk.entries;
    minMs = Math.min(minMs, chunk.minMs);
    maxMs = Math.max(maxMs, chunk.maxMs);
  }
  markers.uvarint(page.length);
  markers.u32(Math.min(kib, pageSumMax));
  markers.u32(Math.min(entries, pageSumMax));
  markers.uvarint(offset);
  markers.svarint(minMs);
  markers.svarint(maxMs - minMs);
}
