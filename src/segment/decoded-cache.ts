/**
 * Small columns as they were decoded: times, lengths and fields of blocks that queries ask for over
 * and over, bounded by bytes. Nobody writes to them. Only whole blocks are remembered, for what a
 * selection of streams decodes to is of use to that selection alone.
 */
import { LruMap, MiB } from "#base";
import type { Block, ColumnNeeds, MetadataColumn } from "#storage";
import type { SegmentBlockRef } from "./block-ref.ts";
import { neededFields } from "./field-columns.ts";

export const decodedCacheBytesDefault: number = 32 * MiB;

/** Columns of one block; `fields` by number in the footer's column table. */
export interface DecodedColumns {
  readonly offsets: Float64Array | undefined;
  readonly lengths: Uint32Array | undefined;
  readonly fields: ReadonlyMap<number, MetadataColumn>;
}

export const nothingDecoded: DecodedColumns = {
  offsets: undefined,
  lengths: undefined,
  fields: new Map(),
};

export class DecodedCache {
  readonly #blocks: LruMap<string, DecodedColumns>;

  constructor(cacheBytes: number) {
    this.#blocks = new LruMap({ name: "decoded_columns", weightMax: cacheBytes, weigh: weightOf });
  }

  get(ref: SegmentBlockRef): DecodedColumns {
    return (isWhole(ref) ? this.#blocks.get(keyOf(ref)) : undefined) ?? nothingDecoded;
  }

  /** What of `block`, read for `needs`, is worth remembering beside what was `known` of it. */
  keep(ref: SegmentBlockRef, block: Block, needs: ColumnNeeds, known: DecodedColumns): void {
    const found = neededFields(ref.columns, needs.fields) ?? [];
    const isNew =
      known.offsets === undefined ||
      (known.lengths === undefined && block.lengths !== undefined) ||
      found.some(({ column }) => !known.fields.has(column));
    if (!isNew || !isWhole(ref)) return;
    const fields = new Map(known.fields);
    for (const [i, { column }] of found.entries()) fields.set(column, block.fields![i]!);
    const lengths = known.lengths ?? block.lengths;
    this.#blocks.set(keyOf(ref), { offsets: block.offsets, lengths, fields });
  }
}

function keyOf({ footer, block }: SegmentBlockRef): string {
  return `${block} ${footer.name}`;
}

function isWhole({ footer, block, runs }: SegmentBlockRef): boolean {
  const { runStarts } = footer.blocks;
  return runs.length === runStarts[block + 1]! - runStarts[block]!;
}

function weightOf({ offsets, lengths, fields }: DecodedColumns): number {
  let bytes = 200 + (offsets?.byteLength ?? 0) + (lengths?.byteLength ?? 0);
  for (const { ids, values } of fields.values()) {
    bytes += 200 + ids.byteLength + values.bytes.length + values.starts.byteLength;
  }
  return bytes;
}
