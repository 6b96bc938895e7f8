import { compressSnappyBlock, ProtoWriter } from "#codec";
import { defaultLimits, type Limits } from "#config";
import { type EntryBatch, unpackSet } from "#model";
import type { Clock } from "#world";
import type { BatchMemory } from "./batch-memory.ts";
import { Distributor, type PushInput, type PushKind, type PushResult } from "./distributor.ts";
import type { ActiveStreams } from "./distributor-limits.ts";
import type { CutPolicy } from "./ingester.ts";

/** For tests of the distributor: a still clock, open limits, requests in one line, batches as rows. */

/** 2026-01-10T00:10:00Z. */
export const testNowNs = 1_768_003_800_000_000_000n;

export const stillClock: Clock = {
  nowNs: () => testNowNs,
  nowMs: () => Number(testNowNs / 1_000_000n),
  monotonicMs: () => 0,
  sleep: () => Promise.resolve(),
  schedule: () => () => undefined,
};

export const openLimits: Limits = {
  ...defaultLimits,
  discoverLogLevels: false,
  rejectOldSamples: false,
  ingestionRateBytesPerSecond: 1e12,
  ingestionBurstBytes: 1e12,
  perStreamRateBytesPerSecond: 0,
  maxGlobalStreamsPerUser: 0,
};

/** Cuts after a few kilobytes; pushes never wait. */
export const smallCuts: CutPolicy = {
  idleMs: 60_000,
  ageMaxMs: 120_000,
  partBytesMax: 4_000,
  headBytesTarget: 8_000,
  headBytesPause: 1_000_000,
  headBytesMax: 1_000_000,
  journalBytesTarget: 200_000,
  journalBytesKept: 3_000,
};

/** [reason, lines, bytes]. */
export type Discarded = readonly [reason: string, lineCount: number, bytes: number];

export interface TestDistributor {
  readonly distributor: Distributor;
  readonly discarded: Discarded[];
  push(input: Partial<PushInput> & { readonly body: Buffer }): PushResult;
  /** A JSON push; a body that is not text is written as JSON. */
  json(body: unknown, kind?: PushKind): PushResult;
}

export function testDistributor(
  limits: Partial<Limits> = {},
  active: ActiveStreams = { count: () => 0, has: () => false },
  memory?: BatchMemory,
): TestDistributor {
  const discarded: Discarded[] = [];
  const all: Limits = { ...openLimits, ...limits };
  const distributor = new Distributor({
    limits: { for: () => all },
    clock: stillClock,
    active,
    memory,
    observer: {
      received: () => undefined,
      discarded: (_tenant, ...rest) => discarded.push(rest),
    },
    body: { compressedBytesMax: 2 ** 20, rawBytesMax: 2 ** 22 },
  });
  const push: TestDistributor["push"] = (input) =>
    distributor.push({
      tenant: "t",
      kind: "loki",
      contentType: "application/json",
      contentEncoding: undefined,
      ...input,
    });
  const json: TestDistributor["json"] = (body, kind = "loki") => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return push({ kind, body: Buffer.from(text) });
  };
  return { distributor, discarded, push, json };
}

export interface TestRow {
  readonly labels: string;
  readonly ns: string;
  readonly line: string;
  readonly metadata: Record<string, string>;
}

export function rowsOf(batch: EntryBatch | undefined): TestRow[] {
  if (batch === undefined) return [];
  const rows: TestRow[] = [];
  for (const { labels, fromRow, toRow } of batch.streams) {
    for (let row = fromRow; row < toRow; row++) {
      const set = batch.metadataOfRow[row]!;
      const { bytes, starts } = batch.metadata;
      const ns = BigInt(batch.epochSeconds[row]!) * 1_000_000_000n + BigInt(batch.nanos[row]!);
      rows.push({
        labels: labels.toString(),
        ns: ns.toString(),
        line: batch.bytes.toString("latin1", batch.lineStarts[row], batch.lineEnds[row]),
        metadata: Object.fromEntries(unpackSet(bytes, starts[set], starts[set + 1])),
      });
    }
  }
  return rows;
}

/** Labels; entries of time in nanoseconds, line, structured metadata. */
export type TestStream = readonly [
  labels: Readonly<Record<string, string>>,
  entries: readonly (readonly [
    ns: bigint,
    line: string,
    metadata: Readonly<Record<string, string>>,
  ])[],
];

/** A PushRequest as agents send it. */
export function snappyPush(streams: readonly TestStream[]): Buffer {
  return compressSnappyBlock(pushMessage(streams));
}

/** The same before it is compressed. */
export function pushMessage(streams: readonly TestStream[]): Buffer {
  const writer = new ProtoWriter();
  for (const [labels, entries] of streams) {
    const streamStart = writer.begin(1);
    const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    writer.text(1, `{${pairs.join(",")}}`);
    for (const [ns, line, metadata] of entries) {
      const entryStart = writer.begin(2);
      const time = writer.begin(1);
      const seconds = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n);
      writer.tag(1, 0);
      writer.varint(Number(seconds));
      writer.tag(2, 0);
      writer.varint(Number(ns - seconds * 1_000_000_000n));
      writer.end(time);
      writer.text(2, line);
      for (const [name, value] of Object.entries(metadata)) {
        const pair = writer.begin(3);
        writer.text(1, name);
        writer.text(2, value);
        writer.end(pair);
      }
      writer.end(entryStart);
    }
    writer.end(streamStart);
  }
  return Buffer.from(writer.finish());
}
