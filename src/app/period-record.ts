/**
 * What was said about where data lies, kept next to the data and compared at each start: a schema
 * period with data must not change, or that data would not be read any more, without a word.
 *
 * Two records, JSON both. In every object store that periods name, at `skald/periods.json`, the
 * parts of time whose data lies there. On the local disk, `periods.json` has the same by place, for stores that the configuration no longer names and for buckets that cannot be written to.
 * Loki's keys begin with a tenant and go on with a fingerprint, or with `index/`: nothing of Loki's
 * can have this key.
 */
import { crc32 } from "node:zlib";
import { isStoreError, messageOf, StoreError } from "#base";
import { isMigrated } from "#bucket";
import type { Config } from "#config";
import { dayOfNs, dayStartNs } from "#model";
import type { ObjectStore } from "#objectstore";
import type { SegmentStore } from "#segment";
import type { Logger } from "#telemetry";

const recordKey = "skald/periods.json";
const localKey = "periods.json";
const recordVersion = 1;
/** A record is a few lines per period. */
const recordBytesMax = 1_048_576;

/** A part of time in one object store and how its data is laid out. Days are `2026-01-31`, UTC. */
export interface PeriodPiece {
  readonly from: string;
  /** Exclusive; null: for ever. */
  readonly to: string | null;
  readonly store: "skald" | "tsdb";
  /** Empty for Skald's own store, as it has no use for them. */
  readonly schema: string;
  readonly indexPrefix: string;
  readonly pathPrefix: string;
}

/** An object store that periods name. */
export interface RecordedStore {
  /** Kind and where, without secrets: the same after a restart. Two stores may share it. */
  readonly place: string;
  readonly objects: ObjectStore;
  /** Of Skald's own format; lists what there is. */
  readonly segments: SegmentStore;
  /** What the configuration of now says lies here. */
  readonly pieces: readonly PeriodPiece[];
}

export interface PeriodRecordParts {
  readonly config: Pick<Config, "allowChangedPeriods">;
  readonly stores: readonly RecordedStore[];
  /** A folder on the local disk. */
  readonly local: ObjectStore;
  /** Opens a store of which no period makes use; undefined when the configuration has it not. */
  readonly elsewhere: (place: string) => Promise<RecordedStore | undefined>;
  readonly nowNs: bigint;
  readonly log: Logger;
}

/**
 * Compares, then writes the records anew. Throws StoreError: `denied` when a period with data was
 * changed, with what to do in the text; `unavailable` when a store does not answer.
 */
export async function checkPeriods(parts: PeriodRecordParts): Promise<void> {
  const { config, stores, log } = parts;
  const local = await readLocal(parts.local, log);
  const conflicts: string[] = [];
  const unwritten: RecordedStore[] = [];
  for (const store of stores) {
    const stored = await readStored(store, log);
    const known = [...(stored ?? []), ...(local.get(store.place) ?? [])];
    for (const piece of leftOver(known, store.pieces)) {
      const found = await dataOf(store, piece, stores);
      if (found !== undefined) conflicts.push(`${describe(piece)} in ${store.place} (${found})`);
    }
    if (!samePieces(stored ?? [], store.pieces)) unwritten.push(store);
  }
  const places = new Set(stores.map(({ place }) => place));
  for (const [place, pieces] of local) {
    if (places.has(place)) continue;
    const store = await parts.elsewhere(place);
    for (const piece of pieces) {
      if (piece.from > dayText(parts.nowNs)) continue;
      const found = store === undefined ? "not configured" : await dataOf(store, piece, stores);
      if (found !== undefined) conflicts.push(`${describe(piece)} in ${place} (${found})`);
    }
  }
  if (conflicts.length > 0) refuse([...new Set(conflicts)], config.allowChangedPeriods, log);
  for (const store of unwritten) await writeStored(store, log);
  await writeLocal(parts, local);
}

function refuse(conflicts: readonly string[], isAllowed: boolean, log: Logger): void {
  const what = conflicts.join("; ");
  if (isAllowed) {
    log.warn("schema periods changed: what lies there is not read any more", { what });
    return;
  }
  throw new StoreError(
    "denied",
    `schema_config: there is data that the periods do not lead to any more: ${what}. ` +
      "Put these periods back as they were and add what is new as a period that begins " +
      "tomorrow. To leave that data unread, start once with -skald.allow-changed-periods",
  );
}

