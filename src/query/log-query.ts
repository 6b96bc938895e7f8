import { type LabelPair, Labels, type TimeRange } from "#model";
import { compilePipeline, type Row } from "#pipeline";
import type { LogExpr } from "#logql";
import type { Block, LogStore } from "#storage";
import { chooseRows } from "./block-rows.ts";
import { type BlockScope, planBlocks } from "./block-scope.ts";
import { Duplicates } from "./duplicates.ts";
import { type Candidate, EntrySelection } from "./entry-selection.ts";
import type { QueryRequest, StreamResult } from "./engine.ts";
import type { QueryRun } from "./query-run.ts";
import { countRead } from "./read-counts.ts";
import { tenantLabel, tenantScope } from "./tenant-scope.ts";

/** What a kept entry weighs besides its line. */
const entryOverheadBytes = 200;

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
  const needs = { ...pipeline.needs, lines: true, metadata: "all" as const };
  for await (const block of store.read(refs, needs, run.readOptions)) {
    await run.pause();
    const blockScope = scopeOf.get(block.ref)!;
    const chosen = chooseRows(block, blockScope, { range, duplicates }, (count) => {
      run.counts.duplicatesDropped += count;
    });
    const rows = inDirection(block, chosen, request.direction);
    const rank = order.rankOf(blockScope);
    const takes = selection.openBlock(block);
    countRead(run, block, rows?.length ?? block.rowCount);
    pipeline.run(block, rows, (row) => {
      if (!takes(row.index)) return false;
      run.counts.entriesAfterFilter++;
      run.hold(row.lineByteLength() + entryOverheadBytes);
      return selection.add(candidateOf(row, rank, streams.indexOf(row, blockScope.tenant)));
    });
    if (selection.settle(order.boundAfter(block.ref))) break;
  }
  run.checkAlive();
  selection.settle(undefined);
  run.counts.entriesReturned = selection.kept.length;
  return streams.results(selection.kept);
}

/** `start == end` still asks for the entries of that nanosecond. */
function entryRange({ fromNs, toNs }: QueryRequest): TimeRange {
  return { fromNs, toNs: toNs > fromNs ? toNs : fromNs + 1n };
}

function candidateOf(row: Row, rank: number, stream: number): Candidate {
  const timeNs = row.block.baseNs + BigInt(row.block.offsets[row.index]!);
  return { timeNs, rank, row: row.index, line: row.line(), stream };
}

/**
 * Rows sorted by time in the direction; equal times in order of rows when forward, reversed when
 * backward.
 */
function inDirection(
  block: Block,
  chosen: Uint32Array | undefined,
  direction: "forward" | "backward",
): Uint32Array | undefined {
  const isSorted = block.streamOfRow === undefined;
  if (isSorted && direction === "forward") return chosen;
  const rows = chosen ?? Uint32Array.from({ length: block.rowCount }, (_, row) => row);
  if (!isSorted) rows.sort((a, b) => block.offsets[a]! - block.offsets[b]! || a - b);
  return direction === "forward" ? rows : rows.reverse();
}

/** In which order blocks are read, and what the next unread one may still hold. */
class ReadOrder {
  readonly blocks: readonly BlockScope[];
  readonly #isForward: boolean;
  readonly #range: TimeRange;
  readonly #positionOf: Map<BlockScope["ref"], number>;
  readonly #rankOf: Map<BlockScope, number>;

  constructor(
    planned: readonly BlockScope[],
    options: { direction: "forward" | "backward"; range: TimeRange },
  ) {
    this.#isForward = options.direction === "forward";
    this.#range = options.range;
    const byArrival = [...planned].sort(
      (a, b) => a.ref.facts.sourceOrder - b.ref.facts.sourceOrder || a.planIndex - b.planIndex,
    );
    this.#rankOf = new Map(byArrival.map((block, rank) => [block, rank]));
    this.blocks = [...planned].sort((a, b) => {
      const x = this.#boundOf(a);
      const y = this.#boundOf(b);
      if (x === y) return a.planIndex - b.planIndex;
      return x < y === this.#isForward ? -1 : 1;
    });
    this.#positionOf = new Map(this.blocks.map((block, at) => [block.ref, at]));
  }

  /** Order of arrival among all planned blocks. */
  rankOf(block: BlockScope): number {
    return this.#rankOf.get(block)!;
  }

  /** The best time any block after this one may hold, undefined when there is none. */
  boundAfter(ref: BlockScope["ref"]): bigint | undefined {
    const next = this.blocks[this.#positionOf.get(ref)! + 1];
    return next && this.#boundOf(next);
  }

  #boundOf({ ref: { facts } }: BlockScope): bigint {
    const { fromNs, toNs } = this.#range;
    if (this.#isForward) return facts.minNs > fromNs ? facts.minNs : fromNs;
    return facts.maxNs < toNs ? facts.maxNs : toNs - 1n;
  }
}

interface StreamInfo {
  readonly labels: Labels;
  readonly streamLabels: readonly LabelPair[];
  readonly structuredMetadata: readonly LabelPair[];
  readonly parsed: readonly LabelPair[];
}

/**
 * The streams of an answer: entries of equal effective labels (and, for categorised answers, equal
 * categories).
 */
class StreamTable {
  readonly #isMulti: boolean;
  readonly #categorize: boolean;
  readonly #indexOfKey = new Map<string, number>();
  readonly #streams: StreamInfo[] = [];

  constructor(options: { isMulti: boolean; categorize: boolean | undefined }) {
    this.#isMulti = options.isMulti;
    this.#categorize = options.categorize ?? false;
  }

  indexOf(row: Row, tenant: string): number {
    const labels = row.labels();
    let key = this.#isMulti ? `${tenant}\ud802${labels.key}` : labels.key;
    if (this.#categorize) {
      const parsed = Labels.of(row.parsedLabels());
      const metadata = Labels.of(row.structuredMetadata());
      key = [key, row.streamLabels().key, metadata.key, parsed.key].join("\ud802");
    }
    let index = this.#indexOfKey.get(key);
    if (index === undefined) {
      index = this.#streams.length;
      this.#indexOfKey.set(key, index);
      this.#streams.push(this.#infoOf(row, tenant));
    }
    return index;
  }

  #infoOf(row: Row, tenant: string): StreamInfo {
    const added: LabelPair[] = this.#isMulti ? [[tenantLabel, tenant]] : [];
    const withTenant = (labels: Labels): Labels =>
      added.length === 0 ? labels : Labels.of([...labels.pairs, ...added]);
    return {
      labels: withTenant(row.labels()),
      streamLabels: withTenant(row.streamLabels()).pairs,
      structuredMetadata: [...row.structuredMetadata()],
      parsed: [...row.parsedLabels()],
    };
  }

  results(kept: readonly Candidate[]): StreamResult[] {
    const entriesOf = new Map<number, { timeNs: bigint; line: string; position: number }[]>();
    for (const [position, { stream, timeNs, line }] of kept.entries()) {
      const entries = entriesOf.get(stream) ?? [];
      entriesOf.set(stream, entries);
      entries.push({ timeNs, line, position });
    }
    return [...entriesOf]
      .map(([stream, entries]) => ({ ...this.#streams[stream]!, entries }))
      .sort((a, b) => (a.labels.key < b.labels.key ? -1 : 1))
      .map((stream) => ({ ...stream, labels: stream.labels.pairs }));
  }
}
