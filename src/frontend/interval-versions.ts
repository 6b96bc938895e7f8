import { createHash } from "node:crypto";
import { dayOfNs, dayStartNs, type EntryBatch, nsPerDay, type TimeRange } from "#model";
import type { Random } from "#world";

/**
 * Versions of the data of a tenant and time range: as long as the version is the same, so are the
 * entries that queries see. A version that was given once never comes again for other entries, not
 * even after a restart.
 */
export interface DataVersions {
  /** Versions as of now, of any range inside `range`. */
  at(tenants: readonly string[], range: TimeRange): Promise<VersionsAtOnce>;
}

export interface VersionsAtOnce {
  /** Of all the tenants together. */
  of(range: TimeRange): string;
}

/** Something that outlives the process and decides what queries see: a segment, a delete request. */
export interface StoredPart {
  /** A name that is never given again to other contents. */
  readonly key: string;
  /** Entries outside do not depend on it. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

export interface IntervalVersionsOptions {
  readonly random: Random;
  /** What there is of a tenant in a range (more does no harm), as queries would find it now. */
  readonly stored: (tenant: string, range: TimeRange) => Promise<readonly StoredPart[]>;
  /** UTC days of which the head of a tenant holds entries; asked at once, before `stored`. */
  readonly headDays: (tenant: string) => Iterable<number>;
}

/** Entries are told apart by ten minutes: late ones make only what is near them be computed anew. */
const bucketSeconds = 600;
const bucketsPerDay = 86_400 / bucketSeconds;
const nsPerBucket = BigInt(bucketSeconds) * 1_000_000_000n;

/** Two months of one tenant; what is older than that in the head came by an import. */
const bucketsPerTenantMax = 8_192;

/** Some 20 MiB. */
const bucketsMax = 262_144;

/** What the head received of one tenant since the process began. */
interface Touches {
  /** By ten minutes since 1970: number of the last change. */
  readonly byBucket: Map<number, number>;
  /** For buckets that are not in the map: number of the change when they were forgotten, or 0. */
  floor: number;
  /** Number of the newest change. */
  last: number;
}

/**
 * Data is what is stored plus what the head holds. The stored part is known by the names of all
 * that overlaps the range; the head's by a number that grows with each change, together with a
 * random name of this life of the process. Once everything of a day has left the head, only the
 * names of what is stored are left, and these mean the same after a restart.
 *
 * `observe` must be told of every batch that enters the head, accepted or replayed, in the same turn
 * of the event loop: no query may see entries that the version does not know of. Told just before
 * the head takes it, a day that the head does not hold yet begins anew; told just after, what was
 * stored of that day is computed once more than it had to be.
 */
export class IntervalVersions implements DataVersions {
  readonly #options: IntervalVersionsOptions;
  readonly #lifeId: string;
  readonly #tenants = new Map<string, Touches>();
  #changeCount = 0;
  #bucketCount = 0;
  /** Of tenants that are not in the map. */
  #floor = 0;

  constructor(options: IntervalVersionsOptions) {
    this.#options = options;
    this.#lifeId = options.random.bytes(9).toString("base64url");
  }

  /** Grows with every batch of the tenant that was observed. */
  changeNumber(tenant: string): number {
    return this.#tenants.get(tenant)?.last ?? this.#floor;
  }

