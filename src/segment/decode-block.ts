/**
 * Unpacked columns → a Block of the waist. Pure; the caller fetched and unpacked what
 * `neededColumns` names.
 */
import { ByteStrings, sumDifferences, unpackNumbersInto, unpackUint32s } from "#columns";
import { dayStartNs } from "#model";
import type { Block, ColumnNeeds, MetadataColumn } from "#storage";
import type { SegmentBlockRef } from "./block-ref.ts";
import { type ByteOrigin, ByteReader } from "./byte-reader.ts";
import { type DecodedColumns, nothingDecoded } from "./decoded-cache.ts";
import { FieldForm, neededFields } from "./field-columns.ts";
import type { SegmentFooter } from "./footer.ts";
import {
  decodeLengths,
  type LengthShape,
  type LengthSpan,
  startsOfLines,
} from "./lengths-column.ts";
import { blockRowsMax } from "./limits.ts";
import { joinSpans } from "./line-scan.ts";
import { decodeNumbers, decodeShapedNumbers } from "./number-fields.ts";

/** Numbers (in the footer's column table) of columns that `needs` asks for and nobody has. */
export function neededColumns(
  ref: SegmentBlockRef,
  needs: ColumnNeeds,
  known: DecodedColumns = nothingDecoded,
): number[] {
  const { columns } = ref;
  const wanted = known.offsets === undefined ? [columns.timestamps] : [];
  const fields = neededFields(columns, needs.fields) ?? [];
  const { lines, lengths } = textNeeds(ref, needs);
  if (lengths && known.lengths === undefined) wanted.push(columns.lengths);
  if (lines) wanted.push(columns.lines);
  for (const { column } of fields) if (!known.fields.has(column)) wanted.push(column);
  for (const { name, column } of columns.metadata) {
    if (needs.metadata === "all" || needs.metadata.includes(name)) wanted.push(column);
  }
  return wanted;
}

/** Which columns of the text are needed: fields that are there may make lines needless. */
export function textNeeds(
  { columns }: SegmentBlockRef,
  { lines, lengths, search, fields }: ColumnNeeds,
): { readonly lines: boolean; readonly lengths: boolean } {
  const isParsed = fields?.insteadOfLines === true && neededFields(columns, fields) !== undefined;
  const readsLines = lines && (search !== undefined || !isParsed);
  return { lines: readsLines, lengths: readsLines || lengths };
}

export function originOf(footer: SegmentFooter, block: number, column: number): ByteOrigin {
  const offset = footer.blocks.columns.offsets[column]!;
  return { key: footer.name, offset, part: `block ${block} column ${column}` };
}

/** A picked run: rows [fromRow, toRow) of the stored block become rows from `outRow` on. */
interface Span extends LengthSpan {
  /** Where its lines start in the lines column. */
  readonly lineFrom: number;
  readonly lineTo: number;
}

/**
 * `raw` holds the unpacked bytes of the needed columns by number, `known` what was decoded before.
 * StoreError `corrupt` when they contradict.
 */
export function decodeBlock(
  ref: SegmentBlockRef,
  raw: ReadonlyMap<number, Buffer>,
  needs: ColumnNeeds,
  known: DecodedColumns = nothingDecoded,
): Block {
  const { footer, block } = ref;
  const { columns } = ref;
  const text = textNeeds(ref, needs);
  const { spans, storedRows } = spansOf(ref);
  const rowCount = ref.facts.entryCount;
  const open = (column: number): ByteReader =>
    new ByteReader(raw.get(column)!, originOf(footer, block, column));
  const shape = { spans, storedRows, rowCount };
  const lengths = text.lengths
    ? (known.lengths ?? decodeLengths(open(columns.lengths), shape))
    : undefined;
  const metadata: MetadataColumn[] = [];
  for (const { name, column } of columns.metadata) {
    if (raw.has(column)) metadata.push(decodeMetadata(open(column), name, shape));
  }
  return {
    ref,
    rowCount,
    baseNs: dayStartNs(footer.info.day),
    offsets: known.offsets ?? decodeTimes(open(columns.timestamps), ref, shape),
    streamOfRow: spans.length === 1 ? undefined : streamOfRow(shape),
    lines: text.lines ? decodeLines(raw.get(columns.lines)!, lengths!, shape) : undefined,
    lengths,
    metadata,
    fields: neededFields(columns, needs.fields)?.map(
      ({ name, column }) => known.fields.get(column) ?? decodeField(open(column), name, shape),
    ),
  };
}

interface Shape extends LengthShape {
  readonly spans: readonly Span[];
}

