/** Blocks whose lines are unpacked and searched by a LineScanner. */
import { ByteStrings } from "#columns";
import { KiB, MiB } from "#base";
import { dayStartNs } from "#model";
import type { Block, ColumnNeeds } from "#storage";
import type { SegmentBlockRef } from "./block-ref.ts";
import type { DecodedColumns } from "./decoded-cache.ts";
import { originOf, textSpans } from "./decode-block.ts";
import { neededFields } from "./field-columns.ts";
import { blockRowsMax } from "./limits.ts";
import type { LineScan, LineScanner, ScannedLines, StoredColumn } from "./line-scan.ts";
import { storedPartOf } from "./stored-part.ts";

/** A read of fewer bytes of lines is over before the hop to other threads has paid. */
const readBytesMin: number = 8 * MiB;
/** Smaller blocks cost more to hand over than to search. */
const blockBytesMin: number = 64 * KiB;

/** The scanner for a read, if the read is worth one. */
export function scannerFor(
  refs: readonly SegmentBlockRef[],
  needs: ColumnNeeds,
  scanner: LineScanner | undefined,
): LineScanner | undefined {
  if (scanner === undefined || needs.search === undefined || !needs.lines) return undefined;
  let bytes = 0;
  for (const ref of refs) bytes += ref.facts.lineBytes;
  return bytes >= readBytesMin ? scanner : undefined;
}

export function isWorthScanning(ref: SegmentBlockRef): boolean {
  return ref.facts.lineBytes >= blockBytesMin;
}

/** What is to be done with the lines. */
export interface ScanJob {
  readonly ref: SegmentBlockRef;
  readonly needs: ColumnNeeds;
  readonly known: DecodedColumns;
  /** As they are stored; `isAlone`: nobody else needs their buffer, which is given away. */
  readonly lines: { readonly bytes: Buffer; readonly isAlone: boolean };
  /** As they are stored; undefined when they are known. */
  readonly lengths: Buffer | undefined;
}

/** Undefined when the scanner lost the work. StoreError `corrupt`. */
export function scanBlock(
  { ref, needs, known, lines, lengths }: ScanJob,
  scanner: LineScanner,
  signal: AbortSignal,
): Promise<ScannedLines | undefined> {
  const { isAscii, hasInnerNewline } = ref.facts;
  const { filters, keepsLines } = needs.search!;
  const { columns } = ref;
  const spans = textSpans(ref);
  const isByFields = needs.fields?.insteadOfLines === true && hasFields(ref, needs);
  const scan: LineScan = {
    filters,
    keepsLines: keepsLines && !isByFields,
    lines: storedColumn(ref, columns.lines, ownBytes(lines)),
    lengths:
      lengths === undefined
        ? new Uint32Array(known.lengths!)
        : storedColumn(ref, columns.lengths, new Uint8Array(lengths)),
    lengthShape: spans.lengths,
    spans: spans.lines,
    isAscii,
    hasInnerNewline,
  };
  return scanner.scan(scan, signal);
}

/** A view would take the bytes of its whole GET along. */
function ownBytes({ bytes, isAlone }: ScanJob["lines"]): Uint8Array {
  const isWhole = isAlone && bytes.byteLength === bytes.buffer.byteLength;
  return isWhole ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}

function storedColumn(ref: SegmentBlockRef, column: number, stored: Uint8Array): StoredColumn {
  const part = storedPartOf(ref.footer, column);
  return { stored, part, origin: originOf(ref.footer, ref.block, column) };
}

function hasFields(ref: SegmentBlockRef, needs: ColumnNeeds): boolean {
  return neededFields(ref.columns, needs.fields) !== undefined;
}

/** The lines of a scan as a block has them. */
export function scannedText({ lines, starts }: ScannedLines): ByteStrings | undefined {
  if (lines === undefined || starts === undefined) return undefined;
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
  return new ByteStrings(bytes, starts, 1);
}

/** As many rows as blocks have at most; for all blocks without a row that passes. */
const noRows = new Uint8Array(blockRowsMax);
const noOffsets = new Float64Array(0);

/** A block whose rows were searched, and none passes. */
export function blockWithoutHits(ref: SegmentBlockRef): Block {
  const rowCount = ref.facts.entryCount;
  return {
    ref,
    rowCount,
    baseNs: dayStartNs(ref.footer.info.day),
    offsets: noOffsets,
    streamOfRow: undefined,
    lines: undefined,
    lengths: undefined,
    metadata: [],
    fields: undefined,
    passing: noRows.subarray(0, rowCount),
  };
}
