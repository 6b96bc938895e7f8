/**
 * One block of a chunk as the columns of the waist. Only what is asked for is made: counting looks at
 * times and lengths and copies no line.
 */
import { stableOrder } from "#columns";
import type {
  ChunkBlockFacts,
  ChunkColumnNeeds,
  ChunkRows,
  ChunkRowWindow,
  LokiChunk,
} from "./chunk.ts";
import { checksumText, corrupt, type Place } from "./corrupt.ts";
import { crc32c } from "./checksum.ts";
import { decompress, decompressNow, type PackedStream } from "./compression.ts";
import { blockRawBytesMax, blockSpanNsMax } from "./limits.ts";
import { decodePairs, symbolFactsOf } from "./metadata-pairs.ts";
import { copiedTogether, movedTogether } from "./packed-strings.ts";
import { recordTimeNs, type ScannedRows, scanRows } from "./scan-block.ts";

/**
 * Decodes one block on this thread. StoreError `corrupt` naming key, offset, expected and actual
 * checksum; the other blocks of the chunk can still be read. A block whose rows span 2^53 ns or more
 * is decoded window by window (`blockWindows`).
 */
export function decodeChunkBlock(
  chunk: LokiChunk,
  block: number,
  needs: ChunkColumnNeeds,
  window?: ChunkRowWindow,
): ChunkRows {
  const stream = streamOfBlock(chunk, block);
  return rowsOf({ chunk, block, needs, window, place: stream.place, raw: decompressNow(stream) });
}

/** As `decodeChunkBlock`, decompression in the thread pool for gzip, flate and zstd. */
export async function decodeChunkBlockAsync(
  chunk: LokiChunk,
  block: number,
  needs: ChunkColumnNeeds,
  window?: ChunkRowWindow,
): Promise<ChunkRows> {
  const stream = streamOfBlock(chunk, block);
  const raw = await decompress(stream);
  return rowsOf({ chunk, block, needs, window, place: stream.place, raw });
}

/**
 * Nearly always [undefined]: the whole block. Windows when the block spans 2^53 ns (104 days) or more,
 * as one does whose stream got an entry of last year and one of today; together they cover all time.
 */
export function blockWindows(facts: ChunkBlockFacts): readonly (ChunkRowWindow | undefined)[] {
  const span = BigInt(blockSpanNsMax / 2);
  if (facts.maxNs - facts.minNs < span) return [undefined];
  const windows: ChunkRowWindow[] = [];
  let fromNs = -(2n ** 63n);
  for (let toNs = facts.minNs + span; toNs <= facts.maxNs; toNs += span) {
    windows.push({ fromNs, toNs });
    fromNs = toNs;
  }
  windows.push({ fromNs, toNs: 2n ** 63n });
  return windows;
}

/** Time and length take about this much of a record. */
const recordOverheadBytes = 14;

/** The bytes of a block whose checksum holds, here or where it lies when blocks are contiguous. */
export function streamOfBlock(chunk: LokiChunk, block: number): PackedStream {
  const facts = chunk.blocks[block]!;
  const { offset, contiguousOffset, storedBytes } = facts;
  const rawBytesHint = facts.accountedBytes + facts.entryCount * recordOverheadBytes;
  const first = checkBlock(chunk, offset, storedBytes);
  const second =
    first.bytes === undefined && contiguousOffset !== offset
      ? checkBlock(chunk, contiguousOffset, storedBytes)
      : first;
  const found = first.bytes === undefined ? second : first;
  if (found.bytes === undefined) {
    throw corrupt({ key: chunk.key, offset }, `block ${block}: ${first.fault}`);
  }
  return {
    codec: chunk.codec,
    bytes: found.bytes,
    place: { key: chunk.key, offset: found.offset },
    rawBytesMax: blockRawBytesMax,
    rawBytesHint,
  };
}

interface CheckedBlock {
  readonly offset: number;
  readonly bytes?: Buffer;
  readonly fault?: string;
}

function checkBlock(chunk: LokiChunk, offset: number, storedBytes: number): CheckedBlock {
  const end = offset + storedBytes;
  if (end + 4 > chunk.bytes.length) {
    return { offset, fault: `ends at ${end}, past the object's ${chunk.bytes.length} bytes` };
  }
  const bytes = chunk.bytes.subarray(offset, end);
  const expected = chunk.bytes.readUInt32BE(end);
  const computed = crc32c(bytes);
  if (expected === computed) return { offset, bytes };
  const [stored, actual] = [checksumText(expected), checksumText(computed)];
  return { offset, fault: `has crc ${stored} but computed ${actual}` };
}

