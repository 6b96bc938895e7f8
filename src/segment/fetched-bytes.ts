import { giveBack, KiB } from "#base";

/** Of a column; V8 itself holds what is smaller than 64 bytes. */
const columnBytesMin: number = 4 * KiB;

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
