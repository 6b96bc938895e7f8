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

export interface BatchMemoryOptions {
  readonly pooledFromBytes?: number;
  readonly freeBytesMax?: number;
  /** For tests: who reads what it let go of reads nonsense. */
  readonly overwrites?: boolean;
}

/** What pushes are decoded into: buffers that come back when nobody needs the batch any more. */
export class BatchMemory {
  readonly #pooledFromBytes: number;
  readonly #freeBytesMax: number;
  readonly #overwrites: boolean;
  #free: Buffer[] = [];
  #freeBytes = 0;
  /** The least that was free since the last `trim`. */
  #unusedBytes = 0;

  constructor(options: BatchMemoryOptions = {}) {
    this.#pooledFromBytes = options.pooledFromBytes ?? pooledFromBytesDefault;
    this.#freeBytesMax = options.freeBytesMax ?? freeBytesMaxDefault;
    this.#overwrites = options.overwrites ?? false;
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
    let best = -1;
    let bestLength = bytes * wasteMax + stepBytes;
    for (let i = this.#free.length - 1; i >= 0; i--) {
      const { length } = this.#free[i]!;
      if (length < bytes || length >= bestLength) continue;
      best = i;
      bestLength = length;
    }
    if (best < 0) return Buffer.allocUnsafeSlow(Math.ceil(bytes / stepBytes) * stepBytes);
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
      giveBack(buffer);
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
      giveBack(buffer);
    }
    this.#unusedBytes = this.#freeBytes;
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
