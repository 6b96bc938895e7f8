/**
 * Memory under batches, used again. A push of a mebibyte stays in the head for a second or so; left
 * to the collector, such buffers make V8 mark its whole heap for every 64 MiB of them, which took a
 * quarter of all CPU time of ingesting (docs/performance.md).
 */
import { giveBack, KiB, MiB } from "#base";
import type { BatchLease } from "#model";

/** Smaller ones are V8's own business: a pool of them would cost more than it saves. */
const pooledFromBytesDefault: number = 32 * KiB;
/** Buffers are made in steps of this, so that pushes of about the same size can share them. */
const stepBytes: number = 64 * KiB;
/** A buffer is used for less than its size as long as no more than a third is wasted. */
const wasteMax = 1.5;
/** Unused buffers that are kept: what one part of the head gives back when it is written. */
const freeBytesMaxDefault: number = 32 * MiB;
/** Of more buffers looking for one that fits would cost more than making one. */
const freeBuffersMax = 512;
/** Larger ones are rare and not kept. */
const keptBufferBytesMax: number = 8 * MiB;
/** From 32 MiB on malloc always asks the system for fresh pages, which take no room before they are written. */
const reservePieceBytes: number = 33 * MiB;

export interface BatchMemoryOptions {
  readonly pooledFromBytes?: number;
  readonly freeBytesMax?: number;
  /**
   * What is made first counts as made already, in pieces of 33 MiB that take address space but no
   * memory: V8 marks its whole heap when buffers have grown by 64 MiB since it last did, which would
   * be in the first moments of every burst. 0 when omitted.
   */
  readonly reserveBytes?: number;
  /** For tests: who reads what it let go of reads nonsense. */
  readonly overwrites?: boolean;
}

/** What pushes are decoded into: buffers that come back when nobody needs the batch any more. */
export class BatchMemory {
  readonly #pooledFromBytes: number;
  readonly #freeBytesMax: number;
  readonly #overwrites: boolean;
  readonly #reserveBytes: number;
  readonly #reserve: Buffer[] = [];
  /** Of pooled buffers, in use and free; those that never come back until the pool has rested. */
  #madeBytes = 0;
  #isResting = true;
  #free: Buffer[] = [];
  #freeBytes = 0;
  /** The least that was free since the last `trim`. */
  #unusedBytes = 0;

  constructor(options: BatchMemoryOptions = {}) {
    this.#pooledFromBytes = options.pooledFromBytes ?? pooledFromBytesDefault;
    this.#freeBytesMax = options.freeBytesMax ?? freeBytesMaxDefault;
    this.#overwrites = options.overwrites ?? false;
    this.#reserveBytes = options.reserveBytes ?? 0;
    this.#keepReserve();
  }

  /** Bytes of address space that stand in for buffers yet to be made. */
  get reservedBytes(): number {
    return this.#reserve.length * reservePieceBytes;
  }

  /** Bytes of the buffers that wait for their next use. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  lease(): BatchBuffers {
    return new BatchBuffers(this);
  }

  /** At least `bytes`, in an ArrayBuffer of its own from offset 0, its content arbitrary. */
  take(bytes: number): Buffer {
    if (bytes < this.#pooledFromBytes) return Buffer.allocUnsafeSlow(bytes);
    this.#isResting = false;
    let best = -1;
    let bestLength = bytes * wasteMax + stepBytes;
    for (let i = this.#free.length - 1; i >= 0; i--) {
      const { length } = this.#free[i]!;
      if (length < bytes || length >= bestLength) continue;
      best = i;
      bestLength = length;
    }
    if (best < 0) return this.#make(Math.ceil(bytes / stepBytes) * stepBytes);
    const found = this.#free[best]!;
    const last = this.#free.pop()!;
    if (last !== found) this.#free[best] = last;
    this.#freeBytes -= found.length;
    this.#unusedBytes = Math.min(this.#unusedBytes, this.#freeBytes);
    return found;
  }

  /** Nobody reads or writes `buffer` any more. */
  give(buffer: Buffer): void {
    if (this.#overwrites) buffer.fill(0xdd);
    const { length } = buffer;
    if (length < this.#pooledFromBytes) return;
    const isMuch = this.#freeBytes + length > this.#freeBytesMax;
    if (isMuch || length > keptBufferBytesMax || this.#free.length >= freeBuffersMax) {
      this.#letGo(buffer);
      return;
    }
    this.#free.push(buffer);
    this.#freeBytes += length;
  }

  /** Lets go of what was not needed since the last call: nobody pushes, or less than before. */
  trim(): void {
    while (this.#unusedBytes > 0) {
      const buffer = this.#free.pop();
      if (buffer === undefined) break;
      this.#freeBytes -= buffer.length;
      this.#unusedBytes -= buffer.length;
      this.#letGo(buffer);
    }
    this.#unusedBytes = this.#freeBytes;
    // What is out for so long is kept by a reader, who may leave it to the collector.
    if (this.#isResting && this.#freeBytes === 0) this.#madeBytes = 0;
    this.#isResting = true;
    this.#keepReserve();
  }

  #make(bytes: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    this.#madeBytes += bytes;
    this.#keepReserve();
    return buffer;
  }

  #letGo(buffer: Buffer): void {
    this.#madeBytes = Math.max(0, this.#madeBytes - buffer.length);
    giveBack(buffer);
    this.#keepReserve();
  }

  /** Pieces leave after others were made, and come back after others have left: the sum hardly moves. */
  #keepReserve(): void {
    const pieces = Math.max(
      0,
      Math.floor((this.#reserveBytes - this.#madeBytes) / reservePieceBytes),
    );
    while (this.#reserve.length > pieces) giveBack(this.#reserve.pop()!);
    try {
      while (this.#reserve.length < pieces) {
        this.#reserve.push(Buffer.allocUnsafeSlow(reservePieceBytes));
      }
    } catch (error) {
      // Where address space is short, it goes without: it only saves time.
      if (!(error instanceof RangeError)) throw error;
    }
  }
}

/** The buffers of one push. Whoever made it holds it first. */
export class BatchBuffers implements BatchLease {
  readonly #memory: BatchMemory;
  readonly #buffers: Buffer[] = [];
  #holders = 1;

  constructor(memory: BatchMemory) {
    this.#memory = memory;
  }

  /** At least `bytes` that belong to the push until everybody has let go. */
  take(bytes: number): Buffer {
    const buffer = this.#memory.take(bytes);
    this.#buffers.push(buffer);
    return buffer;
  }

  hold(): void {
    this.#holders++;
  }

  letGo(): void {
    if (--this.#holders > 0) return;
    for (const buffer of this.#buffers) this.#memory.give(buffer);
    this.#buffers.length = 0;
  }
}
