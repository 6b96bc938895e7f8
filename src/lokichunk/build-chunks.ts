/**
 * Rows of a stream → chunk objects, filled as Loki fills them, so that either program finds the
 * other's chunks no worse than its own.
 */
import assert from "node:assert";
import { KiB, MiB } from "#base";
import { Labels } from "#model";
import { ByteWriter } from "./byte-writer.ts";
import type { BuiltChunk, ChunkCodec, ChunkRowSlice } from "./chunk.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { compress, compressNow } from "./compression.ts";
import { type GatheredRows, gatherRows } from "./gather-rows.ts";
import { metricNameLabel } from "./header-json.ts";

/** Rows of one stream, slices in order of arrival. Sorted and freed of duplicates here. */
export interface ChunkStream {
  readonly tenant: string;
  /** `__name__` among them is dropped, as it is by Loki. */
  readonly labels: Labels;
  /** When another than the hash of the labels must be used. */
  readonly fingerprint?: bigint;
  readonly rows: readonly ChunkRowSlice[];
}

export interface BuildChunksOptions {
  /** Version 3 has no structured metadata: it is dropped, and entries that then are equal merge. */
  readonly version: 3 | 4;
  readonly codec: ChunkCodec;
  /** `chunk_block_size`, 262144 when omitted. */
  readonly blockBytes?: number;
  /** `chunk_target_size`, 1572864 when omitted. 0: one chunk, however large. */
  readonly targetBytes?: number;
  /** An entry this much later than the first one of a chunk, or later, begins a new chunk. */
  readonly spanNsMax?: number;
  /** Written as `ingestedAt`; 0 when omitted. */
  readonly ingestedAtMs?: number;
}

const blockBytesDefault = 256 * KiB;
const targetBytesDefault = 1.5 * MiB;

/**
 * All rows of a stream as chunks, in order of time, none overlapping another. The same input gives
 * the same bytes. Compression runs in the thread pool where node:zlib has it; batches are only read
 * and must not change meanwhile.
 */
export async function buildChunks(
  stream: ChunkStream,
  options: BuildChunksOptions,
): Promise<BuiltChunk[]> {
  const building = chunksOf(stream, options);
  let step = building.next();
  // One block at a time: whether the next entry fits depends on what this one is compressed to.
  while (step.done !== true) step = building.next(await compress(options.codec, step.value));
  return step.value;
}

/** As `buildChunks`, on this thread. */
export function buildChunksNow(stream: ChunkStream, options: BuildChunksOptions): BuiltChunk[] {
  const building = chunksOf(stream, options);
  let step = building.next();
  while (step.done !== true) step = building.next(compressNow(options.codec, step.value));
  return step.value;
}

/** Yields what is to be compressed, and gets it back compressed. */
function* chunksOf(
  stream: ChunkStream,
  options: BuildChunksOptions,
): Generator<Buffer, BuiltChunk[], Buffer> {
  const { version, codec, ingestedAtMs = 0 } = options;
  const { blockBytes = blockBytesDefault, targetBytes = targetBytesDefault } = options;
  const spanNsMax = options.spanNsMax ?? Number.POSITIVE_INFINITY;
  assert(blockBytes > 0 && targetBytes >= 0);
  const labels = withoutMetricName(stream.labels);
  const { tenant, fingerprint = labels.fingerprint } = stream;
  const identity = { tenant, labels, fingerprint, version, codec, ingestedAtMs };
  const rows = gatherRows(stream.rows, { hasMetadata: version === 4 });
  const head = new ByteWriter(blockBytes + 4 * KiB);
  const chunks: BuiltChunk[] = [];
  let writer = new ChunkWriter(identity, rows, head);
  let first = 0;
  for (let i = 0; i < rows.count; i++) {
    if (!writer.isEmpty) {
      const isFull = targetBytes > 0 && !writer.fits(i, targetBytes);
      if (isFull || spanNs(rows, first, i) >= spanNsMax) {
        chunks.push(yield* finished(writer, version));
        writer = new ChunkWriter(identity, rows, head);
      }
    }
    if (writer.isEmpty) first = i;
    writer.append(i);
    if (writer.isHeadFull(blockBytes)) writer.endBlock(yield writer.headView());
  }
  if (!writer.isEmpty) chunks.push(yield* finished(writer, version));
  return chunks;
}

function spanNs({ seconds, nanos }: GatheredRows, from: number, to: number): number {
  return (seconds[to]! - seconds[from]!) * 1e9 + nanos[to]! - nanos[from]!;
}

function* finished(writer: ChunkWriter, version: 3 | 4): Generator<Buffer, BuiltChunk, Buffer> {
  if (writer.headRows > 0) writer.endBlock(yield writer.headView());
  return writer.finish(version === 4 ? yield writer.symbolView() : Buffer.alloc(0));
}

function withoutMetricName(labels: Labels): Labels {
  if (!labels.has(metricNameLabel)) return labels;
  return Labels.ofSorted(labels.pairs.filter(([name]) => name !== metricNameLabel));
}
