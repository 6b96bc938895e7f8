/**
 * Unpacking and searching the lines of one block as a piece of work that can be done elsewhere:
 * plain data goes in, plain data comes out, nothing is shared. Pure.
 */
import { giveBack } from "#base";
import { ByteStrings } from "#columns";
import { type ByteOrigin, ByteReader } from "./byte-reader.ts";
import { type StoredPart, unpackPartNow } from "./compression.ts";
import { decodeLengths, type LengthShape, startsOfLines } from "./lengths-column.ts";

/** A column as it is stored, and what the directory says about it. Plain data. */
export interface StoredColumn {
  /** Nobody else's. */
  readonly stored: Uint8Array;
  readonly part: StoredPart;
  readonly origin: ByteOrigin;
}

/** Plain data. */
export interface LineScan {
  /** `LineSearch.filters` of the waist. */
  readonly filters: string;
  readonly keepsLines: boolean;
  readonly lines: StoredColumn;
  /** Unpacked only when some line may pass; or lengths as they were decoded before. */
  readonly lengths: StoredColumn | Uint32Array;
  readonly lengthShape: LengthShape;
  /** Pairs from, to: where the lines that are meant lie in the raw column. */
  readonly spans: readonly number[];
  readonly isAscii: boolean;
  readonly hasInnerNewline: boolean;
}

export interface ScannedLines {
  /** A byte per line, 1 for those that pass; undefined when none does. */
  readonly passing: Uint8Array | undefined;
  /** The lines that are meant and where they start, if some pass and lines are kept. */
  readonly lines: Uint8Array | undefined;
  readonly starts: Uint32Array | undefined;
}

/** Who does such work beside the main thread. */
export interface LineScanner {
  /** Pieces worth being under way at a time. */
  readonly scansAtOnce: number;
  /** Says that work is coming. False: nobody is there yet, or never; the caller does it itself. */
  prepare(): boolean;
  /**
   * StoreError `corrupt` as `unpackPart` says. Undefined when whoever did it was lost: the caller
   * then does it itself, with bytes of its own.
   */
  scan(scan: LineScan, signal: AbortSignal): Promise<ScannedLines | undefined>;
}

export type LineFacts = Pick<LineScan, "isAscii" | "hasInnerNewline">;

export interface LineSearcher {
  /** False when no line can pass: then nobody needs to know where lines start. */
  mayPass(lines: Buffer): boolean;
  passing(lines: ByteStrings, facts: LineFacts): Uint8Array;
}

const nonePass: ScannedLines = { passing: undefined, lines: undefined, starts: undefined };

/** Does one piece; its stored bytes are gone then. StoreError `corrupt`. */
export function scanLines(scan: LineScan, search: LineSearcher): ScannedLines {
  const raw = unpacked(scan.lines);
  const lines = joinSpans(raw, scan.spans);
  let result = nonePass;
  if (search.mayPass(lines)) {
    const { lengths, lengthShape } = scan;
    const starts = startsOfLines(
      lengths instanceof Uint32Array
        ? lengths
        : decodeLengths(new ByteReader(unpacked(lengths), lengths.origin), lengthShape),
    );
    const passing = search.passing(new ByteStrings(lines, starts, 1), scan);
    const isKept = scan.keepsLines ? { lines, starts } : { lines: undefined, starts: undefined };
    if (passing.includes(1)) result = { passing, ...isKept };
  }
  const isKept = result.lines !== undefined;
  if (!isKept || lines.buffer !== raw.buffer) giveBack(raw);
  if (!isKept) giveBack(lines);
  return result;
}

/** The stored bytes are given back, unless they are the raw ones. */
function unpacked({ stored, part, origin }: StoredColumn): Buffer {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const raw = unpackPartNow(bytes, part, origin);
  if (raw.buffer !== bytes.buffer) giveBack(bytes);
  return raw;
}

/** Neighbouring spans stay where they are; only a selection with holes is copied together. */
export function joinSpans(raw: Buffer, spans: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < spans.length; ) {
    const from = spans[i]!;
    let to = spans[i + 1]!;
    for (i += 2; i < spans.length && spans[i] === to; i += 2) to = spans[i + 1]!;
    parts.push(raw.subarray(from, to));
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
