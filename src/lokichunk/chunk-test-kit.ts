/** For tests: entries as values, into batches and out of chunks. */
import { type EntryBatch, type LabelPair, Labels, packSet } from "#model";
import type { BuiltChunk, ChunkRows } from "./chunk.ts";
import { decodeChunkBlock } from "./decode-block.ts";
import { openChunk } from "./open-chunk.ts";

export interface TestEntry {
  readonly ns: bigint;
  readonly line: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export const everyColumn = { lines: true, lengths: true, metadata: "all" } as const;

export const testLabels: Labels = Labels.from({ app: "web", zone: "東京" });

export function batchOf(entries: readonly TestEntry[]): EntryBatch {
  const lines = entries.map(({ line }) => Buffer.from(line));
  const sets = entries.map(({ metadata = {} }) => packSet(Object.entries(metadata)));
  const second = 1_000_000_000n;
  const nanos = entries.map(({ ns }) => ((ns % second) + second) % second);
  const ends = sums(lines.map(({ length }) => length));
  return {
    rowCount: entries.length,
    streams: [],
    bytes: Buffer.concat(lines),
    lineStarts: Uint32Array.from([0, ...ends].slice(0, entries.length)),
    lineEnds: Uint32Array.from(ends),
    epochSeconds: Float64Array.from(entries, ({ ns }, i) => Number((ns - nanos[i]!) / second)),
    nanos: Uint32Array.from(nanos, Number),
    metadataOfRow: Uint32Array.from(sets, (set, i) => (set.length === 0 ? 0 : i + 1)),
    metadata: {
      bytes: Buffer.concat(sets),
      starts: Uint32Array.from([0, 0, ...sums(sets.map(({ length }) => length))]),
      count: sets.length + 1,
    },
  };
}

function sums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => (sum += value));
}

/** The rows of a decoded block as values; metadata sorted by name. */
export function entriesOfRows(rows: ChunkRows): TestEntry[] {
  return Array.from({ length: rows.rowCount }, (_, row) => {
    const pairs: LabelPair[] = [];
    for (const { name, ids, values } of rows.metadata) {
      if (ids[row] !== 0) pairs.push([name, values.text(ids[row]! - 1)]);
    }
    return {
      ns: rows.baseNs + BigInt(rows.offsets[row]!),
      line: rows.lines!.text(row),
      metadata: Labels.of(pairs).toRecord(),
    };
  });
}

/** All entries of built chunks, read back with every checksum verified. */
export function entriesOf(chunks: readonly BuiltChunk[]): TestEntry[] {
  return chunks.flatMap(({ bytes, ref }) => {
    const chunk = openChunk("test", bytes, ref.checksum);
    return chunk.blocks.flatMap((_, i) => entriesOfRows(decodeChunkBlock(chunk, i, everyColumn)));
  });
}

/** Sorted as chunks are, each entry once. */
export function stored(entries: readonly TestEntry[]): TestEntry[] {
  const seen = new Set<string>();
  return entries
    .map(({ ns, line, metadata = {} }) => ({
      ns,
      line,
      metadata: Labels.from(metadata).toRecord(),
    }))
    .sort((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0))
    .filter(({ ns, line, metadata }) => {
      const key = JSON.stringify([String(ns), line, metadata]);
      return seen.has(key) ? false : seen.add(key);
    });
}
