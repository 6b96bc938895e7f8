/**
 * Entries of one tenant and day → chunk objects, then index files that list them. Nothing of it
 * depends on when or how often it runs: a second try of the same input writes the same objects over
 * those of the first. Until the index is there, no reader knows of the chunks.
 */
import assert from "node:assert";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { day, Limiter } from "#base";
import {
  type BuiltChunk,
  buildChunks,
  type ChunkCodec,
  chunkKeyFormOf,
  type ChunkRowSlice,
  formatChunkKey,
} from "#lokichunk";
import {
  type ChunkMeta,
  compactedIndexName,
  compareChunks,
  compareSeries,
  type IndexSeries,
  ingestedDaysOf,
  writeIndex,
} from "#lokiindex";
import { Labels } from "#model";
import { nextTurn } from "#world";
import type { ChunkIntent } from "./chunk-intent.ts";
import type { ChunkMarks } from "./chunk-marks.ts";
import { hasMetadata, type LokiPeriod, type LokiPeriods } from "./loki-period.ts";
import type { LokiStore } from "./loki-store.ts";
import type { LokiTable } from "./table-files.ts";

/** `ingester.chunk_encoding`, `chunk_block_size`, `chunk_target_size`. */
export interface LokiChunkPolicy {
  readonly encoding: ChunkCodec;
  readonly blockBytes: number;
  readonly targetBytes: number;
}

export interface LokiWriteInput {
  readonly tenant: string;
  /** UTC day of all rows. */
  readonly day: number;
  readonly streams: readonly { readonly labels: Labels; readonly rows: readonly ChunkRowSlice[] }[];
  /** For the names of the index files: the same for each try of one input, never for two inputs. */
  readonly nameNs: bigint;
  /** When it came in, for periods that keep it (v14). */
  readonly ingestedAtMs: number;
}

export interface LokiWritten {
  /** Index files, that of the day first. */
  readonly indexKeys: readonly string[];
  readonly chunkCount: number;
  /** Of chunks and index files. */
  readonly storedBytes: number;
  /** Without repeated ones. */
  readonly entryCount: number;
}

export interface LokiWriterOptions {
  readonly periods: LokiPeriods;
  readonly chunks: LokiChunkPolicy;
  /** Chunks are named here until their index is there. */
  readonly marks: ChunkMarks;
  /** The stores that queries read from, to hear of new index files. */
  readonly stores: readonly Pick<LokiStore, "add">[];
}

/** Chunk objects on their way at a time: many streams have one small chunk each. */
const putsInFlightMax = 16;

/** Streams whose chunks are built or on their way. */
const streamsInFlightMax = 24;

/** Streams whose chunks are built at a time: compression has threads of its own. */
const buildsInFlightMax = 2;

const gzipAsync = promisify(gzip);

export class LokiWriter {
  readonly #options: LokiWriterOptions;

  constructor(options: LokiWriterOptions) {
    this.#options = options;
  }

  /** Rejects with what the object store has; then nothing is visible yet, or all of it. */
  async write(input: LokiWriteInput, signal: AbortSignal): Promise<LokiWritten> {
    const period = this.#options.periods.at(input.day * day);
    assert(period !== undefined, `day ${input.day} is in no period of Loki's format`);
    await using intent = this.#options.marks.begin();
    const series = await this.#writeChunks(input, { period, intent, signal });
    const tables = tablesOfSeries(series.list, this.#options.periods);
    const indexKeys: string[] = [];
    let storedBytes = series.storedBytes;
    // The day's own table comes first: it is the one that makes the chunks visible.
    for (const [table, list] of tables) {
      const written = await writeTableIndex(table, list, { ...input, signal });
      indexKeys.push(written.key);
      storedBytes += written.storedBytes;
    }
    for (const store of this.#options.stores) for (const key of indexKeys) store.add(key);
    intent.published();
    const { chunkCount, entryCount } = series;
    return { indexKeys, chunkCount, storedBytes, entryCount };
  }

  async #writeChunks(
    input: LokiWriteInput,
    to: ChunkTarget,
  ): Promise<{ list: IndexSeries[]; storedBytes: number; chunkCount: number; entryCount: number }> {
    const { period, signal } = to;
    const list: IndexSeries[] = [];
    const sums = { storedBytes: 0, chunkCount: 0, entryCount: 0 };
    const puts = new Limiter(putsInFlightMax);
    const builds = new Limiter(buildsInFlightMax);
    const streams = new Limiter(streamsInFlightMax);
    const options = this.#buildOptions(period, input);
    let hasFailed = false;
    const work = input.streams.map(({ labels, rows }) =>
      streams.run(async () => {
        if (hasFailed) return;
        signal.throwIfAborted();
        try {
          const built = await builds.run(async () => {
            await nextTurn();
            return buildChunks({ tenant: input.tenant, labels, rows }, options);
          });
          await allEnded(built.map((chunk) => puts.run(() => putChunk(chunk, to))));
          const ingestedAtMs = isV14(period) ? input.ingestedAtMs : undefined;
          const chunks = built.map((chunk) => metaOf(chunk, ingestedAtMs)).sort(compareChunks);
          const fingerprint = built[0]?.ref.fingerprint;
          if (fingerprint === undefined) return;
          list.push({ fingerprint, labels: withoutName(labels), chunks });
          sums.chunkCount += built.length;
          for (const { bytes, entryCount } of built) {
            sums.storedBytes += bytes.length;
            sums.entryCount += entryCount;
          }
        } catch (error) {
          hasFailed = true;
          throw error;
        }
      }),
    );
    await allEnded(work);
    return { list: list.sort(compareSeries), ...sums };
  }

  #buildOptions(period: LokiPeriod, input: LokiWriteInput): Parameters<typeof buildChunks>[1] {
    const { encoding, blockBytes, targetBytes } = this.#options.chunks;
    return {
      version: hasMetadata(period) ? 4 : 3,
      codec: encoding,
      blockBytes,
      targetBytes,
      ...(isV14(period) ? { ingestedAtMs: input.ingestedAtMs } : {}),
    };
  }
}

