/**
 * How much the way in takes at once. A push counts from its headers to its answer, with the bytes it
 * announces: bodies that are still arriving are memory, too. Beyond the limit, or while those that
 * have arrived already wait for long, it is refused before its body is read. One tenant never gets
 * more than half, so that a flood leaves room for its neighbours.
 */
import { MiB } from "#base";
import type { Clock } from "#world";
import { PushTurns, type PushTurnsOptions, refusedPushes, tooManyPushes } from "./push-turns.ts";

/** Of the machine's memory this is small; of what one thread can decode it is seconds. */
export const pushBytesMax: number = 512 * MiB;
/** A thousand agents may push at the same moment; decoding that many takes about a second. */
export const pushesMax = 2048;
/** Counted for a body of unknown length: what agents send at most by default. */
const unknownBytes: number = 1 * MiB;

/** A body that takes longer comes over a slow line, and says nothing about what comes at once. */
const arrivingMsMax = 1_000;

interface Held {
  count: number;
  bytes: number;
  /** Of those that were let in a moment ago and are still arriving. */
  arrivingBytes: number;
}

/** A push that was let in. */
export interface PushPlace {
  /** Its body is complete: now it waits for its turn, if for anything. */
  readonly arrived: () => void;
  /** It is over. */
  readonly leave: () => void;
}

interface Arriving {
  readonly sinceMs: number;
  readonly arrived: () => void;
}

export class PushAdmission {
  readonly #all: Held = { count: 0, bytes: 0, arrivingBytes: 0 };
  /** Tenants with a push under way. */
  readonly #byTenant = new Map<string, Held>();
  /** Oldest first; bounded by `pushesMax`. */
  readonly #arriving: Arriving[] = [];
  readonly #refused;
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** Who has been let in is decoded in turn. */
  readonly turns: PushTurns;

  constructor(options: PushTurnsOptions) {
    const { clock, metrics } = options;
    this.#clock = clock;
    this.turns = new PushTurns(options);
    metrics.observe("skald_pushes_in_flight", "Pushes between headers and answer.", () => {
      return this.#all.count;
    });
    metrics.observe(
      "skald_pushes_in_flight_bytes",
      "Bytes that they announced.",
      () => this.#all.bytes,
    );
    this.#refused = refusedPushes(metrics);
  }

  /** For a push that is there as a whole. Returns what to call once it is over; throws as `admit`. */
  enter(tenant: string, bytes: number): () => void {
    const place = this.admit(tenant, bytes);
    place.arrived();
    return place.leave;
  }

  /** Throws RequestError 503 when there is no room, or when it would have to wait for too long. */
  admit(tenant: string, announcedBytes: number | undefined): PushPlace {
    const known = this.#byTenant.get(tenant);
    const held = known ?? { count: 0, bytes: 0, arrivingBytes: 0 };
    this.#forgetSlow();
    const arriving = { own: held.arrivingBytes, all: this.#all.arrivingBytes };
    if (this.turns.isTooLong(tenant, arriving)) this.#refuse("queue");
    const bytes = announcedBytes ?? unknownBytes;
    const isFull = isOver(this.#all, bytes, 1) || isOver(held, bytes, 2);
    // Alone, even the largest push has room.
    if (isFull && held.count > 0) this.#refuse("places");
    if (isFull && this.#all.count >= pushesMax) this.#refuse("places");
    if (isFull && this.#all.bytes > pushBytesMax) this.#refuse("places");
    if (known === undefined) this.#byTenant.set(tenant, held);
    return this.#newPlace(tenant, held, bytes);
  }

  #newPlace(tenant: string, held: Held, bytes: number): PushPlace {
    const both = [this.#all, held];
    for (const one of both) {
      one.count++;
      one.bytes += bytes;
      one.arrivingBytes += bytes;
    }
    let isArriving = true;
    const arrived = (): void => {
      if (!isArriving) return;
      isArriving = false;
      for (const one of both) one.arrivingBytes -= bytes;
    };
    this.#arriving.push({ sinceMs: this.#clock.monotonicMs(), arrived });
    return {
      arrived,
      leave: () => {
        arrived();
        for (const one of both) {
          one.count--;
          one.bytes -= bytes;
        }
        if (held.count === 0) this.#byTenant.delete(tenant);
      },
    };
  }

  #forgetSlow(): void {
    const untilMs = this.#clock.monotonicMs() - arrivingMsMax;
    let slow = 0;
    while (slow < this.#arriving.length && this.#arriving[slow]!.sinceMs <= untilMs) {
      this.#arriving[slow++]!.arrived();
    }
    if (slow > 0) this.#arriving.splice(0, slow);
  }

  #refuse(reason: "queue" | "places"): never {
    this.#refused(reason);
    throw tooManyPushes();
  }
}

function isOver({ count, bytes }: Held, more: number, share: number): boolean {
  return count >= pushesMax / share || bytes + more > pushBytesMax / share;
}
