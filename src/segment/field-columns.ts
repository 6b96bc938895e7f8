/**
 * Fields of lines as columns of a block (docs/formats/segment.md, kinds 8 and 9): what `| json` and
 * `| logfmt` would parse, so that queries read a few bytes per row in place of lines.
 */
import { ByteStrings } from "#columns";
import type { FieldNeeds, FieldParser, FieldReader, FieldSink } from "#storage";
import { type RawBlock, type RawColumn, ColumnKind } from "./block-builder.ts";
import type { BlockColumns } from "./block-ref.ts";
import { type PackedPart, packPart } from "./compression.ts";
import { startsOfLines } from "./lengths-column.ts";
import { MetadataColumnBuilder } from "./metadata-columns.ts";
import { encodeNumbers } from "./number-fields.ts";

/** Lines with more different fields are no records of one shape, and get no columns. */
export const fieldNamesMax = 128;

/** Distinct values of a field that take more than this per row (ids, paths) are left in the lines. */
const valueBytesPerRowMax = 10;

/** Numbers and durations may be longer (`12.345678ms`), since they are not stored as text. */
const numberBytesPerRowMax = 16;

/** Fields of a block take at most this share of its stored lines, the smallest first. */
const storedShareMax = 0.33;

/**
 * Queries group by fields of few values and calculate with numbers and durations. Other fields
 * (times, paths, names of many kinds) have to be this many times smaller to come first.
 */
const oddFieldCost = 4;
const fewValuesShare = 0.25;

/** The first byte of a column: how the rest is to be read. */
export const FieldForm = { dictionary: 0, numbers: 1, shapedNumbers: 2 } as const;

const kindOfParser: Readonly<Record<FieldParser, number>> = {
  json: ColumnKind.jsonField,
  logfmt: ColumnKind.logfmtField,
};

/** A column before compression. */
export interface FieldColumn extends RawColumn {
  readonly isUsual: boolean;
}

export interface PackedColumn {
  readonly kind: number;
  readonly name: string;
  readonly part: PackedPart;
}

/** All fields of the lines; those without a column have no raw bytes. Empty when there are none. */
export function fieldColumnsOf(
  block: Pick<RawBlock, "lines" | "lengths" | "isAscii">,
  read: FieldReader,
  seed: number,
): FieldColumn[] {
  const starts = startsOfLines(block.lengths);
  const collected = new FieldBuilders(block.lengths.length, seed);
  const parser = read(new ByteStrings(block.lines, starts, 1), block, collected);
  return parser === undefined ? [] : collected.columns(kindOfParser[parser]);
}

/** Compresses what is worth its bytes; the others come without bytes, to say that they exist. */
export async function packFieldColumns(
  columns: readonly FieldColumn[],
  how: { readonly level: number; readonly linesStoredBytes: number },
): Promise<PackedColumn[]> {
  const packed = await Promise.all(
    columns.map(async ({ kind, name, raw, isUsual }) => {
      const part = await packPart(raw, how.level);
      const cost = part.storedBytes * (isUsual ? 1 : oddFieldCost);
      return { cost, column: { kind, name, part } };
    }),
  );
  const none = await packPart(noBytes, how.level);
  let room = how.linesStoredBytes * storedShareMax;
  const kept = new Set<PackedColumn>();
  for (const { column } of packed.toSorted((a, b) => a.cost - b.cost)) {
    const { storedBytes } = column.part;
    if (storedBytes > room) continue;
    room -= storedBytes;
    kept.add(column);
  }
  // Each has a place of its own in the object, if of no bytes.
  return packed.map(({ column }) => (kept.has(column) ? column : { ...column, part: { ...none } }));
}

const noBytes = Buffer.alloc(0);

/** A dictionary per field, as long as the field is worth one. */
class FieldBuilders implements FieldSink {
  readonly #rowCount: number;
  readonly #seed: number;
  /** Null: the field is there, but has no column. */
  readonly #byName = new Map<string, MetadataColumnBuilder | null>();

  constructor(rowCount: number, seed: number) {
    this.#rowCount = rowCount;
    this.#seed = seed;
  }

  add(row: number, name: string, buffer: Buffer, from: number, to: number): void {
    const column = this.#column(name);
    if (column === null) return;
    if (column.usedValueBytes > this.#rowCount * numberBytesPerRowMax) {
      this.#byName.set(name, null);
      return;
    }
    column.setId(row, column.idOf(buffer, from, to));
  }

  addOther(name: string): void {
    this.#byName.set(name, null);
  }

  #column(name: string): MetadataColumnBuilder | null {
    let column = this.#byName.get(name);
    if (column === undefined) {
      // One more than the limit tells that there are too many.
      const isRoom = this.#byName.size < fieldNamesMax;
      column = isRoom ? new MetadataColumnBuilder(Buffer.from(name), this.#seed) : null;
      this.#byName.set(name, column);
    }
    return column;
  }

  columns(kind: number): FieldColumn[] {
    if (this.#byName.size > fieldNamesMax) return [];
    const columns: FieldColumn[] = [];
    for (const [name, column] of this.#byName) {
      const found = column === null ? undefined : encoded(column, this.#rowCount);
      columns.push({ kind, name, ...(found ?? { raw: noBytes, isUsual: false }) });
    }
    return columns;
  }
}

/** With few values a dictionary is smaller, and read faster. Undefined when neither is worth it. */
function encoded(
  column: MetadataColumnBuilder,
  rowCount: number,
): Pick<FieldColumn, "raw" | "isUsual"> | undefined {
  const isFew = column.valueCount <= rowCount * fewValuesShare;
  const numbers = isFew ? undefined : encodeNumbers(column, rowCount);
  if (numbers !== undefined) {
    const form = Buffer.of(FieldForm[numbers.form]);
    return { raw: Buffer.concat([form, numbers.raw]), isUsual: true };
  }
  if (column.usedValueBytes > rowCount * valueBytesPerRowMax) return undefined;
  const raw = Buffer.concat([Buffer.of(FieldForm.dictionary), column.encode(rowCount)]);
  return { raw, isUsual: isFew };
}

/**
 * Numbers of the columns that hold what `needs` names, as far as it occurs; undefined when lines
 * have to be parsed.
 */
export function neededFields(
  columns: BlockColumns,
  needs: FieldNeeds | undefined,
): BlockColumns["fields"] | undefined {
  if (needs === undefined || columns.fieldParser !== needs.parser) return undefined;
  const found = columns.fields.filter(({ name }) => needs.names.includes(name));
  return found.every(({ isStored }) => isStored) ? found : undefined;
}
