import type { EntryBatch } from "#model";

/** Accepted entries that patterns were not learned from yet. */
export interface WaitingBatch {
  readonly tenant: string;
  readonly batch: EntryBatch;
  /** Is a day's data in a segment already, with its patterns? */
  readonly isCovered: ((day: number) => boolean) | undefined;
}

/** Batches already done before the list of them is shortened. */
const compactFrom = 1024;

/**
 * Batches in order of arrival and a place in the first one. Whoever takes lines may leave some out:
 * a line then stands for those up to the next one taken.
 */
export class BatchQueue {
  #batches: (WaitingBatch | undefined)[] = [];
  #first = 0;
  #row = 0;
  #rowCount = 0;
  #bytes = 0;

  /** Lines that wait. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /** What the batches keep in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  push(waiting: WaitingBatch): void {
    if (waiting.batch.rowCount === 0) return;
    this.#batches.push(waiting);
    waiting.batch.lease?.hold();
    this.#rowCount += waiting.batch.rowCount;
    this.#bytes += waiting.batch.bytes.length;
  }

  /**
   * Hands over at most `takeMax` lines, `stride` apart, each with the number of lines it stands for.
   * Returns how many it handed over.
   */
  take(
    options: { readonly takeMax: number; readonly stride: number },
    sink: (waiting: WaitingBatch, row: number, weight: number) => void,
  ): number {
    const { takeMax, stride } = options;
    let taken = 0;
    for (; taken < takeMax; taken++) {
      const waiting = this.#batches[this.#first];
      if (waiting === undefined) break;
      const weight = Math.min(stride, this.#rowCount);
      sink(waiting, this.#row, weight);
      this.#advance(weight);
    }
    if (this.#first >= compactFrom) {
      this.#batches = this.#batches.slice(this.#first);
      this.#first = 0;
    }
    return taken;
  }

  #advance(by: number): void {
    this.#row += by;
    this.#rowCount -= by;
    for (;;) {
      const batch = this.#batches[this.#first]?.batch;
      if (batch === undefined || this.#row < batch.rowCount) return;
      this.#row -= batch.rowCount;
      this.#bytes -= batch.bytes.length;
      batch.lease?.letGo();
      this.#batches[this.#first++] = undefined;
    }
  }
}
