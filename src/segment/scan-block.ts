/** Blocks whose lines are unpacked and searched by a LineScanner. */
import { ByteStrings } from "#columns";
import { KiB, MiB } from "#base";
import type { Block, ColumnNeeds } from "#storage";
import type { SegmentBlockRef } from "./block-ref.ts";
import type { StoredPart } from "./compression.ts";
import type { DecodedColumns } from "./decoded-cache.ts";
import { decodeBlock, lineSpans, originOf } from "./decode-block.ts";
import type { LineScan, LineScanner, ScannedLines } from "./line-scan.ts";

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

/** What is to be done with the lines, given the raw bytes of the other columns. */
export interface ScanJob {
  readonly ref: SegmentBlockRef;
  readonly needs: ColumnNeeds;
  readonly raw: ReadonlyMap<number, Buffer>;
  readonly known: DecodedColumns;
  readonly stored: Buffer;
  readonly part: StoredPart;
}

/** Undefined when the scanner lost the work. StoreError `corrupt`. */
export async function scanBlock(
  job: ScanJob,
  scanner: LineScanner,
  signal: AbortSignal,
): Promise<Block | undefined> {
  const { ref, needs, raw, part, known } = job;
  const block = decodeBlock(ref, raw, { ...needs, lines: false, lengths: true }, known);
  const starts = startsOf(block.lengths!);
  const { isAscii, hasInnerNewline } = ref.facts;
  const { filters, keepsLines } = needs.search!;
  const scan: LineScan = {
    filters,
    keepsLines: keepsLines && (block.fields === undefined || needs.fields?.insteadOfLines !== true),
    // A view would take the bytes of its whole GET along.
    stored: new Uint8Array(job.stored),
    part,
    origin: originOf(ref.footer, ref.block, ref.columns.lines),
    spans: lineSpans(ref),
    starts,
    isAscii,
    hasInnerNewline,
  };
  const scanned = await scanner.scan(scan, signal);
  return scanned === undefined ? undefined : scannedBlock(block, starts, scanned);
}

function startsOf(lengths: Uint32Array): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  for (let i = 0; i < lengths.length; i++) starts[i + 1] = starts[i]! + lengths[i]! + 1;
  return starts;
}

function scannedBlock(block: Block, starts: Uint32Array, scanned: ScannedLines): Block {
  const { passing, lines } = scanned;
  if (lines === undefined) return { ...block, passing };
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
  return { ...block, passing, lines: new ByteStrings(bytes, starts, 1) };
}
