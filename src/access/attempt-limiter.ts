import { LruMap } from "#base";
import type { Clock } from "#world";

/** Wrong passwords that an address may send in a row; typing errors are fewer. */
const burstMax = 10;
/** One more is allowed every so often: 14,400 a day. */
const refillMs = 6_000;
/** Addresses remembered; the one that failed longest ago is forgotten first. */
const addressesMax = 65_536;

/** Slows down whoever guesses: counts failures by address, an IPv6 network of 64 bits being one. */
export class AttemptLimiter {
  readonly #clock: Clock;
  readonly #debts = new LruMap<string, { readonly count: number; readonly atMs: number }>({
    name: "login_attempts",
    weightMax: addressesMax,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds until the address may try again; 0: now. */
  waitSeconds(address: string): number {
    const after = this.#countOf(placeOf(address)) + 1;
    return after <= burstMax ? 0 : Math.ceil(((after - burstMax) * refillMs) / 1000);
  }

  failed(address: string): void {
    this.#change(address, 1);
  }

  /** Takes back a failure that was counted before the outcome was known. */
  forgive(address: string): void {
    this.#change(address, -1);
  }

  #change(address: string, by: 1 | -1): void {
    const place = placeOf(address);
    const count = Math.max(0, Math.min(burstMax, this.#countOf(place) + by));
    if (count === 0) this.#debts.delete(place);
    else this.#debts.set(place, { count, atMs: this.#clock.monotonicMs() });
  }

  #countOf(place: string): number {
    const debt = this.#debts.get(place);
    if (debt === undefined) return 0;
    return Math.max(0, debt.count - (this.#clock.monotonicMs() - debt.atMs) / refillMs);
  }
}

function placeOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.toLowerCase().split("%")[0]!.split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - last.length) }, () => "0");
  const all = tail === undefined ? groups : [...groups, ...zeros, ...last];
  return all.slice(0, 4).join(":");
}
