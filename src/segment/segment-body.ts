/** A segment as one body for a put, some of it on disk. */
import assert from "node:assert";
import type { ObjectBody, StoredBody } from "#objectstore";
import type { BuiltSegment } from "./build-segment.ts";

/**
 * Takes the stored lines of a segment under construction, block by block, and keeps them for its put:
 * on disk, so that they are not in memory.
 */
export interface LineSpool extends StoredBody {
  /** `bytes` is the spool's from now on, which gives their memory back. */
  append(bytes: Buffer): Promise<void>;
}

/** What a put takes, whether there was a spool or not; good until the spool is closed. */
export function bodyOf({ parts, spooled, sizeBytes }: BuiltSegment): ObjectBody {
  if (spooled === undefined) return parts;
  // The header lies before the lines, everything else behind them.
  const body = new PiecedBody([parts[0]!, spooled, ...parts.slice(1)]);
  assert.equal(body.sizeBytes, sizeBytes, "a piece of the segment is missing");
  return body;
}

type Piece = Uint8Array | StoredBody;

function bytesOf(piece: Piece): number {
  return "sizeBytes" in piece ? piece.sizeBytes : piece.length;
}

/** Pieces one behind the other, read by position. */
export class PiecedBody implements StoredBody {
  readonly sizeBytes: number;
  readonly #pieces: readonly Piece[];
  /** Where each piece begins, and where the last one ends. */
  readonly #starts: Float64Array;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
    this.#starts = new Float64Array(pieces.length + 1);
    for (const [at, piece] of pieces.entries()) {
      this.#starts[at + 1] = this.#starts[at]! + bytesOf(piece);
    }
    this.sizeBytes = this.#starts[pieces.length]!;
  }

  async read({ from, to }: { readonly from: number; readonly to: number }): Promise<Buffer> {
    assert(from <= to && to <= this.sizeBytes, `bytes ${from} to ${to} of ${this.sizeBytes}`);
    let at = this.#pieceAt(from);
    const alone = this.#pieces[at];
    const start = this.#starts[at]!;
    if (alone !== undefined && "sizeBytes" in alone && to <= start + alone.sizeBytes) {
      return alone.read({ from: from - start, to: to - start });
    }
    const target = Buffer.allocUnsafeSlow(to - from);
    for (let filled = 0; filled < target.length; at++) {
      const piece = this.#pieces[at]!;
      const pieceFrom = from + filled - this.#starts[at]!;
      const pieceTo = Math.min(bytesOf(piece), to - this.#starts[at]!);
      const range = { from: pieceFrom, to: pieceTo };
      const bytes =
        "sizeBytes" in piece ? await piece.read(range) : piece.subarray(pieceFrom, pieceTo);
      target.set(bytes, filled);
      filled += pieceTo - pieceFrom;
    }
    return target;
  }

  /** The last piece that begins at or before a position. */
  #pieceAt(position: number): number {
    let [low, high] = [0, this.#pieces.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= position) low = middle;
      else high = middle;
    }
    return low;
  }
}
