import { KiB } from "#base";

/** Smaller buffers may lie in memory that others share, and are no weight. */
const bytesMin: number = 64 * KiB;

/** Of a column; V8 itself holds what is smaller than 64 bytes. */
const columnBytesMin: number = 4 * KiB;

/** What unpacking takes beyond the raw bytes. */
const slackBytesMax = 16;

/**
 * Gives memory back at once, if the bytes have a buffer to themselves, and nobody reads them any
 * more. Left to the collector, buffers of dead blocks pile up until it looks through the whole heap
 * for them: a third of the time of queries that read a few blocks.
 */
export function giveBack(
  { buffer, byteLength }: ArrayBufferView,
  fromBytes: number = bytesMin,
): void {
  if (byteLength < fromBytes || buffer.byteLength - byteLength > slackBytesMax) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** Columns of a block in typed arrays: never in shared memory, and together as large as its lines. */
export function giveColumnsBack(columns: readonly (ArrayBufferView | undefined)[]): void {
  for (const column of columns) if (column !== undefined) giveBack(column, columnBytesMin);
}

/** Bytes of one GET that nobody else holds; given back when all of its columns are done with. */
export class FetchedBytes {
  readonly bytes: Buffer;
  #columnsLeft: number;
  #isKept = false;

  constructor(bytes: Buffer, columnCount: number) {
    this.bytes = bytes;
    this.#columnsLeft = columnCount;
  }

  /** `isKept`: what was made of the column is a view of its bytes. */
  finishColumn({ isKept }: { readonly isKept: boolean }): void {
    this.#isKept ||= isKept;
    this.#columnsLeft--;
    if (this.#columnsLeft === 0 && !this.#isKept) giveBack(this.bytes);
  }
}
