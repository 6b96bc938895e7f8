/**
 * How much the way in takes at once. A push counts from its headers to its answer, with the bytes it
 * announces: bodies that are still arriving are memory, too. Beyond the limit it is refused before its
 * body is read. One tenant never gets more than half, so that a flood leaves room for its neighbours.
 */
import { MiB, RequestError } from "#base";
import type { Metrics } from "#telemetry";
import type { Clock } from "#world";
import { PushTurns } from "./push-turns.ts";

/** Of the machine's memory this is small; of what one thread can decode it is seconds. */
export const pushBytesMax: number = 512 * MiB;
/** A thousand agents may push at the same moment; decoding that many takes about a second. */
export const pushesMax = 2048;
/** Counted for a body of unknown length: what agents send at most by default. */
const unknownBytes: number = 1 * MiB;
const retryAfterSeconds = 1;
/**
 * Pushes are decoded one after the other, and those that wait meanwhile wait in the system's buffers,
 * unseen. What is seen is a turn of the event loop that does not end: one that already took so long
 * and so many pushes takes no more, else the last of them would wait for all the others.
 */
const turnMsMax = 1000;
const turnPushesMin = 32;
/**
 * The same for pushes whose bodies arrive side by side: once they take so long, as a moving average,
 * and so many are under way, more would only make all of them later.
 */
const averageMsMax = 3000;
const queuedMin = 64;
/**
 * A tenant that holds less than this part of an even share is not why it is slow: it is let in
 * while there are places.
 */
const quietPart = 4;
/** Weight of the latest push in the average. */
const latestWeight = 0.1;
/** A timer that is due says that a turn has ended. */
const turnCheckMs = 50;

interface Held {
  count: number;
  bytes: number;
}

export class PushAdmission {
  readonly #all: Held = { count: 0, bytes: 0 };
  /** Tenants with a push under way. */
  readonly #byTenant = new Map<string, Held>();
  readonly #refused;
  readonly #clock: Clock;
  /** Who has been let in is decoded in turn. */
  readonly turns: PushTurns;
  #turnFromMs: number;
  #turnPushes = 0;
  #averageMs = 0;
  #cancel: () => void = () => undefined;

  constructor(metrics: Metrics, clock: Clock) {
    this.#clock = clock;
    this.turns = new PushTurns(clock);
    this.#turnFromMs = clock.monotonicMs();
    this.#watch();
    metrics.observe("skald_pushes_in_flight", "Pushes between headers and answer.", () => {
      return this.#all.count;
    });
    metrics.observe(
      "skald_pushes_in_flight_bytes",
      "Bytes that they announced.",
      () => this.#all.bytes,
    );
    this.#refused = metrics.counter(
      "skald_pushes_refused_total",
      "Pushes refused with 503 because too many, or too large ones, were under way.",
    );
  }

  close(): void {
    this.#cancel();
  }

  #watch(): void {
    this.#turnFromMs = this.#clock.monotonicMs();
    this.#turnPushes = 0;
    this.#cancel = this.#clock.schedule(turnCheckMs, () => this.#watch());
  }

  #isTurnFull(): boolean {
    if (++this.#turnPushes <= turnPushesMin) return false;
    return this.#clock.monotonicMs() - this.#turnFromMs > turnMsMax;
  }

  /** Returns what to call once the push is over. Throws RequestError 503 when there is no room. */
  enter(tenant: string, announcedBytes: number | undefined): () => void {
    const held = this.#byTenant.get(tenant) ?? { count: 0, bytes: 0 };
    const isSlow = this.#all.count >= queuedMin && this.#averageMs > averageMsMax;
    const isQuiet = held.count * this.#byTenant.size * quietPart < this.#all.count;
    if ((this.#isTurnFull() || isSlow) && !isQuiet) this.#refuse();
    const fromMs = this.#clock.monotonicMs();
    const bytes = announcedBytes ?? unknownBytes;
    const isFull = isOver(this.#all, bytes, 1) || isOver(held, bytes, 2);
    // Alone, even the largest push has room.
    if (isFull && held.count > 0) this.#refuse();
    if (isFull && this.#all.count >= pushesMax) this.#refuse();
    if (isFull && this.#all.bytes > pushBytesMax) this.#refuse();
    this.#byTenant.set(tenant, held);
    for (const one of [this.#all, held]) {
      one.count++;
      one.bytes += bytes;
    }
    return () => {
      this.#averageMs += (this.#clock.monotonicMs() - fromMs - this.#averageMs) * latestWeight;
      for (const one of [this.#all, held]) {
        one.count--;
        one.bytes -= bytes;
      }
      if (held.count === 0) this.#byTenant.delete(tenant);
    };
  }

  #refuse(): never {
    this.#refused.inc();
    throw new RequestError(503, "too many pushes at once: try again later", { retryAfterSeconds });
  }
}

function isOver({ count, bytes }: Held, more: number, share: number): boolean {
  return count >= pushesMax / share || bytes + more > pushBytesMax / share;
}
