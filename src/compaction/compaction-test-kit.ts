/** Segments out of entries as tests write them down, and all that a store answers as text. For tests only. */
import assert from "node:assert/strict";
import { dayStartNs, type EntryBatch, Labels, nsPerDay, packSet } from "#model";
import type { ObjectStore } from "#objectstore";
import { buildSegment, type SegmentInput, type SegmentOptions, type SegmentStore } from "#segment";
import { type Block, type BlockRef, newReadCounters, type ReadOptions } from "#storage";
import type { Clock } from "#world";
import { Compactor, type CompactorOptions } from "./compactor.ts";
import type { LeftOut, MergedSegment } from "./run-merge.ts";

export const testDay = 20_513;
/** The day after `testDay`, when it is over by all means. */
export const afterMs: number = (testDay + 2) * 86_400_000;

export interface TestRow {
  /** Label `app`. */
  readonly app: string;
  /** Milliseconds since the day began. */
  readonly ms: number;
  readonly line: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

function batchOf(rows: readonly TestRow[]): EntryBatch {
  const lines = rows.map((row) => Buffer.from(row.line));
  const sets = rows.map((row) => packSet(Object.entries(row.metadata ?? {})));
  const lineStarts = new Uint32Array(rows.length);
  const lineEnds = new Uint32Array(rows.length);
  const starts = new Uint32Array(rows.length + 2);
  for (let i = 0; i < rows.length; i++) {
    lineStarts[i] = i === 0 ? 0 : lineEnds[i - 1]!;
    lineEnds[i] = lineStarts[i]! + lines[i]!.length;
    starts[i + 2] = starts[i + 1]! + sets[i]!.length;
  }
  return {
    rowCount: rows.length,
    streams: [],
    bytes: Buffer.concat(lines),
    lineStarts,
    lineEnds,
    epochSeconds: Float64Array.from(rows, ({ ms }) => testDay * 86_400 + Math.floor(ms / 1000)),
    nanos: Uint32Array.from(rows, ({ ms }) => (ms % 1000) * 1e6),
    metadataOfRow: Uint32Array.from(rows, (row, i) => (row.metadata === undefined ? 0 : i + 1)),
    metadata: { bytes: Buffer.concat(sets), starts, count: rows.length + 1 },
  };
}

/** Ids in order of `n`. */
export function idOf(n: number): string {
  return `${n.toString(16).padStart(12, "0")}000${"0123456789abc"}`;
}

export async function putSegment(
  objects: ObjectStore,
  n: number,
  rows: readonly TestRow[],
  more: Partial<SegmentInput> & { options?: Partial<SegmentOptions> } = {},
): Promise<string> {
  const streams = [...Map.groupBy(rows, (row) => row.app)].map(([app, own]) => ({
    labels: Labels.from({ app }),
    rows: [{ batch: batchOf(own), fromRow: 0, toRow: own.length }],
  }));
  const { options, ...input } = more;
  const built = await buildSegment(
    { tenant: "fake", day: testDay, streams, journal: [], replaces: [], ...input },
    { id: idOf(n), ...options },
  );
  await objects.put(built.key, built.parts);
  return built.key;
}

/** What a query should find: by stream, in order of time and arrival, identical entries once. */
export function expectedOf(segments: readonly (readonly TestRow[])[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [app, rows] of Map.groupBy(segments.flat(), (row) => row.app)) {
    const sorted = [...rows].sort((a, b) => a.ms - b.ms);
    found.set(app, [...new Set(sorted.map((row) => textOf(row)))]);
  }
  return sortedByName(found);
}

function textOf({ ms, line, metadata }: TestRow): string {
  const pairs = Object.entries(metadata ?? {}).sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return JSON.stringify([ms, line, pairs]);
}

function sortedByName(found: Map<string, string[]>): Map<string, string[]> {
  return new Map([...found].sort((a, b) => (a[0] < b[0] ? -1 : 1)));
}

export function readOptions(): ReadOptions & { warnings: string[] } {
  const warnings: string[] = [];
  return {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (message) => warnings.push(message),
    warnings,
  };
}

const range = { fromNs: dayStartNs(testDay), toNs: dayStartNs(testDay) + nsPerDay };

/** Everything, in the order queries give it: by time, then by the order of sources. */
export async function readAll(store: SegmentStore): Promise<Map<string, string[]>> {
  return readPlanned(store, await planAll(store));
}

export async function planAll(store: SegmentStore): Promise<readonly BlockRef[]> {
  const select = { tenant: "fake", matchers: [], range };
  const { blocks, warnings } = await store.plan(select, { lineTerms: [] }, readOptions());
  assert.deepEqual(warnings, []);
  return blocks;
}

export async function readPlanned(
  store: SegmentStore,
  refs: readonly BlockRef[],
): Promise<Map<string, string[]>> {
  const options = readOptions();
  const rows: { app: string; ms: number; order: number; text: string }[] = [];
  const needs = { lines: true, lengths: true, metadata: "all" } as const;
  for await (const block of store.read(refs, needs, options)) {
    for (let row = 0; row < block.rowCount; row++) rows.push(rowOf(block, row));
  }
  assert.deepEqual(options.warnings, []);
  rows.sort((a, b) => a.ms - b.ms || a.order - b.order);
  const found = new Map<string, string[]>();
  for (const { app, text } of rows) found.set(app, [...(found.get(app) ?? []), text]);
  return sortedByName(found);
}

function rowOf(
  block: Block,
  row: number,
): { app: string; ms: number; order: number; text: string } {
  const { facts } = block.ref;
  const { labels } = facts.streams[block.streamOfRow?.[row] ?? 0]!;
  const metadata: Record<string, string> = {};
  for (const { name, ids, values } of block.metadata) {
    if (ids[row] !== 0) metadata[name] = values.text(ids[row]! - 1);
  }
  const app = labels.get("app")!;
  const ms = block.offsets[row]! / 1e6;
  const text = textOf({ app, ms, line: block.lines!.text(row), metadata });
  return { app, ms, order: facts.sourceOrder, text };
}

export interface TestCompactor {
  readonly compactor: Compactor;
  readonly merged: MergedSegment[];
  readonly deleted: string[];
  readonly leftOut: LeftOut[];
  readonly failures: unknown[];
}

/** Without pace, and with all that it tells. */
export function testCompactor(
  options: Pick<CompactorOptions, "objects" | "segments"> & {
    clock: Clock;
  } & Partial<CompactorOptions>,
): TestCompactor {
  const seen: Omit<TestCompactor, "compactor"> = {
    merged: [],
    deleted: [],
    leftOut: [],
    failures: [],
  };
  const compactor = new Compactor({
    checkIntervalMs: 60_000,
    events: {
      merged: (segment) => seen.merged.push(segment),
      deleted: ({ key }) => seen.deleted.push(key),
      leftOut: (leftOut) => seen.leftOut.push(leftOut),
      failed: (error) => seen.failures.push(error),
    },
    ...options,
    policy: { bytesPerSecond: Infinity, deleteDelayMs: 0, ...options.policy },
  });
  return { compactor, ...seen };
}

export const never: AbortSignal = new AbortController().signal;
