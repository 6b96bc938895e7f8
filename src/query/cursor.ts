import xxhash from "xxhash-wasm";
import { RequestError } from "#base";
import { type Expr, printExpr } from "#logql";
import type { TimeRange } from "#model";
import type { QueryRequest } from "./engine.ts";
import type { Direction } from "./read-order.ts";

/**
 * Where the next page of a log query goes on. Clients get it as opaque text:
 *
 *     "1" base64url(JSON) "." check (8 hexadecimal digits of XXH32 over all before it)
 *
 * The JSON is a list: query, direction, from, to, time, tenant, fingerprint, hash or "" (times in
 * decimal ns, 64-bit values in hexadecimal). `query` is a hash of the printed query and the tenants.
 */
export interface Cursor {
  /** All pages cover the range of the first. */
  readonly range: TimeRange;
  /** The last group that was given. */
  readonly timeNs: bigint;
  readonly tenant: string;
  readonly fingerprint: bigint;
  /** Set when only a part of the group was given: up to this hash, in order of hashes. */
  readonly hash: bigint | undefined;
}

export interface PagedQuery {
  readonly expr: Expr;
  readonly tenants: readonly string[];
  readonly direction: Direction;
}

/** Longer texts are no cursor of ours: names of tenants are 150 characters at most. */
const cursorLengthMax = 1024;

const version = "1";
const hasher = await xxhash();

export function writeCursor(cursor: Cursor, query: PagedQuery): string {
  const { range, timeNs, tenant, fingerprint, hash } = cursor;
  const fields = [
    queryHash(query),
    query.direction,
    String(range.fromNs),
    String(range.toNs),
    String(timeNs),
    tenant,
    fingerprint.toString(16),
    hash?.toString(16) ?? "",
  ];
  const text = version + Buffer.from(JSON.stringify(fields)).toString("base64url");
  return `${text}.${checkOf(text)}`;
}

/** Throws RequestError 400 for a text that is damaged, or belongs to another query. */
export function readCursor(text: string, query: PagedQuery): Cursor {
  const fields = fieldsOf(text);
  const [hash, direction, fromNs, toNs, timeNs, tenant, fingerprint, entryHash] = fields;
  if (hash !== queryHash(query)) {
    throw new RequestError(400, "invalid cursor: it belongs to another query or tenant");
  }
  if (direction !== query.direction) {
    throw new RequestError(400, `invalid cursor: it reads ${direction}, not ${query.direction}`);
  }
  return {
    range: { fromNs: BigInt(fromNs!), toNs: BigInt(toNs!) },
    timeNs: BigInt(timeNs!),
    tenant: tenant!,
    fingerprint: BigInt(`0x${fingerprint!}`),
    hash: entryHash === "" ? undefined : BigInt(`0x${entryHash!}`),
  };
}

const shapes: readonly RegExp[] = [
  /^[0-9a-f]{1,16}$/,
  /^(?:forward|backward)$/,
  /^-?[0-9]{1,20}$/,
  /^-?[0-9]{1,20}$/,
  /^-?[0-9]{1,20}$/,
  /^/,
  /^[0-9a-f]{1,16}$/,
  /^(?:[0-9a-f]{1,16})?$/,
];

function fieldsOf(text: string): readonly string[] {
  const dot = text.lastIndexOf(".");
  const body = text.slice(0, Math.max(dot, 0));
  const isOurs = text.length <= cursorLengthMax && text.slice(dot + 1) === checkOf(body);
  if (!isOurs) throw new RequestError(400, "invalid cursor: it is damaged or cut off");
  if (!body.startsWith(version)) {
    throw new RequestError(400, "invalid cursor: it was made by another version");
  }
  try {
    const json = Buffer.from(body.slice(version.length), "base64url").toString("utf8");
    const fields: unknown = JSON.parse(json);
    if (Array.isArray(fields) && shapes.every((shape, i) => fitsShape(fields[i], shape))) {
      return fields as string[];
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new RequestError(400, "invalid cursor: it does not hold what it should");
}

function fitsShape(field: unknown, shape: RegExp): boolean {
  return typeof field === "string" && shape.test(field);
}

function checkOf(text: string): string {
  return hasher.h32(text).toString(16).padStart(8, "0");
}

function queryHash({ expr, tenants }: PagedQuery): string {
  return hasher.h64(JSON.stringify([printExpr(expr), tenants])).toString(16);
}

/** What a request pages through, with the range of its first page. */
export function pagedRequest(
  request: QueryRequest,
  expr: Expr,
): { request: QueryRequest; cursor: Cursor | undefined } {
  if (request.cursor === undefined || request.cursor === "") return { request, cursor: undefined };
  const { tenants, direction } = request;
  const cursor = readCursor(request.cursor, { expr, tenants, direction });
  return { request: { ...request, ...cursor.range }, cursor };
}
