/**
 * What was migrated, kept beside the segments it became, so that a killed migration goes on where
 * it was and a start of Skald can tell that chunks may be left unread. JSON. Two kinds, by table:
 *
 *     skald/migrated/<table>/<tenant>.json   progress of a tenant, then its figures
 *     skald/migrated/<table>.json            all tenants are done: which index files were read
 *
 * `<table>` is a hash of the object store's place and the table's key prefix. Records can be
 * deleted: then the work is done again, with the same result.
 */
import { createHash } from "node:crypto";
import { isStoreError, StoreError } from "#base";
import { parseIndexPath } from "#lokiindex";
import type { ObjectStore } from "#objectstore";
import type { RowSum } from "./row-sums.ts";

const folder = "skald/migrated/";
const recordVersion = 1;
/** A portion is a line of 200 bytes, an index file a key: a record is far smaller. */
const recordBytesMax = 64 * 1_048_576;

/** A table of Loki's format, wherever it is configured. */
export interface TableIdentity {
  /** Kind and where of its object store. */
  readonly place: string;
  readonly keyPrefix: string;
}

/** A portion whose segment was put, read back and compared. */
export interface MigratedPortion {
  readonly segmentKey: string;
  readonly streams: number;
  readonly lineBytes: number;
  readonly sum: RowSum;
}

export interface TenantRecord {
  readonly tenant: string;
  /** `DayPlan.digest` of what these portions were made from. */
  readonly digest: string;
  /** By number of the portion; null where there were no rows. Complete when `isDone`. */
  readonly portions: readonly (MigratedPortion | null)[];
  /** Keys of segments that an earlier run made from other chunks; deleted before `isDone`. */
  readonly outdated: readonly string[];
  readonly isDone: boolean;
  /** Chunks that could not be read and were left out, as asked. */
  readonly damagedChunks: readonly string[];
}

export interface TableRecord {
  readonly place: string;
  readonly keyPrefix: string;
  readonly day: number;
  readonly tenants: readonly string[];
  /** Every index file the table had. With others, there may be something new. */
  readonly indexKeys: readonly string[];
  readonly entries: number;
}

function tableName({ place, keyPrefix }: TableIdentity): string {
  return createHash("sha256").update(`${place}\0${keyPrefix}`).digest("hex").slice(0, 32);
}

function tenantKey(table: TableIdentity, tenant: string): string {
  // A tenant of dots alone would be taken for a folder step.
  const name = encodeURIComponent(tenant).replaceAll(".", "%2E");
  return `${folder}${tableName(table)}/${name}.json`;
}

function tableKey(table: TableIdentity): string {
  return `${folder}${tableName(table)}.json`;
}

export async function readTenantRecord(
  objects: ObjectStore,
  table: TableIdentity,
  tenant: string,
): Promise<TenantRecord | undefined> {
  const record = await readRecord<TenantRecord>(objects, tenantKey(table, tenant));
  return record !== undefined && isTenantRecord(record) ? record : undefined;
}

export async function writeTenantRecord(
  objects: ObjectStore,
  table: TableIdentity,
  record: TenantRecord,
): Promise<void> {
  await writeRecord(objects, tenantKey(table, record.tenant), record);
}

export async function readTableRecord(
  objects: ObjectStore,
  table: TableIdentity,
): Promise<TableRecord | undefined> {
  const record = await readRecord<TableRecord>(objects, tableKey(table));
  const isSound =
    record !== undefined &&
    isTexts(record.indexKeys) &&
    record.place === table.place &&
    record.keyPrefix === table.keyPrefix;
  return isSound ? record : undefined;
}

export async function writeTableRecord(objects: ObjectStore, record: TableRecord): Promise<void> {
  await writeRecord(objects, tableKey(record), record);
}

function isTenantRecord({ digest, portions, outdated, damagedChunks }: Unread<TenantRecord>) {
  const isSound = typeof digest === "string" && isTexts(outdated) && isTexts(damagedChunks);
  return isSound && Array.isArray(portions) && portions.every(isPortion);
}

function isPortion(value: unknown): boolean {
  if (value === null) return true;
  const { segmentKey, streams, lineBytes, sum } = value as Unread<MigratedPortion>;
  const { count, high, low } = (sum ?? {}) as Unread<RowSum>;
  const numbers = [streams, lineBytes, count, high, low];
  return typeof segmentKey === "string" && numbers.every(Number.isSafeInteger);
}

/** As it came: nobody looked at the members yet. */
type Unread<Value> = { readonly [Name in keyof Value]?: unknown };

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

/** Undefined for what is missing, of another version or no JSON: the work is then done again. */
async function readRecord<Value>(objects: ObjectStore, key: string): Promise<Value | undefined> {
  let text: string;
  try {
    const bytes = await objects.get(key, { range: { from: 0, to: recordBytesMax } });
    text = bytes.toString("utf8");
  } catch (error) {
    if (isStoreError(error, "missing")) return undefined;
    throw error;
  }
  try {
    const value = JSON.parse(text) as { version?: unknown } & Value;
    return value.version === recordVersion ? value : undefined;
  } catch {
    return undefined;
  }
}

async function writeRecord(objects: ObjectStore, key: string, record: object): Promise<void> {
  const text = `${JSON.stringify({ version: recordVersion, ...record })}\n`;
  if (text.length > recordBytesMax) {
    throw new StoreError("full", `${key}: a record of ${text.length} bytes`);
  }
  await objects.put(key, Buffer.from(text));
}

/**
 * Whether everything a table lists was migrated into one of these stores: all index files that it
 * has were read, and every tenant was compared.
 */
export async function isMigrated(
  table: TableIdentity & { readonly indexKeys: readonly string[] },
  into: readonly ObjectStore[],
): Promise<boolean> {
  for (const objects of into) {
    const record = await readTableRecord(objects, table);
    if (record === undefined) continue;
    const known = new Set(record.indexKeys);
    // What is no index file is not read either.
    const isListed = (key: string): boolean =>
      known.has(key) || parseIndexPath(key.slice(table.keyPrefix.length)) === undefined;
    if (table.indexKeys.every(isListed)) return true;
  }
  return false;
}
