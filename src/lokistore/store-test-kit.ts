/** For tests: a store in memory with one period, and entries written into it. */
import { ByteStrings } from "#columns";
import { batchOfRows } from "#lokichunk";
import { Labels, type Matcher } from "#model";
import { MemoryObjectStore, type ObjectStore } from "#objectstore";
import { newReadCounters, type ReadOptions } from "#storage";
import { type Files, ManualClock, SimulatedDisk } from "#world";
import { ChunkMarks } from "./chunk-marks.ts";
import { LokiPeriods } from "./loki-period.ts";
import { LokiStore } from "./loki-store.ts";
import { LokiWriter, type LokiWritten } from "./loki-writer.ts";

/** 2025-01-01. */
export const day0: number = 20089;
export const day0Ms: number = day0 * 86_400_000;
export const allTime = { fromNs: 0n, toNs: 4_000_000_000_000_000_000n };
export const noSignal: AbortSignal = new AbortController().signal;

export interface TestStore {
  readonly clock: ManualClock;
  readonly objects: ObjectStore;
  readonly periods: LokiPeriods;
  readonly store: LokiStore;
  readonly writer: LokiWriter;
  readonly marks: ChunkMarks;
}

export function openTestStore(
  options: { schema?: string; objects?: ObjectStore; clock?: ManualClock; disk?: Files } = {},
): TestStore {
  const { schema = "v13", clock = new ManualClock({ nowMs: day0Ms + 7_200_000 }) } = options;
  const objects = options.objects ?? new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const period = {
    fromMs: -1e13,
    toMs: Number.POSITIVE_INFINITY,
    schema,
    indexPrefix: "index_",
    pathPrefix: "index/",
    objects,
  };
  const periods = new LokiPeriods([period]);
  const store = new LokiStore({ periods, period, clock });
  const chunks = { encoding: "snappy" as const, blockBytes: 400, targetBytes: 2_000 };
  const files = options.disk ?? new SimulatedDisk();
  const marks = new ChunkMarks({ files, folder: "/data/compactor", clock });
  const writer = new LokiWriter({ periods, marks, stores: [store], chunks });
  return { clock, objects, periods, store, writer, marks };
}

export interface TestStream {
  readonly app: string;
  /** Milliseconds of the day and line. */
  readonly entries: readonly (readonly [ms: number, line: string])[];
}

let nameCount = 0;

export function writeStreams(
  { writer }: Pick<TestStore, "writer">,
  tenant: string,
  streams: readonly TestStream[],
): Promise<LokiWritten> {
  const input = streams.map(({ app, entries }) => {
    const lines = ByteStrings.ofTexts(
      entries.map(([, line]) => line),
      1,
    );
    const batch = batchOfRows({
      rowCount: entries.length,
      baseNs: BigInt(day0Ms) * 1_000_000n,
      offsets: Float64Array.from(entries, ([ms]) => ms * 1e6),
      lines,
      metadata: [],
    });
    const rows = [{ batch, fromRow: 0, toRow: entries.length }];
    return { labels: Labels.from({ app }), rows };
  });
  const nameNs = BigInt(day0Ms) * 1_000_000n + BigInt(++nameCount);
  return writer.write(
    {
      tenant,
      day: day0 + Math.floor((streams[0]?.entries[0]?.[0] ?? 0) / 86_400_000),
      streams: input,
      nameNs,
      ingestedAtMs: day0Ms,
    },
    noSignal,
  );
}

export interface Answer {
  /** App, milliseconds of the day and line of each row, sorted. */
  readonly rows: string[];
  readonly warnings: string[];
  readonly blockCount: number;
}

/** All rows as they are read, before a query drops what two chunks have. */
export async function readAll(
  store: LokiStore,
  tenant: string,
  matchers: readonly Matcher[] = [],
): Promise<Answer> {
  const { options, warnings } = readOptions();
  const skip = { lineTerms: [] };
  const plan = await store.plan({ tenant, matchers, range: allTime }, skip, options);
  warnings.push(...plan.warnings);
  const rows: string[] = [];
  const needs = { lines: true, lengths: true, metadata: "all" as const };
  for await (const block of store.read(plan.blocks, needs, options)) {
    const app = block.ref.facts.streams[0]!.labels.get("app");
    for (let row = 0; row < block.rowCount; row++) {
      const ns = block.baseNs + BigInt(block.offsets[row]!);
      const ms = Number(ns / 1_000_000n) - day0Ms;
      rows.push(`${app} ${ms} ${block.lines!.text(row)}`);
    }
  }
  return { rows: rows.sort(), warnings, blockCount: plan.blocks.length };
}

export function readOptions(): { options: ReadOptions; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (message: string): void => {
    warnings.push(message);
  };
  return { options: { signal: noSignal, counters: newReadCounters(), warn }, warnings };
}

export async function keysOf(objects: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}