  observe(tenant: string, batch: EntryBatch): void {
    const touches = this.#touchesOf(tenant);
    const change = ++this.#changeCount;
    touches.last = change;
    const held = new Set(this.#options.headDays(tenant));
    const before = touches.byBucket.size;
    for (const { fromRow, toRow } of batch.streams) {
      touchRows(touches, { secondsOfRow: batch.epochSeconds, fromRow, toRow, change, held });
    }
    this.#bucketCount += touches.byBucket.size - before;
    this.#bound(tenant, touches);
  }

  /** Tenants are kept in the order in which they were last heard of. */
  #touchesOf(tenant: string): Touches {
    let touches = this.#tenants.get(tenant);
    if (touches === undefined) touches = { byBucket: new Map(), floor: this.#floor, last: 0 };
    else this.#tenants.delete(tenant);
    this.#tenants.set(tenant, touches);
    return touches;
  }

  /** Forgetting raises a floor: what was remembered of anything below it is void. */
  #bound(tenant: string, touches: Touches): void {
    if (touches.byBucket.size > bucketsPerTenantMax) {
      this.#bucketCount -= touches.byBucket.size;
      touches.byBucket.clear();
      touches.floor = this.#changeCount;
    }
    for (const [other, { byBucket }] of this.#tenants) {
      if (this.#bucketCount <= bucketsMax || other === tenant) break;
      this.#bucketCount -= byBucket.size;
      this.#tenants.delete(other);
      this.#floor = ++this.#changeCount;
    }
  }

  async at(tenants: readonly string[], range: TimeRange): Promise<VersionsAtOnce> {
    // The head comes first: what leaves it meanwhile is then in both, which is no harm, and
    // never in neither.
    const heads = tenants.map((tenant) => this.#headVersions(tenant, range));
    const stored = await Promise.all(tenants.map((tenant) => this.#storedByDay(tenant, range)));
    return {
      of: (part) =>
        tenants.map((_, i) => `${heads[i]!(part)}:${digestOf(stored[i]!, part)}`).join(" "),
    };
  }

  #headVersions(tenant: string, range: TimeRange): (part: TimeRange) => string {
    const days = new Set(this.#options.headDays(tenant));
    if (days.size === 0) return () => "";
    const touches = this.#tenants.get(tenant);
    const floor = touches?.floor ?? this.#floor;
    const changes: (readonly [bucket: number, change: number])[] = [];
    const whole = bucketsOf(range);
    for (const [bucket, change] of touches?.byBucket ?? []) {
      if (bucket < whole.from || bucket > whole.to) continue;
      if (days.has(Math.floor(bucket / bucketsPerDay))) changes.push([bucket, change]);
    }
    return (part) => {
      const { from, to } = bucketsOf(part);
      let last = floor > 0 && touchesDay(days, part) ? floor : 0;
      for (const [bucket, change] of changes) {
        if (bucket >= from && bucket <= to && change > last) last = change;
      }
      return last === 0 ? "" : `${this.#lifeId}.${last}`;
    };
  }

  async #storedByDay(tenant: string, range: TimeRange): Promise<StoredByDay> {
    const byDay: StoredByDay = new Map();
    for (const part of await this.#options.stored(tenant, range)) {
      if (part.maxNs < range.fromNs || part.minNs >= range.toNs) continue;
      const first = part.minNs > range.fromNs ? part.minNs : range.fromNs;
      const last = part.maxNs < range.toNs ? part.maxNs : range.toNs;
      for (let day = dayOfNs(first); day <= dayOfNs(last); day++) {
        const parts = byDay.get(day);
        if (parts === undefined) byDay.set(day, [part]);
        else parts.push(part);
      }
    }
    return byDay;
  }
}

/** What the head received of a day before it was stored is known by the names of what is stored. */
function forgetDay({ byBucket }: Touches, day: number): void {
  for (let i = 0; i < bucketsPerDay; i++) byBucket.delete(day * bucketsPerDay + i);
}

type StoredByDay = Map<number, StoredPart[]>;

function bucketsOf({ fromNs, toNs }: TimeRange): { from: number; to: number } {
  const bucketOf = (ns: bigint): number => {
    const day = dayOfNs(ns);
    return day * bucketsPerDay + Number((ns - dayStartNs(day)) / nsPerBucket);
  };
  return { from: bucketOf(fromNs), to: bucketOf(toNs - 1n) };
}

function touchesDay(days: ReadonlySet<number>, { fromNs, toNs }: TimeRange): boolean {
  for (const day of days) {
    const startNs = dayStartNs(day);
    if (startNs < toNs && startNs + nsPerDay > fromNs) return true;
  }
  return false;
}

/** Of the names of what overlaps the range; the order in which they were listed does not matter. */
function digestOf(stored: StoredByDay, { fromNs, toNs }: TimeRange): string {
  const keys = new Set<string>();
  for (let day = dayOfNs(fromNs); day <= dayOfNs(toNs - 1n); day++) {
    for (const { key, minNs, maxNs } of stored.get(day) ?? []) {
      if (minNs < toNs && maxNs >= fromNs) keys.add(key);
    }
  }
  if (keys.size === 0) return "";
  const hash = createHash("sha256");
  for (const key of [...keys].sort()) hash.update(`${key}\n`);
  return hash.digest("base64url").slice(0, 22);
}

/** Hot, hence a function for itself: it is compiled as a whole. `held`: days that the head holds. */
function touchRows(
  touches: Touches,
  rows: {
    readonly secondsOfRow: Float64Array;
    readonly fromRow: number;
    readonly toRow: number;
    readonly change: number;
    readonly held: Set<number>;
  },
): void {
  const { secondsOfRow, fromRow, toRow, change, held } = rows;
  let fromSeconds = 1;
  let toSeconds = 0;
  for (let row = fromRow; row < toRow; row++) {
    const seconds = secondsOfRow[row]!;
    if (seconds >= fromSeconds && seconds < toSeconds) continue;
    const bucket = Math.floor(seconds / bucketSeconds);
    fromSeconds = bucket * bucketSeconds;
    toSeconds = fromSeconds + bucketSeconds;
    const day = Math.floor(bucket / bucketsPerDay);
    if (!held.has(day)) forgetDay(touches, day);
    held.add(day);
    touches.byBucket.set(bucket, change);
  }
}
