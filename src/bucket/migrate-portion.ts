/** One portion: chunks → a segment, put, read back from the store, and compared row by row. */
import { createHash } from "node:crypto";
import { isStoreError, messageOf, StoreError } from "#base";
import { nextTurn } from "#world";
import type { EntryBatch, Labels } from "#model";
import type { ObjectStore } from "#objectstore";
import {
  batchOfRows,
  type BuiltSegment,
  GatheredRows,
  parseSegmentKey,
  SegmentSource,
  SegmentWriter,
} from "#segment";
import type { ListedChunk } from "./index-files.ts";
import type { MigratedPortion } from "./migrate-records.ts";
import type { PlannedStream, Portion } from "./migrate-plan.ts";
import { readChunkRows } from "./read-chunk-rows.ts";
import { addSums, noRows, RowHashes, type RowSum, sameSum, sumText } from "./row-sums.ts";

/** Chunks fetched ahead: a chunk is 1.5 MiB, ten times that unpacked. */
const chunksAheadMax = 12;

/** As the ingester's; compaction compresses harder, once the days are native. */
const zstdLevel = 1;

/** Streams written between two turns of the event loop. */
const streamsPerTurn = 256;

export interface PortionJob {
  readonly tenant: string;
  readonly day: number;
  readonly digest: string;
  readonly number: number;
  readonly portion: Portion;
}

/** Of one stream in one portion, as both stores have it. */
export interface StreamProof {
  readonly tenant: string;
  readonly day: number;
  readonly labels: Labels;
  readonly sum: RowSum;
}

export interface PortionTools {
  readonly target: ObjectStore;
  readonly signal: AbortSignal;
  /** A chunk that cannot be read: told, then left out. Undefined: the portion fails. */
  readonly onDamaged: ((key: string, reason: string) => void) | undefined;
  readonly onStream: (proof: StreamProof) => void;
  readonly onChunk: (chunk: ListedChunk) => void;
}

/** Undefined when the portion has no rows. StoreError as the stores have it, and `corrupt`. */
export async function migratePortion(
  job: PortionJob,
  tools: PortionTools,
): Promise<MigratedPortion | undefined> {
  const { tenant, day } = job;
  const writer = new SegmentWriter(
    { tenant, day, journal: [], replaces: [] },
    { id: idOf(job), level: zstdLevel, filters: "all" },
  );
  const sums = await writeStreams(job, writer, tools);
  if (sums.size === 0) return undefined;
  const built = await writer.finish();
  await tools.target.put(built.key, built.parts, { signal: tools.signal });
  await compare(built, sums, tools);
  let sum = noRows;
  for (const { labels, sum: one } of sums.values()) {
    sum = addSums(sum, one);
    tools.onStream({ tenant, day, labels, sum: one });
  }
  return { segmentKey: built.key, streams: sums.size, lineBytes: built.facts.lineBytes, sum };
}

/**
 * The same for the same chunks. The first digits are a time: the day's end, so that it counts as
 * older than whatever comes later.
 */
function idOf({ tenant, day, digest, number }: PortionJob): string {
  const ms = Math.max(0, (day + 1) * 86_400_000)
    .toString(16)
    .padStart(12, "0");
  const rest = createHash("sha256").update(`${tenant}\0${day}\0${digest}\0${number}`);
  return ms + rest.digest("hex").slice(0, 16);
}

interface StreamSum {
  readonly labels: Labels;
  readonly sum: RowSum;
}

async function writeStreams(
  job: PortionJob,
  writer: SegmentWriter,
  tools: PortionTools,
): Promise<Map<string, StreamSum>> {
  const { portion, day } = job;
  const rows = new GatheredRows(writer.seed);
  const hashes = new RowHashes();
  const sums = new Map<string, StreamSum>();
  let left = streamsPerTurn;
  for await (const { labels, batches } of streamsOf(portion, tools)) {
    hashes.clear();
    for (const batch of batches) hashes.add(batch);
    const sum = hashes.distinctSum();
    if (sum.count === 0) continue;
    rows.gather(
      batches.map((batch) => ({ batch, fromRow: 0, toRow: batch.rowCount })),
      day,
    );
    await writer.startStream(labels, rows.lineBytes + rows.count);
    await writer.addRows(rows);
    sums.set(labels.key, { labels, sum });
    if (--left > 0) continue;
    await nextTurn();
    left = streamsPerTurn;
  }
  return sums;
}

/** Stream by stream, chunks in order of arrival, the next ones fetched meanwhile. */
async function* streamsOf(
  { streams, range }: Portion,
  tools: PortionTools,
): AsyncGenerator<{ labels: Labels; batches: EntryBatch[] }, void, undefined> {
  const read = async (chunk: ListedChunk): Promise<readonly EntryBatch[]> => {
    tools.signal.throwIfAborted();
    try {
      return (await readChunkRows(chunk, range, tools.signal)).batches;
    } catch (error) {
      const isBad = isStoreError(error, "corrupt") || isStoreError(error, "missing");
      if (!isBad || tools.onDamaged === undefined) throw error;
      tools.onDamaged(chunk.key, messageOf(error));
      return [];
    } finally {
      tools.onChunk(chunk);
    }
  };
  const ahead: Promise<readonly EntryBatch[]>[] = [];
  const chunks = chunksOf(streams);
  const fetchMore = (): void => {
    while (ahead.length < chunksAheadMax) {
      const next = chunks.next();
      if (next.done === true) return;
      const reading = read(next.value);
      // It is awaited in its turn; until then a failure is not unhandled.
      reading.catch(() => undefined);
      ahead.push(reading);
    }
  };
  try {
    for (const { labels, chunks: own } of streams) {
      const batches: EntryBatch[] = [];
      for (let i = 0; i < own.length; i++) {
        fetchMore();
        batches.push(...(await ahead.shift()!));
      }
      yield { labels, batches };
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}

function* chunksOf(streams: readonly PlannedStream[]): Generator<ListedChunk, void, undefined> {
  for (const { chunks } of streams) yield* chunks;
}

/** Reads the segment back and compares every stream. StoreError `corrupt`, naming the stream. */
async function compare(
  built: BuiltSegment,
  wanted: ReadonlyMap<string, StreamSum>,
  { target, signal }: PortionTools,
): Promise<void> {
  const { key } = built;
  const source = await SegmentSource.open(target, { ...parseSegmentKey(key), key });
  await source.verify(signal, nextTurn);
  if (source.streamCount !== wanted.size) {
    const found = `${source.streamCount} streams`;
    throw new StoreError("corrupt", `${key} at byte 0: ${found}, ${wanted.size} were migrated`);
  }
  const hashes = new RowHashes();
  for (let stream = 0; stream < source.streamCount; stream++) {
    const labels = source.labelsAt(stream);
    hashes.clear();
    for (const { block, fromRow, toRow } of source.runsOf(stream)) {
      const rows = source.held(block) ?? (await source.read(block, signal));
      hashes.add(batchOfRows(rows, fromRow, toRow));
      source.finishRun(block);
    }
    const [found, expected] = [hashes.sum(), wanted.get(labels.key)?.sum ?? noRows];
    if (sameSum(found, expected)) continue;
    const texts = [found, expected].map((sum) => `${sum.count} entries (${sumText(sum)})`);
    const what = `stream ${labels.toString()} has ${texts[0]}, the chunks have ${texts[1]}`;
    throw new StoreError("corrupt", `${key} at byte 0: ${what}`);
  }
}
