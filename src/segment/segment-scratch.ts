/**
 * Memory that building segments needs again and again, kept from one segment to the next. Fresh
 * buffers for each would be 10 MiB of garbage outside of V8's heap per 20 MiB of lines, and V8
 * collects its whole heap for every 64 MiB of that.
 */
import { giveBack, MiB } from "#base";
import { GatheredRows } from "./gathered-rows.ts";
import { SkipScanner } from "./skip-scanner.ts";

/** What a segment in work uses: two blocks that fill, four in compression, one on its way back. */
const keptBuffersMax = 7;
/** A block grows beyond this for lines that are huge: such buffers are not kept. */
const keptBufferBytesMax: number = 2 * MiB;
/** Rows of a larger stream are given back after its segment: 16 bytes each. */
const keptRowsMax = 256 * 1024;

/** Several segments may use one at the same time: what is taken is nobody else's. */
export class SegmentScratch {
  /** Used and left within one turn of the event loop. */
  readonly scanner: SkipScanner = new SkipScanner();
  #rows: GatheredRows | undefined;
  readonly #buffers: Buffer[] = [];

  /** A buffer of at least `bytes`, its content arbitrary. */
  takeBuffer(bytes: number): Buffer {
    const index = this.#buffers.findLastIndex((buffer) => buffer.length >= bytes);
    if (index < 0) return Buffer.allocUnsafeSlow(bytes);
    return this.#buffers.splice(index, 1)[0]!;
  }

  /** Nobody reads or writes `buffer` any more. */
  giveBuffer(buffer: Buffer): void {
    if (buffer.length > keptBufferBytesMax || this.#buffers.length >= keptBuffersMax) return;
    this.#buffers.push(buffer);
  }

  /** Lets go of all that is not taken. */
  clear(): void {
    for (const buffer of this.#buffers) giveBack(buffer);
    this.#buffers.length = 0;
    this.#rows = undefined;
  }

  takeRows(seed: number): GatheredRows {
    const rows = this.#rows ?? new GatheredRows(seed);
    this.#rows = undefined;
    rows.seed = seed;
    return rows;
  }

  /** Nobody reads `rows` any more. */
  giveRows(rows: GatheredRows): void {
    rows.release();
    if (rows.offsets.length <= keptRowsMax) this.#rows = rows;
  }
}
