/** What the scripts beside this one measure with: durations, memory, stalls of the event loop. */
import { MiB } from "#base";
import type { Matcher, MatchOp } from "#model";
import { compileRegex } from "#regex";
import { newReadCounters, type ReadOptions } from "#storage";

export function readOptions(): ReadOptions {
  return {
    signal: new AbortController().signal,
    counters: newReadCounters(),
    warn: (message) => console.log("warning", message),
  };
}

export function matcher(name: string, op: MatchOp, value: string): Matcher {
  if (op === "=") return { name, op, value, test: (text) => text === value };
  const regex = compileRegex(value, { anchored: true });
  return { name, op, value, test: (text) => regex.test(text) };
}

/** Runs it, prints how long it took, how long the event loop stood still, and what came out. */
export async function timed<T>(
  what: string,
  run: () => Promise<T> | T,
  describe: (result: T) => string = () => "",
): Promise<T> {
  globalThis.gc?.();
  const heapBefore = heldBytes();
  const stalls = new StallMeter();
  const from = performance.now();
  const result = await run();
  const ms = performance.now() - from;
  const stallMs = await stalls.end();
  globalThis.gc?.();
  const grown = ((heldBytes() - heapBefore) / MiB).toFixed(1);
  const figures = `${ms.toFixed(1).padStart(9)} ms  stall ${stallMs.toFixed(0).padStart(5)} ms`;
  console.log(`${what.padEnd(44)} ${figures}  kept ${grown.padStart(7)} MiB  ${describe(result)}`);
  return result;
}

/** Memory of the heap and of buffers outside it. */
export function heldBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Longest time between two turns of the event loop. */
export class StallMeter {
  maxMs = 0;
  #last = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#note(), 5);
  }

  #note(): void {
    const now = performance.now();
    this.maxMs = Math.max(this.maxMs, now - this.#last - 5);
    this.#last = now;
  }

  /** Ends measuring; the longest stall, in ms. */
  async end(): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#note();
    clearInterval(this.#timer);
    return Math.max(0, this.maxMs);
  }
}