function describe(piece: PeriodPiece): string {
  const until = piece.to === null ? "on" : `to ${piece.to}`;
  const layout =
    piece.store === "skald"
      ? "store: skald"
      : `store: tsdb, schema: ${piece.schema}, index.prefix: ${piece.indexPrefix}, ` +
        `index.path_prefix: ${piece.pathPrefix}`;
  return `from ${piece.from} ${until}, ${layout}`;
}

function layoutOf(piece: PeriodPiece): string {
  return JSON.stringify([piece.store, piece.schema, piece.indexPrefix, piece.pathPrefix]);
}

/** Later than all days that can be written with four digits of a year. */
const endOfDays = "9999-12-31";

/** The parts of `known` that no piece of the same layout covers. Days compare as texts. */
export function leftOver(
  known: readonly PeriodPiece[],
  now: readonly PeriodPiece[],
): PeriodPiece[] {
  let left = [...known];
  for (const cover of now) {
    const [from, to] = [cover.from, cover.to ?? endOfDays];
    left = left.flatMap((piece) => {
      const end = piece.to ?? endOfDays;
      if (layoutOf(piece) !== layoutOf(cover) || to <= piece.from || from >= end) return [piece];
      const parts: PeriodPiece[] = [];
      if (piece.from < from) parts.push({ ...piece, to: from });
      if (to < end) parts.push({ ...piece, from: to });
      return parts;
    });
  }
  return left;
}

function samePieces(a: readonly PeriodPiece[], b: readonly PeriodPiece[]): boolean {
  return leftOver(a, b).length === 0 && leftOver(b, a).length === 0;
}

/**
 * What data of a piece there is, in words; undefined when there is none. Tables whose chunks were
 * migrated into segments that `stores` lead to do not count.
 */
async function dataOf(
  store: RecordedStore,
  piece: PeriodPiece,
  stores: readonly RecordedStore[],
): Promise<string | undefined> {
  const fromDay = dayOf(piece.from);
  const toDay = dayOf(piece.to ?? endOfDays);
  if (piece.store === "tsdb") {
    for (const folder of await store.objects.listFolders(piece.pathPrefix)) {
      if (!folder.startsWith(piece.indexPrefix)) continue;
      const number = folder.slice(piece.indexPrefix.length);
      if (!/^\d{5}$/.test(number)) continue;
      if (Number(number) < fromDay || Number(number) >= toDay) continue;
      const keyPrefix = `${piece.pathPrefix}${folder}/`;
      if (!(await wasMigrated(store, keyPrefix, stores))) return `${piece.pathPrefix}${folder}`;
    }
    return undefined;
  }
  for (const tenant of await store.segments.tenants()) {
    const segments = await store.segments.segments(tenant);
    const found = segments.find(({ day }) => day >= fromDay && day < toDay);
    if (found !== undefined) return found.key;
  }
  return undefined;
}

/** Whether segments that can be read have all that a table's index files list. */
async function wasMigrated(
  { place, objects }: RecordedStore,
  keyPrefix: string,
  stores: readonly RecordedStore[],
): Promise<boolean> {
  const number = Number(/(\d{5})\/$/.exec(keyPrefix)?.[1]);
  const native = stores.filter(({ pieces }) =>
    pieces.some((piece) => piece.store === "skald" && hasDay(piece, number)),
  );
  if (native.length === 0) return false;
  const indexKeys: string[] = [];
  for await (const { key } of objects.list(keyPrefix)) indexKeys.push(key);
  const into = native.map((one) => one.objects);
  return isMigrated({ place, keyPrefix, indexKeys }, into);
}

function hasDay({ from, to }: PeriodPiece, number: number): boolean {
  return number >= dayOf(from) && (to === null || number < dayOf(to));
}

function dayOf(text: string): number {
  return dayOfNs(BigInt(Date.parse(`${text}T00:00:00Z`)) * 1_000_000n);
}

/** `2026-01-31` of the day that a time is in. */
export function dayText(ns: bigint): string {
  return new Date(Number(dayStartNs(dayOfNs(ns)) / 1_000_000n)).toISOString().slice(0, 10);
}

