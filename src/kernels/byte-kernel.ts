/**
 * The loops of assembly/byte-kernel.ts. Bytes are copied to its memory a part at a time, which the
 * caches hold: that costs less than what the loops save from some kilobytes on.
 */
import { byteKernelBase64 } from "./byte-kernel-binary.ts";
import { instantiate, type KernelGlobal, type KernelMemory } from "./instantiate.ts";

interface Exports {
  readonly memory: KernelMemory;
  readonly room: KernelGlobal;
  readonly roomBytes: KernelGlobal;
  count(length: number, byte: number): number;
}

const stepBytes = 16;

let shared: ByteKernel | undefined;

export class ByteKernel {
  readonly #exports: Exports;
  readonly #room: Uint8Array;

  constructor() {
    this.#exports = instantiate<Exports>(byteKernelBase64);
    const { memory, room, roomBytes } = this.#exports;
    this.#room = new Uint8Array(memory.buffer, room.value, roomBytes.value);
  }

  /** One for all of a thread: its memory is in use only while a function of it runs. */
  static get shared(): ByteKernel {
    shared ??= new ByteKernel();
    return shared;
  }

  /** How often `byte` comes in `bytes`. */
  count(bytes: Uint8Array, byte: number): number {
    const room = this.#room;
    let total = 0;
    const whole = bytes.length - (bytes.length % stepBytes);
    for (let from = 0; from < whole; from += room.length) {
      const to = Math.min(from + room.length, whole);
      room.set(bytes.subarray(from, to));
      total += this.#exports.count(to - from, byte);
    }
    for (let i = whole; i < bytes.length; i++) if (bytes[i] === byte) total++;
    return total;
  }
}
