import { ColumnKind } from "./block-builder.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { BlockTable, ColumnTable, RunTable } from "./footer.ts";
import { blockRowsMax, rawBytesMax, segmentMagic, tableEntriesMax } from "./limits.ts";

const nsPerDayNumber = 86_400e9;
const countMax = tableEntriesMax;

export interface BlockTableLimits {
  readonly symbolCount: number;
  readonly streamCount: number;
  readonly bodyBytes: number;
}

/** The directory of blocks; order of the vectors as in docs/formats/segment.md. */
export function decodeBlocks(reader: ByteReader, limits: BlockTableLimits): BlockTable {
  const flags = reader.uint32s({ countMax });
  const count = flags.length;
  const runStarts = reader.starts({ countMax, count });
  const columnStarts = reader.starts({ countMax, count });
  const runs = decodeRuns(reader, runStarts[count]!, limits);
  const columns = decodeColumns(reader, columnStarts[count]!, limits);
  reader.end();
  const table = { count, flags, runStarts, columnStarts, runs, columns };
  for (let block = 0; block < count; block++) checkBlock(reader, table, block);
  return table;
}

function decodeRuns(reader: ByteReader, count: number, limits: BlockTableLimits): RunTable {
  const streams = reader.uint32s({ countMax, count });
  const entryCounts = reader.uint32s({ countMax, count });
  const lineBytes = reader.uint32s({ countMax, count });
  const minOffsets = reader.numbers({ countMax, count });
  const maxOffsets = reader.numbers({ countMax, count });
  const levelStarts = reader.starts({ countMax, count });
  const levels = reader.uint32s({ countMax, count: levelStarts[count]! });
  const levelCounts = reader.uint32s({ countMax, count: levelStarts[count]! });
  let [minOffset, maxOffset] = [Infinity, -Infinity];
  for (let run = 0; run < count; run++) {
    // Stored as the span.
    maxOffsets[run] = minOffsets[run]! + maxOffsets[run]!;
    if (minOffsets[run]! < minOffset) minOffset = minOffsets[run]!;
    if (maxOffsets[run]! > maxOffset) maxOffset = maxOffsets[run]!;
    if (streams[run]! >= limits.streamCount) {
      throw reader.corrupt(`run ${run} is of stream ${streams[run]} of ${limits.streamCount}`);
    }
    if (maxOffsets[run]! >= nsPerDayNumber) throw reader.corrupt(`run ${run} leaves its day`);
  }
  for (const level of levels) {
    if (level >= limits.symbolCount) throw reader.corrupt(`level is symbol ${level}`);
  }
  return {
    streams,
    entryCounts,
    lineBytes,
    minOffsets,
    maxOffsets,
    levelStarts,
    levels,
    levelCounts,
    minOffset,
    maxOffset,
  };
}

function decodeColumns(reader: ByteReader, count: number, limits: BlockTableLimits): ColumnTable {
  const kinds = reader.uint32s({ countMax, count });
  const names = reader.uint32s({ countMax, count });
  const offsets = reader.numbers({ countMax, count });
  const storedBytes = reader.uint32s({ countMax, count });
  const rawBytes = reader.uint32s({ countMax, count });
  const encodings = reader.uint32s({ countMax, count });
  const crcs = reader.uint32s({ countMax, count });
  for (let column = 0; column < count; column++) {
    const from = offsets[column]!;
    const to = from + storedBytes[column]!;
    if (from < segmentMagic.length || to > limits.bodyBytes) {
      throw reader.corrupt(`column ${column} at ${from} to ${to} of ${limits.bodyBytes}`);
    }
    if (rawBytes[column]! > rawBytesMax) {
      throw reader.corrupt(`column ${column} of ${rawBytes[column]} raw bytes`);
    }
    if (names[column]! >= limits.symbolCount) {
      throw reader.corrupt(`column ${column} is named by symbol ${names[column]}`);
    }
  }
  return { kinds, names, offsets, storedBytes, rawBytes, encodings, crcs };
}

/**
 * A block has rows, not too many, and each of the three columns that are always there exactly once.
 */
function checkBlock(reader: ByteReader, table: BlockTable, block: number): void {
  const { runs, columns } = table;
  let rows = 0;
  let linesBytes = 0;
  for (let run = table.runStarts[block]!; run < table.runStarts[block + 1]!; run++) {
    if (runs.entryCounts[run] === 0) throw reader.corrupt(`run ${run} has no entries`);
    rows += runs.entryCounts[run]!;
    linesBytes += runs.entryCounts[run]! + runs.lineBytes[run]!;
  }
  if (rows === 0 || rows > blockRowsMax) throw reader.corrupt(`block ${block} has ${rows} rows`);
  const seen = [0, 0, 0, 0];
  for (let i = table.columnStarts[block]!; i < table.columnStarts[block + 1]!; i++) {
    const kind = columns.kinds[i]!;
    if (kind < seen.length) seen[kind]!++;
    if (kind === ColumnKind.lines && columns.rawBytes[i] !== linesBytes) {
      const actual = columns.rawBytes[i];
      throw reader.corrupt(`block ${block}: ${linesBytes} bytes of lines but column of ${actual}`);
    }
  }
  if (seen[1] !== 1 || seen[2] !== 1 || seen[3] !== 1) {
    throw reader.corrupt(`block ${block} lacks a column or has one twice`);
  }
}