function isV14({ schema }: LokiPeriod): boolean {
  return Number(schema.slice(1)) >= 14;
}

/** The index never has it; the fingerprint does not count it either. */
function withoutName(labels: Labels): Labels {
  if (!labels.has("__name__")) return labels;
  return Labels.ofSorted(labels.pairs.filter(([name]) => name !== "__name__"));
}

/** Where chunks go, and who remembers them until an index does. */
export interface ChunkTarget {
  readonly period: LokiPeriod;
  readonly intent: ChunkIntent;
  readonly signal: AbortSignal;
}

export async function putChunk(
  chunk: BuiltChunk,
  { period, intent, signal }: ChunkTarget,
): Promise<void> {
  signal.throwIfAborted();
  const key = formatChunkKey(chunk.ref, chunkKeyFormOf(period.schema));
  await intent.add([key]);
  await period.objects.put(key, chunk.bytes, { signal });
}

/** Rejects with the first failure once all have ended: nothing is put behind the caller's back. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

export function metaOf({ ref, kb, entryCount }: BuiltChunk, ingestedAtMs?: number): ChunkMeta {
  const { fromMs, throughMs, checksum } = ref;
  const meta = { minMs: fromMs, maxMs: throughMs, kib: kb, entries: entryCount, checksum };
  if (ingestedAtMs === undefined) return meta;
  return { ...meta, ingestedDays: ingestedDaysOf({ ingestedAtMs, maxMs: throughMs }) };
}

/** A chunk is in each table it touches: one that ends at midnight is in the next day's, too. */
function tablesOfSeries(
  list: readonly IndexSeries[],
  periods: LokiPeriods,
): [table: LokiTable, series: IndexSeries[]][] {
  const byNumber = new Map<number, { table: LokiTable; series: IndexSeries[] }>();
  for (const { fingerprint, labels, chunks } of list) {
    const ofTable = new Map<number, ChunkMeta[]>();
    for (const chunk of chunks) {
      const range = { fromMs: chunk.minMs, throughMs: chunk.maxMs };
      const tables = periods.tablesOf(range);
      assert(tables.length > 0, `no table for ${chunk.minMs} to ${chunk.maxMs}`);
      for (const table of tables) {
        const known = ofTable.get(table.number) ?? [];
        ofTable.set(table.number, known);
        known.push(chunk);
        if (!byNumber.has(table.number)) byNumber.set(table.number, { table, series: [] });
      }
    }
    for (const [number, metas] of ofTable) {
      byNumber.get(number)!.series.push({ fingerprint, labels, chunks: metas });
    }
  }
  const tables = [...byNumber.values()].sort((a, b) => a.table.number - b.table.number);
  return tables.map(({ table, series }) => [table, series]);
}

async function writeTableIndex(
  table: LokiTable,
  series: readonly IndexSeries[],
  input: Pick<LokiWriteInput, "tenant" | "nameNs"> & { signal: AbortSignal },
): Promise<{ key: string; storedBytes: number }> {
  const built = await writeIndex(series, { version: table.version, nextTurn });
  assert(built !== undefined, "a table without a series");
  const key = indexKeyOf(table, input.tenant, { ...built, nowNs: input.nameNs });
  const stored = await gzipAsync(built.bytes);
  await table.period.objects.put(key, stored, { signal: input.signal });
  return { key, storedBytes: stored.length };
}

export function indexKeyOf(
  table: LokiTable,
  tenant: string,
  name: Parameters<typeof compactedIndexName>[0],
): string {
  return `${table.keyPrefix}${tenant}/${compactedIndexName(name)}`;
}
