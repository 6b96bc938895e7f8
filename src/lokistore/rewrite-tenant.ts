/**
 * Retention and deletes on one tenant's chunks of a table. Chunks are asked about one by one; new
 * chunks are put first, then the marks of the old ones, then the index that knows them no more.
 */
import { StoreError } from "#base";
import {
  batchOfRows,
  buildChunks,
  type ChunkRowSlice,
  chunkKeyFormOf,
  formatChunkKey,
  type LokiChunk as OpenedChunk,
} from "#lokichunk";
import { type ChunkMeta, ingestedBeforeMs, MergedSeries, type SeriesIdentity } from "#lokiindex";
import { type Labels, timestampMaxNs, timestampMinNs } from "#model";
import type { Block } from "#storage";
import { nextTurn } from "#world";
import type { ChunkIntent } from "./chunk-intent.ts";
import type { ChunkMarks } from "./chunk-marks.ts";
import { blockOf, loadRows, openPlanned } from "./load-chunk.ts";
import type { LokiPeriods } from "./loki-period.ts";
import { metaOf, putChunk } from "./loki-writer.ts";
import { mergeTenant, type TableTools } from "./merge-table.ts";
import { ChunkFacts, type PlannedChunk } from "./planned-chunk.ts";
import type { ListedIndex } from "./table-files.ts";

/** A chunk of a table, for who decides what becomes of it. */
export interface LokiChunkFacts {
  readonly labels: Labels;
  /** First and last millisecond, inclusive. */
  readonly minMs: number;
  readonly maxMs: number;
  /** End of the day in which it was ingested, where the period keeps that (v14). */
  readonly ingestedBeforeMs: number | undefined;
}

/**
 * What becomes of a chunk: it stays, it goes, or it is written anew with the rows for which
 * `keepRows` has a 1 (by row of the block, which has all columns and one stream).
 */
export type LokiVerdict = "keep" | "drop" | { readonly keepRows: (block: Block) => Uint8Array };

export interface LokiRewriteResult {
  readonly droppedChunks: number;
  readonly rewrittenChunks: number;
  /** Of rewritten chunks; how many dropped ones held is not known. */
  readonly removedEntries: number;
  /** Nothing had to change, so nothing was written. */
  readonly isUnchanged: boolean;
}

export interface RewriteTools extends TableTools {
  readonly periods: LokiPeriods;
  readonly marks: ChunkMarks;
}

const allTime = { fromNs: timestampMinNs, toNs: timestampMaxNs + 1n };

interface Changes {
  /** By chunk: what stands for it, nothing when it goes. */
  readonly replacements: Map<string, readonly ChunkMeta[]>;
  /** Keys of objects that nobody needs afterwards. */
  readonly goneKeys: string[];
  droppedChunks: number;
  rewrittenChunks: number;
  removedEntries: number;
}

/**
 * `own` are all files the tenant has in the table; shared ones must have been merged before. A
 * chunk that must be rewritten and cannot be read is StoreError `corrupt` or `missing`; then the
 * index has not changed.
 */
export async function rewriteTenant(
  what: { readonly tenant: string; readonly own: readonly ListedIndex[] },
  decide: (chunk: LokiChunkFacts) => LokiVerdict,
  tools: RewriteTools,
): Promise<LokiRewriteResult> {
  const { store, marks, signal } = tools;
  await using intent = marks.begin();
  const changes: Changes = {
    replacements: new Map(),
    goneKeys: [],
    droppedChunks: 0,
    rewrittenChunks: 0,
    removedEntries: 0,
  };
  const sources = await Promise.all(
    what.own.map(async (file) => ({ index: await store.openIndex(file), tenant: undefined })),
  );
  for (const series of new MergedSeries(sources)) {
    for (const meta of series.chunks) {
      signal.throwIfAborted();
      await decideChunk({ tenant: what.tenant, series, meta }, decide, { changes, tools, intent });
    }
    await nextTurn();
  }
  const { replacements, goneKeys, ...sums } = changes;
  if (replacements.size === 0) return { ...sums, isUnchanged: true };
  await marks.add(goneKeys);
  await mergeTenant({ ...what, shared: [] }, tools, {
    replace: (series, meta) => replacements.get(idOf(series, meta)) ?? [meta],
  });
  intent.published();
  return { ...sums, isUnchanged: false };
}

function idOf({ fingerprint }: SeriesIdentity, meta: ChunkMeta): string {
  return `${fingerprint}/${meta.minMs}/${meta.maxMs}/${meta.checksum}`;
}

interface AskedChunk {
  readonly tenant: string;
  readonly series: SeriesIdentity;
  readonly meta: ChunkMeta;
}

