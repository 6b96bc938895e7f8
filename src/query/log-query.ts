import type { TimeRange } from "#model";
import { compilePipeline, type Pipeline, type Row } from "#pipeline";
import type { LogExpr } from "#logql";
import type { ColumnNeeds, LogStore } from "#storage";
import { chooseRows } from "./block-rows.ts";
import { type BlockScope, planBlocks } from "./block-scope.ts";
import { Duplicates } from "./duplicates.ts";
import { entryOverheadBytes } from "./entry-weight.ts";
import { type Candidate, EntrySelection } from "./entry-selection.ts";
import type { QueryRequest, StreamResult } from "./engine.ts";
import type { QueryRun } from "./query-run.ts";
import { countRead } from "./read-counts.ts";
import { inDirection, ReadOrder } from "./read-order.ts";
import { type StreamInfo, streamResults, StreamTable } from "./stream-table.ts";
import { tenantScope } from "./tenant-scope.ts";

/**
 * Runs a log query: blocks in the direction asked for, until no unread block can hold an entry that
 * would come before the last one wanted.
 */
export async function runLogQuery(
  store: LogStore,
  run: QueryRun,
  query: { readonly request: QueryRequest; readonly log: LogExpr; readonly nowNs: () => bigint },
): Promise<StreamResult[]> {
  const { request, log } = query;
  const range = entryRange(request);
  const scope = tenantScope(request.tenants, log.matchers);
  const pipeline = compilePipeline(
    { ...log, matchers: scope.matchers },
    { labelsWanted: "all", lineWanted: "bytes", unwrap: undefined, nowNs: query.nowNs },
  );
  const { skip } = pipeline;
  const { limits } = request;
  const planned = await planBlocks(store, run, { scope, range, skip, limits });
  const order = new ReadOrder(planned, { direction: request.direction, range });
  const selection = new EntrySelection(request);
  const streams = new StreamTable({ isMulti: scope.isMulti, categorize: request.categorizeLabels });
  const duplicates = new Duplicates((bytes) => run.hold(bytes));
  selection.onDropped = (candidate) => run.release(candidate.line.length + entryOverheadBytes);

  const scopeOf = new Map(order.blocks.map((block) => [block.ref, block]));
  const refs = order.blocks.map((block) => block.ref);
  const needs = entryNeeds(pipeline, order.blocks);
  for await (const block of store.read(refs, needs, run.readOptions)) {
    await run.pause();
    const blockScope = scopeOf.get(block.ref)!;
    const chosen = chooseRows(block, blockScope, { range, duplicates }, (count) => {
      run.counts.duplicatesDropped += count;
    });
    const inOrder = (rows: Uint32Array | undefined): Uint32Array | undefined =>
      inDirection(block, rows, request.direction);
    const rank = order.rankOf(blockScope);
    const takes = selection.openBlock(block);
    countRead(run, block, chosen?.length ?? block.rowCount);
    const addRow = (row: Row): boolean => {
      if (!takes(row.index)) return false;
      run.counts.entriesAfterFilter++;
      run.hold(row.lineByteLength() + entryOverheadBytes);
      return selection.add(candidateOf(row, rank, streams.of(row, blockScope.tenant)));
    };
    pipeline.run(block, chosen, addRow, inOrder);
    block.release?.();
    if (selection.settle(order.boundAfter(block.ref))) break;
  }
  run.checkAlive();
  selection.settle(undefined);
  run.counts.entriesReturned = selection.kept.length;
  return streamResults(selection.kept);
}

/** Telling duplicates apart takes all lines, whether they pass or not. */
function entryNeeds({ needs }: Pipeline, blocks: readonly BlockScope[]): ColumnNeeds {
  const all: ColumnNeeds = { ...needs, lines: true, metadata: "all" };
  return blocks.some(({ shared }) => shared !== undefined) ? { ...all, search: undefined } : all;
}

/** `start == end` still asks for the entries of that nanosecond. */
export function entryRange({ fromNs, toNs }: QueryRequest): TimeRange {
  return { fromNs, toNs: toNs > fromNs ? toNs : fromNs + 1n };
}

function candidateOf(row: Row, rank: number, stream: StreamInfo): Candidate {
  const timeNs = row.block.baseNs + BigInt(row.block.offsets[row.index]!);
  return { timeNs, rank, row: row.index, line: row.line(), stream };
}