interface RowsJob {
  readonly chunk: LokiChunk;
  readonly block: number;
  readonly needs: ChunkColumnNeeds;
  readonly window: ChunkRowWindow | undefined;
  readonly place: Place;
  readonly raw: Buffer;
}

function rowsOf(job: RowsJob): ChunkRows {
  const { chunk, block, window, place, raw } = job;
  const count = chunk.blocks[block]!.entryCount;
  const hasMetadata = chunk.version === 4;
  const scanned = scanRows(raw, count, { hasMetadata, place });
  if (scanned.isSorted && !scanned.isTooWide && window === undefined) return allRows(job, scanned);
  return pickedRows(job, scanned);
}

/** Sorted rows, all of them: nothing has to change its place. */
function allRows({ chunk, needs, place, raw }: RowsJob, scanned: ScannedRows): ChunkRows {
  const { count, baseNs, offsets, lineFroms, lengths, pairFroms, pairTos } = scanned;
  // Pairs first: moving the lines together overwrites them.
  const pairs = pairsOf(chunk, needs, { raw, froms: pairFroms, tos: pairTos, count, place });
  // Bytes of codec `none` are the object's own.
  const together = chunk.codec === "none" ? copiedTogether : movedTogether;
  return {
    rowCount: count,
    baseNs,
    offsets,
    lines: needs.lines ? together(raw, lineFroms, lengths, 1) : undefined,
    lengths: needs.lines || needs.lengths ? lengths : undefined,
    metadata: pairs.columns,
    droppedPairCount: pairs.droppedPairCount,
  };
}

function pairsOf(
  chunk: LokiChunk,
  needs: ChunkColumnNeeds,
  rows: Parameters<typeof decodePairs>[0],
): ReturnType<typeof decodePairs> {
  const isWanted = needs.metadata === "all" || needs.metadata.length > 0;
  if (!isWanted || chunk.version < 4) return { columns: [], droppedPairCount: 0 };
  return decodePairs(rows, symbolFactsOf(chunk), needs.metadata);
}

/** Rows of a window, or unsorted ones, in order of time; equal times keep their order. */
function pickedRows(job: RowsJob, scanned: ScannedRows): ChunkRows {
  const { chunk, needs, place, raw } = job;
  const { baseNs, offsets, order } = orderedTimes(job, scanned);
  const count = order.length;
  const pick = (values: Uint32Array): Uint32Array => order.map((row) => values[row]!);
  const lengths = pick(scanned.lengths);
  const pairs =
    chunk.version < 4
      ? pairsOf(chunk, needs, { raw, froms: lengths, tos: lengths, count, place })
      : pairsOf(chunk, needs, {
          raw,
          froms: pick(scanned.pairFroms),
          tos: pick(scanned.pairTos),
          count,
          place,
        });
  return {
    rowCount: count,
    baseNs,
    offsets,
    lines: needs.lines ? copiedTogether(raw, pick(scanned.lineFroms), lengths, 1) : undefined,
    lengths: needs.lines || needs.lengths ? lengths : undefined,
    metadata: pairs.columns,
    droppedPairCount: pairs.droppedPairCount,
  };
}

interface OrderedTimes {
  readonly baseNs: bigint;
  readonly offsets: Float64Array;
  readonly order: Uint32Array;
}

function orderedTimes(job: RowsJob, scanned: ScannedRows): OrderedTimes {
  const { window, raw, place } = job;
  const rows: number[] = [];
  const times: bigint[] = [];
  let baseNs: bigint | undefined;
  let lastNs = 0n;
  for (let row = 0; row < scanned.count; row++) {
    const ns = recordTimeNs(raw, scanned.recordFroms[row]!);
    if (window !== undefined && (ns < window.fromNs || ns >= window.toNs)) continue;
    rows.push(row);
    times.push(ns);
    if (baseNs === undefined || ns < baseNs) baseNs = ns;
    if (rows.length === 1 || ns > lastNs) lastNs = ns;
  }
  if (baseNs === undefined) {
    return { baseNs: 0n, offsets: new Float64Array(0), order: new Uint32Array(0) };
  }
  if (lastNs - baseNs >= BigInt(blockSpanNsMax)) {
    throw corrupt(place, `entries span ${lastNs - baseNs} ns, more than its bounds say`);
  }
  const base = baseNs;
  const unsorted = Float64Array.from(times, (ns) => Number(ns - base));
  const positions = stableOrder(unsorted, rows.length);
  return {
    baseNs,
    offsets: unsorted.map((_, i) => unsorted[positions[i]!]!),
    order: Uint32Array.from(positions, (position) => rows[position]!),
  };
}