async function decideChunk(
  asked: AskedChunk,
  decide: (chunk: LokiChunkFacts) => LokiVerdict,
  { changes, ...given }: { changes: Changes; tools: RewriteTools; intent: ChunkIntent },
): Promise<void> {
  const { series, meta } = asked;
  const { minMs, maxMs } = meta;
  const { labels } = series;
  const verdict = decide({ labels, minMs, maxMs, ingestedBeforeMs: ingestedBeforeMs(meta) });
  if (verdict === "keep") return;
  const chunk = plannedOf(asked, given.tools);
  if (verdict === "drop") {
    changes.replacements.set(idOf(series, meta), []);
    changes.goneKeys.push(chunk.key);
    changes.droppedChunks++;
    return;
  }
  const rewritten = await rewriteChunk(chunk, verdict.keepRows, given);
  if (rewritten === undefined) return;
  changes.replacements.set(idOf(series, meta), rewritten.metas);
  if (!rewritten.keys.includes(chunk.key)) changes.goneKeys.push(chunk.key);
  changes.rewrittenChunks++;
  changes.removedEntries += rewritten.removedEntries;
}

function plannedOf({ tenant, series, meta }: AskedChunk, tools: RewriteTools): PlannedChunk {
  const { fingerprint, labels } = series;
  const home = tools.periods.at(meta.minMs) ?? tools.table.period;
  const key = formatChunkKey(
    { tenant, fingerprint, fromMs: meta.minMs, throughMs: meta.maxMs, checksum: meta.checksum },
    chunkKeyFormOf(home.schema),
  );
  const range = { rows: allTime, wanted: allTime };
  return { tenant, fingerprint, labels, meta, home, key, ...range, matchers: [] };
}

/** Undefined when all rows stay. Every block is encoded anew: symbols are numbered afresh. */
async function rewriteChunk(
  chunk: PlannedChunk,
  keepRows: (block: Block) => Uint8Array,
  { tools, intent }: { tools: RewriteTools; intent: ChunkIntent },
): Promise<{ metas: ChunkMeta[]; keys: string[]; removedEntries: number } | undefined> {
  const { signal } = tools;
  const bytes = await chunk.home.objects.get(chunk.key, { signal });
  const opened = openPlanned(chunk, bytes);
  const warn = (text: string): void => {
    throw new StoreError("corrupt", text);
  };
  const needs = { lines: true, lengths: true, metadata: "all" } as const;
  const loaded = await loadRows(opened, chunk, { needs, seed: 0, warn });
  const ref = { chunk, facts: new ChunkFacts(chunk, 0) };
  const { block } = blockOf(ref, opened, loaded);
  const slices = keptSlices(block, keepRows(block));
  const kept = slices.reduce((sum, { fromRow, toRow }) => sum + toRow - fromRow, 0);
  if (kept === block.rowCount) return undefined;
  const built = kept === 0 ? [] : await buildAnew(chunk, opened, slices);
  const at = (ms: number): PlannedChunk["home"] => tools.periods.at(ms) ?? chunk.home;
  for (const one of built) await putChunk(one, { period: at(one.ref.fromMs), intent, signal });
  const { ingestedAtMs } = opened.header;
  return {
    metas: built.map((one) => metaOf(one, ingestedAtMs === 0 ? undefined : ingestedAtMs)),
    keys: built.map(({ ref: to }) => formatChunkKey(to, chunkKeyFormOf(at(to.fromMs).schema))),
    removedEntries: block.rowCount - kept,
  };
}

function buildAnew(
  chunk: PlannedChunk,
  opened: OpenedChunk,
  rows: readonly ChunkRowSlice[],
): ReturnType<typeof buildChunks> {
  const { tenant, fingerprint } = chunk;
  const { labels, ingestedAtMs } = opened.header;
  return buildChunks(
    { tenant, labels, fingerprint, rows },
    { version: opened.version >= 4 ? 4 : 3, codec: opened.codec, targetBytes: 0, ingestedAtMs },
  );
}

/** Runs of rows that stay, as slices of one batch over the block. */
function keptSlices(block: Block, keeps: Uint8Array): ChunkRowSlice[] {
  const slices: ChunkRowSlice[] = [];
  const batch = batchOfRows(block);
  let row = 0;
  while (row < block.rowCount) {
    if (keeps[row] !== 1) {
      row++;
      continue;
    }
    const fromRow = row;
    while (row < block.rowCount && keeps[row] === 1) row++;
    slices.push({ batch, fromRow, toRow: row });
  }
  return slices;
}
