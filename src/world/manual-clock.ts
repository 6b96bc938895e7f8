import type { Clock } from "./clock.ts";
import { sleepBy } from "./system-clock.ts";

/** A clock that stands still until told to move, for tests and simulation. */
export class ManualClock implements Clock {
  #nowNs: bigint;
  #elapsedMs = 0;
  #order = 0;
  #pending: { dueMs: number; order: number; task: () => void }[] = [];

  constructor(options: { nowMs: number } | { nowNs: bigint }) {
    this.#nowNs = "nowNs" in options ? options.nowNs : BigInt(options.nowMs) * 1_000_000n;
  }

  /** How many scheduled tasks and sleepers wait. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  nowNs(): bigint {
    return this.#nowNs;
  }

  nowMs(): number {
    return Number(this.#nowNs / 1_000_000n);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepBy((delay, task) => this.schedule(delay, task), delayMs, signal);
  }

  schedule(delayMs: number, task: () => void): () => void {
    const entry = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, task };
    this.#pending.push(entry);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== entry);
    };
  }

  /** Sets the wall clock as an operator would; what is scheduled does not move. */
  setWallMs(nowMs: number): void {
    this.#nowNs = BigInt(nowMs) * 1_000_000n;
  }

  /** Moves time and runs what comes due, in order, at its own time. */
  advance(deltaMs: number): void {
    const targetMs = this.#elapsedMs + deltaMs;
    while (this.#runNext(targetMs)) {
      // Each step may schedule more that is due within the same advance.
    }
    this.#moveTo(targetMs);
  }

  /** As `advance`, but after each step lets all promises that became ready run on. */
  async advanceAndSettle(deltaMs: number): Promise<void> {
    const targetMs = this.#elapsedMs + deltaMs;
    do {
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#runNext(targetMs));
    this.#moveTo(targetMs);
  }

  #runNext(targetMs: number): boolean {
    let next = this.#pending[0];
    for (const entry of this.#pending) {
      if (next === undefined || entry.dueMs < next.dueMs) next = entry;
      else if (entry.dueMs === next.dueMs && entry.order < next.order) next = entry;
    }
    if (next === undefined || next.dueMs > targetMs) return false;
    this.#pending = this.#pending.filter((other) => other !== next);
    this.#moveTo(next.dueMs);
    next.task();
    return true;
  }

  #moveTo(elapsedMs: number): void {
    this.#nowNs += BigInt(Math.round((elapsedMs - this.#elapsedMs) * 1e6));
    this.#elapsedMs = elapsedMs;
  }
}
