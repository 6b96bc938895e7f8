/**
 * Unpacking and searching the lines of one block as a piece of work that can be done elsewhere:
 * plain data goes in, plain data comes out, nothing is shared. Pure.
 */
import { KiB } from "#base";
import { ByteStrings } from "#columns";
import type { ByteOrigin } from "./byte-reader.ts";
import { type StoredPart, unpackPartNow } from "./compression.ts";

/** Plain data. `stored` and `starts` are nobody else's. */
export interface LineScan {
  /** `LineSearch.filters` of the waist. */
  readonly filters: string;
  readonly keepsLines: boolean;
  /** The lines column as it is stored, and what the directory says about it. */
  readonly stored: Uint8Array;
  readonly part: StoredPart;
  readonly origin: ByteOrigin;
  /** Pairs from, to: where the lines that are meant lie in the raw column. */
  readonly spans: readonly number[];
  /** Of the lines that are meant, one behind the other. */
  readonly starts: Uint32Array;
  readonly isAscii: boolean;
  readonly hasInnerNewline: boolean;
}

export interface ScannedLines {
  /** A byte per line, 1 for those that pass. */
  readonly passing: Uint8Array;
  /** The lines that are meant, if some pass and lines are kept. */
  readonly lines: Uint8Array | undefined;
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

export type LineSearcher = (
  lines: ByteStrings,
  facts: Pick<LineScan, "isAscii" | "hasInnerNewline">,
) => Uint8Array;

/** Does one piece. StoreError `corrupt`. */
export function scanLines(scan: LineScan, search: LineSearcher): ScannedLines {
  const { stored, part, origin, spans, starts } = scan;
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const raw = unpackPartNow(bytes, part, origin);
  const lines = joinSpans(raw, spans);
  const passing = search(new ByteStrings(lines, starts, 1), scan);
  const isKept = scan.keepsLines && passing.includes(1);
  if (!isKept || lines.buffer !== raw.buffer) release(raw);
  if (!isKept) release(lines);
  return { passing, lines: isKept ? lines : undefined };
}

/** Smaller buffers may lie in memory that others share. */
const ownBytesMin: number = 128 * KiB;

/** Gives memory back at once: the collector would let very much of it pile up on each thread. */
function release({ buffer, length }: Buffer): void {
  if (length >= ownBytesMin && buffer instanceof ArrayBuffer) buffer.transfer(0);
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
