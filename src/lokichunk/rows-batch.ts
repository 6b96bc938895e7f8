/** The way back: rows of decoded blocks as batches, for rewriting and merging. */
import type { EntryBatch, PackedSets } from "#model";
import { ByteTable } from "./byte-table.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { ChunkRows } from "./chunk.ts";

const noSets: PackedSets = { bytes: Buffer.alloc(0), starts: new Uint32Array(2), count: 1 };

/** What `batchOfRows` reads of a decoded block; a Block of the waist with one stream fits. */
export type BlockColumns = Pick<
  ChunkRows,
  "rowCount" | "baseNs" | "offsets" | "lines" | "metadata"
>;

/**
 * Rows of a block decoded with its lines and all its metadata, as the batch `buildChunks` takes.
 * Holds views of the block and copies no line. `streams` of the batch is empty.
 */
export function batchOfRows(rows: BlockColumns): EntryBatch {
  const { rowCount, baseNs, offsets, lines } = rows;
  if (lines === undefined) throw new TypeError("a batch needs lines");
  const lineEnds = new Uint32Array(rowCount);
  const epochSeconds = new Float64Array(rowCount);
  const nanos = new Uint32Array(rowCount);
  const baseNanos = Number(BigInt.asUintN(64, ((baseNs % second) + second) % second));
  const baseSeconds = Number((baseNs - BigInt(baseNanos)) / second);
  for (let i = 0; i < rowCount; i++) {
    lineEnds[i] = lines.to(i);
    const wholeSeconds = Math.floor(offsets[i]! / 1e9);
    const rest = offsets[i]! - wholeSeconds * 1e9 + baseNanos;
    const carry = rest >= 1e9 ? 1 : 0;
    epochSeconds[i] = baseSeconds + wholeSeconds + carry;
    nanos[i] = rest - carry * 1e9;
  }
  const { metadataOfRow, metadata } = setsOf(rows);
  return {
    rowCount,
    streams: [],
    bytes: lines.bytes,
    lineStarts: lines.starts.subarray(0, rowCount),
    lineEnds,
    epochSeconds,
    nanos,
    metadataOfRow,
    metadata,
  };
}

const second = 1_000_000_000n;

/** One set for each distinct combination of values, in order of first use. */
function setsOf(rows: BlockColumns): Pick<EntryBatch, "metadataOfRow" | "metadata"> {
  const { rowCount } = rows;
  const metadataOfRow = new Uint32Array(rowCount);
  if (rows.metadata.length === 0) return { metadataOfRow, metadata: noSets };
  const columns = rows.metadata
    .map(({ name, ids, values }) => ({ name: Buffer.from(name), ids, values }))
    .sort((a, b) => a.name.compare(b.name));
  const packed = new ByteWriter(1024);
  const starts = [0, 0];
  const combination = Buffer.alloc(columns.length * 4);
  const combinations = new ByteTable();
  // Number 0 is the combination without values: the empty set.
  combinations.numberOf(combination, 0, combination.length);
  for (let row = 0; row < rowCount; row++) {
    for (let c = 0; c < columns.length; c++)
      combination.writeUInt32LE(columns[c]!.ids[row]!, c * 4);
    const set = combinations.numberOf(combination, 0, combination.length);
    metadataOfRow[row] = set;
    if (set + 2 <= starts.length) continue;
    for (const { name, ids, values } of columns) {
      const id = ids[row]!;
      if (id === 0) continue;
      addText(packed, name, 0, name.length);
      addText(packed, values.bytes, values.from(id - 1), values.to(id - 1));
    }
    starts.push(packed.length);
  }
  return {
    metadataOfRow,
    metadata: {
      bytes: packed.view(),
      starts: Uint32Array.from(starts),
      count: starts.length - 1,
    },
  };
}

function addText(out: ByteWriter, from: Buffer, start: number, end: number): void {
  out.reserve(8);
  out.varint(end - start);
  out.copy(from, start, end);
}
