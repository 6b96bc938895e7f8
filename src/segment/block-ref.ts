import { dayStartNs } from "#model";
import type { BlockFacts, BlockRef, BlockStream, FieldParser } from "#storage";
import { ColumnKind } from "./block-builder.ts";
import { BlockFlag, type SegmentFooter } from "./footer.ts";
import { sourceOrderOf } from "./segment-key.ts";
import type { PickedBlock } from "./select-streams.ts";

/**
 * A planned block of a segment. Its facts are of the picked runs only, and so are the rows it
 * decodes to.
 */
export interface SegmentBlockRef extends BlockRef {
  readonly footer: SegmentFooter;
  readonly block: number;
  /** Numbers in the footer's run table, ascending. */
  readonly runs: readonly number[];
  readonly columns: BlockColumns;
}

export function blockRefOf(footer: SegmentFooter, picked: PickedBlock): SegmentBlockRef {
  let columns: BlockColumns | undefined;
  return {
    ...picked,
    footer,
    facts: factsOf(footer, picked),
    // Made when first asked for: filters rule out most blocks.
    get columns() {
      return (columns ??= columnsOf(footer, picked.block));
    },
  };
}

function factsOf(footer: SegmentFooter, { block, runs }: PickedBlock): BlockFacts {
  const { blocks } = footer;
  const start = dayStartNs(footer.info.day);
  const table = blocks.runs;
  let entryCount = 0;
  let lineBytes = 0;
  let min = Infinity;
  let max = 0;
  for (const run of runs) {
    const minOffset = table.minOffsets[run]!;
    const maxOffset = table.maxOffsets[run]!;
    entryCount += table.entryCounts[run]!;
    lineBytes += table.lineBytes[run]!;
    if (minOffset < min) min = minOffset;
    if (maxOffset > max) max = maxOffset;
  }
  let streams: readonly BlockStream[] | undefined;
  let levelCounts: ReadonlyMap<string, number> | undefined;
  return {
    entryCount,
    lineBytes,
    minNs: start + BigInt(min),
    maxNs: start + BigInt(max),
    isAscii: (blocks.flags[block]! & BlockFlag.ascii) !== 0,
    hasInnerNewline: (blocks.flags[block]! & BlockFlag.innerNewline) !== 0,
    // Made when first asked for: of many planned blocks few are read at a time.
    get streams() {
      return (streams ??= streamsOf(footer, runs));
    },
    get levelCounts() {
      return (levelCounts ??= levelCountsOf(footer, runs));
    },
    source: footer.name,
    sourceOrder: sourceOrderOf(footer.info.id),
  };
}

function levelCountsOf(footer: SegmentFooter, runs: readonly number[]): Map<string, number> {
  const { levelStarts, levels, levelCounts } = footer.blocks.runs;
  const found = new Map<string, number>();
  for (const run of runs) {
    for (let i = levelStarts[run]!; i < levelStarts[run + 1]!; i++) {
      const level = footer.symbols.text(levels[i]!);
      found.set(level, (found.get(level) ?? 0) + levelCounts[i]!);
    }
  }
  return found;
}

function streamsOf(footer: SegmentFooter, runs: readonly number[]): BlockStream[] {
  const table = footer.blocks.runs;
  const start = dayStartNs(footer.info.day);
  return runs.map((run) => ({
    labels: footer.labelsOf(table.streams[run]!),
    entryCount: table.entryCounts[run]!,
    lineBytes: table.lineBytes[run]!,
    minNs: start + BigInt(table.minOffsets[run]!),
    maxNs: start + BigInt(table.maxOffsets[run]!),
  }));
}

/** The columns of a block by what they are; numbers in the footer's column table. */
export interface BlockColumns {
  readonly timestamps: number;
  readonly lengths: number;
  readonly lines: number;
  readonly metadata: readonly NamedColumn[];
  /** Whose fields the block has; undefined when its lines have to be parsed. */
  readonly fieldParser: FieldParser | undefined;
  /** All fields of its lines; not all of them have bytes. */
  readonly fields: readonly (NamedColumn & { readonly isStored: boolean })[];
}

export interface NamedColumn {
  readonly name: string;
  readonly column: number;
}

export function columnsOf(footer: SegmentFooter, block: number): BlockColumns {
  const { columnStarts, columns } = footer.blocks;
  const at = { timestamps: -1, lengths: -1, lines: -1 };
  const metadata: NamedColumn[] = [];
  const fields: (NamedColumn & { isStored: boolean })[] = [];
  let fieldParser: FieldParser | undefined;
  for (let i = columnStarts[block]!; i < columnStarts[block + 1]!; i++) {
    const kind = columns.kinds[i]!;
    if (kind === ColumnKind.timestamps) at.timestamps = i;
    else if (kind === ColumnKind.lengths) at.lengths = i;
    else if (kind === ColumnKind.lines) at.lines = i;
    else if (kind === ColumnKind.metadata) {
      metadata.push({ name: footer.symbols.text(columns.names[i]!), column: i });
    } else if (kind === ColumnKind.jsonField || kind === ColumnKind.logfmtField) {
      fieldParser = kind === ColumnKind.jsonField ? "json" : "logfmt";
      const name = footer.symbols.text(columns.names[i]!);
      fields.push({ name, column: i, isStored: columns.rawBytes[i]! > 0 });
    }
  }
  return { ...at, metadata, fieldParser, fields };
}