async function readStored(store: RecordedStore, log: Logger): Promise<PeriodPiece[] | undefined> {
  const { objects } = store;
  try {
    const range = { from: 0, to: recordBytesMax };
    return parsePieces((await objects.get(recordKey, { range })).toString("utf8"));
  } catch (error) {
    if (isStoreError(error, "missing")) return undefined;
    if (isStoreError(error)) throw error;
    log.warn("the record of schema periods cannot be read", {
      key: recordKey,
      store: store.place,
      reason: messageOf(error),
    });
    return undefined;
  }
}

async function writeStored({ objects, place, pieces }: RecordedStore, log: Logger): Promise<void> {
  const record = { version: recordVersion, crc: crcOf(pieces), periods: pieces };
  const text = `${JSON.stringify(record, undefined, 2)}\n`;
  try {
    await objects.put(recordKey, Buffer.from(text));
  } catch (error) {
    // A bucket that may only be read still answers; the other record is kept.
    if (!isStoreError(error, "denied")) throw error;
    log.warn("the record of schema periods cannot be written", { store: place });
  }
}

type ByPlace = ReadonlyMap<string, readonly PeriodPiece[]>;

async function readLocal(objects: ObjectStore, log: Logger): Promise<ByPlace> {
  try {
    const { places, crc } = JSON.parse((await objects.get(localKey)).toString("utf8")) as {
      places: Record<string, unknown>;
      crc?: unknown;
    };
    checkCrc(crc, places);
    return new Map(Object.entries(places).map(([place, list]) => [place, checkPieces(list)]));
  } catch (error) {
    if (!isStoreError(error, "missing")) {
      const reason = messageOf(error);
      log.warn("the record of schema periods cannot be read", { store: objects.name, reason });
    }
    return new Map();
  }
}

async function writeLocal(
  { stores, local, log }: PeriodRecordParts,
  before: ByPlace,
): Promise<void> {
  const now: ByPlace = new Map(
    [...Map.groupBy(stores, ({ place }) => place)].map(([place, here]) => [
      place,
      here.flatMap(({ pieces }) => pieces),
    ]),
  );
  const isSame =
    before.size === now.size &&
    [...now].every(([place, pieces]) => samePieces(before.get(place) ?? [], pieces));
  if (isSame) return;
  const places = Object.fromEntries(now);
  const record = { version: recordVersion, crc: crcOf(places), places };
  const text = `${JSON.stringify(record, undefined, 2)}\n`;
  try {
    await local.put(localKey, Buffer.from(text));
  } catch (error) {
    if (!isStoreError(error)) throw error;
    const reason = error.message;
    log.warn("the record of schema periods cannot be written", { store: local.name, reason });
  }
}

function parsePieces(text: string): PeriodPiece[] {
  const { periods, crc } = JSON.parse(text) as { periods: unknown; crc?: unknown };
  checkCrc(crc, periods);
  return checkPieces(periods);
}

/** Of the compact text: a flipped bit must not look like data that the periods do not lead to. */
function crcOf(value: unknown): string {
  return crc32(JSON.stringify(value)).toString(16).padStart(8, "0");
}

/** The first records had none. */
function checkCrc(crc: unknown, value: unknown): void {
  if (crc === undefined) return;
  const computed = crcOf(value);
  if (crc !== computed) {
    throw new TypeError(`crc ${JSON.stringify(crc)} expected but ${computed} computed`);
  }
}

const dayPattern = /^\d{4}-\d\d-\d\d$/;

function checkPieces(value: unknown): PeriodPiece[] {
  if (!Array.isArray(value)) throw new TypeError("expected a list of periods");
  return (value as Partial<Record<keyof PeriodPiece, unknown>>[]).map((one) => {
    const isSound =
      [one.schema, one.indexPrefix, one.pathPrefix].every((text) => typeof text === "string") &&
      isDay(one.from) &&
      (one.to === null || isDay(one.to)) &&
      (one.store === "skald" || one.store === "tsdb");
    if (!isSound) throw new TypeError("expected a period");
    return one as PeriodPiece;
  });
}

function isDay(value: unknown): boolean {
  if (typeof value !== "string" || !dayPattern.test(value)) return false;
  return !Number.isNaN(Date.parse(`${value}T00:00:00Z`));
}
