/**
 * What the tools for buckets work on: object stores, what Loki's periods say lies in them, and the
 * kinds of objects. Both formats lie side by side and are told apart by their keys alone.
 */
import { parseChunkKey } from "#lokichunk";
import { type IndexTable, parseIndexPath, tableNumberOf } from "#lokiindex";
import type { LokiPeriod, LokiPeriods } from "#lokistore";
import type { ObjectInfo, ObjectStore } from "#objectstore";
import { parseSegmentKey } from "#segment";
import { isStoreError } from "#base";
import type { Clock, Random } from "#world";

/** One object store with what lies in it. */
export interface BucketPlace {
  /** Kind and where, without secrets: `s3 logs`. The same in every run. */
  readonly name: string;
  readonly objects: ObjectStore;
  /** The same by the keys Loki gives its chunks; differs on file systems. */
  readonly logical: ObjectStore;
  /** Periods of Loki's format whose tables lie here. */
  readonly periods: readonly LokiPeriod[];
}

export interface Bucket {
  readonly places: readonly BucketPlace[];
  /** Of all places. */
  readonly periods: LokiPeriods;
  readonly clock: Clock;
  readonly random: Random;
}

/** Which part of a bucket is meant. Days are UTC day numbers, `toDay` is exclusive. */
export interface BucketScope {
  readonly tenants: ReadonlySet<string> | undefined;
  readonly fromDay: number;
  readonly toDay: number;
}

export const wholeBucket: BucketScope = {
  tenants: undefined,
  fromDay: Number.NEGATIVE_INFINITY,
  toDay: Number.POSITIVE_INFINITY,
};

export function hasTenant({ tenants }: BucketScope, tenant: string | undefined): boolean {
  return tenants === undefined || (tenant !== undefined && tenants.has(tenant));
}

export function hasDay({ fromDay, toDay }: BucketScope, day: number): boolean {
  return day >= fromDay && day < toDay;
}

export type ObjectKind = "segment" | "chunk" | "index" | "other";

/** What the key of an object says. */
export interface KnownObject {
  readonly kind: ObjectKind;
  /** Undefined for index files of many tenants and for what is none of the tenants'. */
  readonly tenant: string | undefined;
  /** First and last UTC day with entries; undefined when the key does not say. */
  readonly fromDay: number | undefined;
  readonly throughDay: number | undefined;
  readonly table: string | undefined;
}

const otherObject: KnownObject = {
  kind: "other",
  tenant: undefined,
  fromDay: undefined,
  throughDay: undefined,
  table: undefined,
};

/** `key` as Loki has it. */
export function knownObject(key: string, place: BucketPlace, periods: LokiPeriods): KnownObject {
  for (const pathPrefix of new Set(place.periods.map((period) => period.pathPrefix))) {
    if (!key.startsWith(pathPrefix)) continue;
    const rest = key.slice(pathPrefix.length);
    const table = periods.parseTable(rest.split("/", 1)[0]!, pathPrefix);
    if (table === undefined || !place.periods.includes(table.period)) continue;
    const name = parseIndexPath(key.slice(table.keyPrefix.length));
    const days = { fromDay: table.number, throughDay: table.number };
    const kind = name === undefined ? "other" : "index";
    return { kind, tenant: name?.tenant, ...days, table: table.name };
  }
  // A tenant of Loki may be called v1, too.
  const segment = key.startsWith("v1/") ? knownSegment(key) : undefined;
  if (segment !== undefined) return segment;
  const ref = place.periods.length === 0 ? undefined : parseChunkKey(key)?.ref;
  if (ref === undefined) return otherObject;
  return {
    kind: "chunk",
    tenant: ref.tenant,
    fromDay: tableNumberOf(ref.fromMs),
    throughDay: tableNumberOf(ref.throughMs),
    table: undefined,
  };
}

function knownSegment(key: string): KnownObject | undefined {
  try {
    const { tenant, day } = parseSegmentKey(key);
    return { kind: "segment", tenant, fromDay: day, throughDay: day, table: undefined };
  } catch (error) {
    if (isStoreError(error, "corrupt")) return undefined;
    throw error;
  }
}

export interface BucketObject extends KnownObject {
  readonly place: BucketPlace;
  readonly info: ObjectInfo;
}

/** All objects in the scope, one by one; those without a tenant when none is asked for. */
export async function* objectsOf(
  bucket: Bucket,
  scope: BucketScope,
  signal: AbortSignal,
): AsyncGenerator<BucketObject, void, undefined> {
  for (const place of bucket.places) {
    for (const prefix of prefixesOf(place, scope)) {
      for await (const info of place.logical.list(prefix, { signal })) {
        const known = knownObject(info.key, place, bucket.periods);
        // An index file of many tenants may have something of any of them.
        const isShared = known.kind === "index" && known.tenant === undefined;
        if (!isShared && !hasTenant(scope, known.tenant)) continue;
        if (!touches(scope, known)) continue;
        yield { ...known, place, info };
      }
    }
  }
}

function prefixesOf(place: BucketPlace, { tenants }: BucketScope): string[] {
  if (tenants === undefined) return [""];
  const paths = new Set(place.periods.map((period) => period.pathPrefix));
  const own = place.periods.length === 0 ? [] : [...tenants].map((tenant) => `${tenant}/`);
  return [...own, ...paths, "v1/"];
}

function touches({ fromDay, toDay }: BucketScope, known: KnownObject): boolean {
  if (known.fromDay === undefined || known.throughDay === undefined) {
    return fromDay === Number.NEGATIVE_INFINITY && toDay === Number.POSITIVE_INFINITY;
  }
  return known.fromDay < toDay && known.throughDay >= fromDay;
}

export type BucketTable = IndexTable<LokiPeriod>;

export interface PlacedTable {
  readonly place: BucketPlace;
  readonly table: BucketTable;
}

/** The tables of Loki's format in the scope's days, those of one place in order of days. */
export async function tablesOf(
  bucket: Bucket,
  scope: BucketScope,
  signal: AbortSignal,
): Promise<PlacedTable[]> {
  const found: PlacedTable[] = [];
  for (const place of bucket.places) {
    const tables: PlacedTable[] = [];
    for (const pathPrefix of new Set(place.periods.map((period) => period.pathPrefix))) {
      for (const name of await place.logical.listFolders(pathPrefix, { signal })) {
        const table = bucket.periods.parseTable(name, pathPrefix);
        if (table === undefined || !place.periods.includes(table.period)) continue;
        if (hasDay(scope, table.number)) tables.push({ place, table });
      }
    }
    found.push(...tables.sort((a, b) => a.table.number - b.table.number));
  }
  return found;
}

/** `2026-01-31` of a UTC day number. */
export function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