function spansOf(ref: SegmentBlockRef): { spans: Span[]; storedRows: number } {
  const { runStarts, runs } = ref.footer.blocks;
  const spans: Span[] = [];
  let [row, lineAt, outRow, next] = [0, 0, 0, 0];
  for (let run = runStarts[ref.block]!; run < runStarts[ref.block + 1]!; run++) {
    const toRow = row + runs.entryCounts[run]!;
    const lineTo = lineAt + runs.lineBytes[run]! + runs.entryCounts[run]!;
    if (ref.runs[next] === run) {
      const lineBytes = runs.lineBytes[run]!;
      spans.push({ run, fromRow: row, toRow, outRow, lineBytes, lineFrom: lineAt, lineTo });
      outRow += toRow - row;
      next++;
    }
    row = toRow;
    lineAt = lineTo;
  }
  return { spans, storedRows: row };
}

/**
 * Of the picked runs: pairs from, to, where their lines lie in the lines column, and which lengths
 * are theirs.
 */
export function textSpans(ref: SegmentBlockRef): { lines: number[]; lengths: LengthShape } {
  const { spans, storedRows } = spansOf(ref);
  return {
    lines: spans.flatMap(({ lineFrom, lineTo }) => [lineFrom, lineTo]),
    lengths: { spans, storedRows, rowCount: ref.facts.entryCount },
  };
}

function decodeTimes(reader: ByteReader, ref: SegmentBlockRef, shape: Shape): Float64Array {
  const exponent = reader.byte();
  if (exponent > 9) throw reader.corrupt(`unit 10^${exponent} ns`);
  const unit = 10 ** exponent;
  const packed = reader.packed({ countMax: blockRowsMax, count: shape.storedRows });
  reader.end();
  const { minOffsets, maxOffsets } = ref.footer.blocks.runs;
  const out = new Float64Array(shape.rowCount);
  for (const { run, fromRow, toRow, outRow } of shape.spans) {
    unpackNumbersInto(out, outRow, packed, fromRow, toRow);
    const scale = { start: minOffsets[run]!, unit };
    const time = sumDifferences(out, outRow, outRow + toRow - fromRow, scale);
    if (time !== maxOffsets[run]) {
      throw reader.corrupt(`run ${run} ends at ${maxOffsets[run]} ns but decodes to ${time}`);
    }
  }
  return out;
}

function decodeLines(raw: Buffer, lengths: Uint32Array, shape: Shape): ByteStrings {
  const { spans } = shape;
  const pairs = spans.flatMap(({ lineFrom, lineTo }) => [lineFrom, lineTo]);
  return new ByteStrings(joinSpans(raw, pairs), startsOfLines(lengths), 1);
}

function streamOfRow(shape: Shape): Uint32Array {
  const out = new Uint32Array(shape.rowCount);
  for (const [index, { fromRow, toRow, outRow }] of shape.spans.entries()) {
    out.fill(index, outRow, outRow + toRow - fromRow);
  }
  return out;
}

/**
 * The inverse of MetadataColumnBuilder.encode. Values that no picked row uses stay in the
 * dictionary.
 */
function decodeMetadata(reader: ByteReader, name: string, shape: Shape): MetadataColumn {
  const starts = reader.starts({ countMax: reader.bytes.length });
  const valueCount = starts.length - 1;
  const limits = { countMax: blockRowsMax, count: shape.storedRows, widthMax: 4 };
  const packed = reader.packed(limits);
  const bytes = reader.take(starts[valueCount]!);
  reader.end();
  const ids = unpackUint32s(packed, 0, shape.storedRows);
  const used = idsOfCodes(ids, reader);
  if (used !== valueCount) throw reader.corrupt(`${valueCount} values but ${used} used`);
  return { name, ids: pickRows(ids, shape), values: new ByteStrings(bytes, starts, 0) };
}

/** The inverse of `MetadataColumnBuilder.encode`, in place; returns how many values are used. */
function idsOfCodes(codes: Uint32Array, reader: ByteReader): number {
  let used = 0;
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    if (code === 0) continue;
    if (code === 1) codes[row] = ++used;
    else if (code - 1 <= used) codes[row] = code - 1;
    else throw reader.corrupt(`row ${row} uses value ${code - 1} of ${used}`);
  }
  return used;
}

/** The inverse of what field-columns.ts writes. */
function decodeField(reader: ByteReader, name: string, shape: Shape): MetadataColumn {
  const form = reader.byte();
  if (form === FieldForm.dictionary) return decodeMetadata(reader, name, shape);
  const { ids, values } = numbersOf(reader, form, shape.storedRows);
  return { name, ids: pickRows(ids, shape), values };
}

function numbersOf(
  reader: ByteReader,
  form: number,
  rowCount: number,
): Omit<MetadataColumn, "name"> {
  if (form === FieldForm.numbers) return decodeNumbers(reader, rowCount);
  if (form === FieldForm.shapedNumbers) return decodeShapedNumbers(reader, rowCount);
  throw reader.corrupt(`field of form ${form}`);
}

function pickRows(ids: Uint32Array, shape: Shape): Uint32Array {
  if (shape.rowCount === shape.storedRows) return ids;
  const out = new Uint32Array(shape.rowCount);
  for (const { fromRow, toRow, outRow } of shape.spans) {
    out.set(ids.subarray(fromRow, toRow), outRow);
  }
  return out;
}
