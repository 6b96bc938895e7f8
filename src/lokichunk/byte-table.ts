/**
 * Distinct byte strings with numbers in order of first use. Holds copies; no string is made of them.
 */
import { ByteStrings, hashBytes, sameBytes } from "#columns";
import { copyBytes } from "./byte-writer.ts";

/** For tables in memory; what is stored does not depend on it. */
const tableSeed = 0x10c4;

export class ByteTable {
  count = 0;
  /** String i is bytes[starts[i], starts[i + 1]). Replaced when they grow. */
  bytes: Buffer = Buffer.allocUnsafe(4096);
  starts: Uint32Array = new Uint32Array(257);
  /** Number + 1 by slot; at most half full. */
  #slots = new Uint32Array(512);

  /** The number of from[start, end); a new one when it is new. */
  numberOf(from: Buffer, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    const length = end - start;
    let slot = hashBytes(from, start, end, tableSeed) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]! - 1;
      const at = this.starts[number]!;
      if (this.starts[number + 1]! - at !== length) continue;
      if (sameBytes(this.bytes, at, from, start, length)) return number;
    }
    this.#slots[slot] = this.count + 1;
    this.#append(from, start, end);
    return this.count++;
  }

  #append(from: Buffer, start: number, end: number): void {
    const at = this.starts[this.count]!;
    const needed = at + end - start;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, at);
      this.bytes = grown;
    }
    copyBytes(from, start, end, this.bytes, at);
    if (this.count + 2 > this.starts.length) {
      const starts = new Uint32Array(this.starts.length * 2);
      starts.set(this.starts);
      this.starts = starts;
    }
    this.starts[this.count + 1] = needed;
    if ((this.count + 1) * 2 > this.#slots.length) this.#grow();
  }

  /** The string being added has its slot already. */
  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number <= this.count; number++) {
      const [from, to] = [this.starts[number]!, this.starts[number + 1]!];
      let slot = hashBytes(this.bytes, from, to, tableSeed) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }

  get totalBytes(): number {
    return this.starts[this.count]!;
  }

  strings(): ByteStrings {
    const bytes = this.bytes.subarray(0, this.totalBytes);
    return new ByteStrings(bytes, this.starts.subarray(0, this.count + 1), 0);
  }
}
