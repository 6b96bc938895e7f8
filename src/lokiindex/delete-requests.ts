/**
 * Loki's database of delete requests, unpacked, in either of its two forms. Requests that are not
 * processed yet must be applied to answers: without them lines come back that Loki hides.
 */
import { DatabaseSync } from "node:sqlite";
import { messageOf, StoreError } from "#base";
import { type BoltPair, readBoltBucket } from "./bolt-file.ts";

/** Where Loki keeps the database, below the path prefix of the index; gzip in both forms. */
export const deleteRequestKeys: readonly string[] = [
  "delete_requests/delete_requests.gz",
  "delete_requests/delete_requests.sqlite.gz",
];

/** One request, or one piece of a request that Loki cut by time. */
export interface LokiDeleteRequest {
  readonly tenant: string;
  readonly id: string;
  /** 0 for the first or only piece. */
  readonly sequence: number;
  readonly status: "received" | "processed";
  readonly createdMs: number;
  /** Both ends inclusive. */
  readonly startMs: number;
  readonly endMs: number;
  /** LogQL. */
  readonly query: string;
}

const sqliteMagic = "SQLite format 3\0";

/**
 * Requests of one tenant, or of all, by creation, id and sequence. StoreError corrupt naming `key`;
 * a database whose records make no sense is damaged as a whole, for hiding too little is worse.
 */
export function readDeleteRequests(
  key: string,
  database: Buffer,
  tenant?: string,
): LokiDeleteRequest[] {
  const isSqlite = database.subarray(0, sqliteMagic.length).toString("latin1") === sqliteMagic;
  const all = isSqlite ? requestsOfSqlite(key, database) : requestsOfBolt(key, database);
  return all
    .filter((request) => tenant === undefined || request.tenant === tenant)
    .sort(
      (a, b) =>
        a.createdMs - b.createdMs ||
        (a.id < b.id ? -1 : a.id > b.id ? 1 : 0) ||
        a.sequence - b.sequence,
    );
}

function requestsOfBolt(key: string, database: Buffer): LokiDeleteRequest[] {
  const pairs = readBoltBucket(key, database, "index");
  const statuses = new Map<string, string>();
  const requests: LokiDeleteRequest[] = [];
  for (const pair of pairs) {
    const { hash, range } = splitKey(key, pair);
    if (hash === "1") statuses.set(range, pair.value.toString());
  }
  for (const pair of pairs) {
    const { hash, range } = splitKey(key, pair);
    if (!hash.startsWith("2:")) continue;
    const name = hash.slice(2);
    // The status is written with the request; one without it was never accepted.
    const status = statuses.get(name);
    if (status === undefined) continue;
    if (status !== "received" && status !== "processed") {
      throw new StoreError("corrupt", `${key}: expected a status of ${name}, found "${status}"`);
    }
    requests.push({
      ...parseName(key, name),
      status,
      ...parseTimes(key, range),
      query: pair.value.toString(),
    });
  }
  return requests;
}

/** Hash and range, separated by a zero byte. */
function splitKey(key: string, pair: BoltPair): { hash: string; range: string } {
  const at = pair.key.indexOf(0);
  if (at < 0) {
    const text = `expected hash, zero, range, found "${pair.key.toString()}"`;
    throw new StoreError("corrupt", `${key}: ${text}`);
  }
  return { hash: pair.key.toString("utf8", 0, at), range: pair.key.toString("utf8", at + 1) };
}

/** `<tenant>:<id>` or `<tenant>:<id>:<sequence>`; no tenant's name has a colon. */
function parseName(key: string, name: string): { tenant: string; id: string; sequence: number } {
  const match = /^([^:]+):([^:]+)(?::(\d{1,9}))?$/.exec(name);
  if (match === null) {
    throw new StoreError("corrupt", `${key}: expected tenant:id[:sequence], found "${name}"`);
  }
  return { tenant: match[1]!, id: match[2]!, sequence: Number(match[3] ?? 0) };
}

/** `<created>:<start>:<end>`, hexadecimal ms. */
function parseTimes(
  key: string,
  range: string,
): { createdMs: number; startMs: number; endMs: number } {
  const match = /^(-?[0-9a-f]{1,13}):(-?[0-9a-f]{1,13}):(-?[0-9a-f]{1,16})$/.exec(range);
  if (match === null) {
    throw new StoreError("corrupt", `${key}: expected created:start:end, found "${range}"`);
  }
  const [createdMs, startMs, endMs] = match.slice(1).map((hex) => Number.parseInt(hex, 16));
  return { createdMs: createdMs!, startMs: startMs!, endMs: endMs! };
}

interface SqliteRow {
  readonly id: string;
  readonly user_id: string;
  readonly created_at: number;
  readonly completed_at: number | null;
  readonly start_time: number;
  readonly end_time: number;
  readonly query: string;
}

/** Opened from memory: nothing is written anywhere. */
function requestsOfSqlite(key: string, database: Buffer): LokiDeleteRequest[] {
  const opened = new DatabaseSync(":memory:", { allowExtension: false });
  try {
    opened.deserialize(database);
    // A view of that name could keep us computing.
    const named = opened.prepare("SELECT type FROM sqlite_schema WHERE name = 'requests'").get();
    if (named?.["type"] !== "table") {
      throw new StoreError("corrupt", "expected a table of requests");
    }
    const statement = opened.prepare(
      "SELECT id, user_id, created_at, completed_at, start_time, end_time, query FROM requests",
    );
    return (statement.all() as unknown as SqliteRow[]).map((row) => ({
      tenant: String(row.user_id),
      id: String(row.id),
      sequence: 0,
      status: (row.completed_at ?? 0) === 0 ? "received" : "processed",
      createdMs: Number(row.created_at),
      startMs: Number(row.start_time),
      endMs: Number(row.end_time),
      query: String(row.query),
    }));
  } catch (error) {
    throw new StoreError("corrupt", `${key}: no database of delete requests: ${messageOf(error)}`);
  } finally {
    opened.close();
  }
}
