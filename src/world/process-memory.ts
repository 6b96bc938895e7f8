import { MiB } from "#base";

/** What a process holds and uses, and what it can give back of it. */
export interface ProcessMemory {
  /** Resident pages, bytes. */
  rssBytes(): number;
  /** CPU time of all threads so far, ms. */
  cpuMs(): number;
  /** Memory of buffers outside of V8's heap, garbage included. */
  externalBytes(): number;
  /**
   * Has V8 look for garbage now, beside other work: the main thread stops for some milliseconds at the
   * end of it. Nothing is promised.
   */
  collectSoon(): void;
  /**
   * Collects the heap, where Node was started with `--expose-gc`, and returns what is free then.
   * Nothing else runs meanwhile, some 0.1 to 0.5 s.
   */
  giveBack(): void;
  /** Returns what is free already; some 1 to 40 ms. Nothing where there is no glibc, or no `node:ffi`. */
  trim(): void;
}

/**
 * V8 begins to mark when 64 MiB of buffers came since it last collected, whether they are still there
 * or not. One a little larger does it: its pages are never touched, and it is gone at once.
 */
const promptBytes: number = 96 * MiB;

/** glibc keeps what is freed between pieces in use; only its own function gives that back. */
const libc = "libc.so.6";

export const systemProcessMemory: ProcessMemory = {
  rssBytes: () => process.memoryUsage.rss(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  externalBytes: () => process.memoryUsage().external,
  collectSoon: () => {
    try {
      new ArrayBuffer(promptBytes).transfer(0);
    } catch (error) {
      // No address space for it: V8 then collects when it wants to.
      if (!(error instanceof RangeError)) throw error;
    }
  },
  giveBack: () => {
    // The thorough one: it moves objects together, so that whole pages become free.
    globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    trimMalloc();
  },
  trim: trimMalloc,
};

let trim: (() => void) | undefined;

function trimMalloc(): void {
  trim ??= openTrim();
  trim();
}

function openTrim(): () => void {
  try {
    // Absent from other versions of Node, which a caller may have chosen.
    const ffi = process.getBuiltinModule("node:ffi");
    const { functions } = ffi.dlopen(libc, {
      malloc_trim: { arguments: ["uint64"], return: "int32" },
    });
    return () => {
      functions.malloc_trim(0n);
    };
  } catch {
    return () => undefined;
  }
}
