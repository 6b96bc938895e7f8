/** The lengths of a block's lines: unpacked column → lengths of the rows of picked runs. Pure. */
import { unpackUint32s } from "#columns";
import type { ByteReader } from "./byte-reader.ts";
import { blockRowsMax } from "./limits.ts";

/** Rows [fromRow, toRow) of the stored block, which become rows from `outRow` on. */
export interface LengthSpan {
  readonly run: number;
  readonly fromRow: number;
  readonly toRow: number;
  readonly outRow: number;
  /** What their lengths must come to, by the directory. */
  readonly lineBytes: number;
}

export interface LengthShape {
  readonly spans: readonly LengthSpan[];
  /** Of the block as it is stored, and of the picked runs. */
  readonly storedRows: number;
  readonly rowCount: number;
}

/** StoreError `corrupt` when they do not add up to what the directory says. */
export function decodeLengths(reader: ByteReader, shape: LengthShape): Uint32Array {
  const limits = { countMax: blockRowsMax, count: shape.storedRows, widthMax: 4 };
  const packed = reader.packed(limits);
  reader.end();
  const out = new Uint32Array(shape.rowCount);
  for (const { run, fromRow, toRow, outRow, lineBytes } of shape.spans) {
    const lengths = unpackUint32s(packed, fromRow, toRow);
    const sum = sumOf(lengths);
    if (sum !== lineBytes) {
      throw reader.corrupt(`run ${run} has ${lineBytes} line bytes but lengths of ${sum}`);
    }
    out.set(lengths, outRow);
  }
  return out;
}

function sumOf(lengths: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < lengths.length; i++) sum += lengths[i]!;
  return sum;
}

/** Where lines of these lengths start, each with a newline behind it. */
export function startsOfLines(lengths: Uint32Array): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  let at = 0;
  for (let i = 0; i < lengths.length; i++) {
    at += lengths[i]! + 1;
    starts[i + 1] = at;
  }
  return starts;
}
