/**
 * One request to delete, and the bytes it is kept as (docs/formats/delete-request.md). What it
 * hides follows from its text and times alone; the rest tells how far erasing has come.
 */
import { crc32 } from "node:zlib";
import { StoreError } from "#base";
import { type LogExpr, parseQuery, splitStages } from "#logql";
import type { Labels } from "#model";
import { compilePipeline } from "#pipeline";
import { nsPerMs } from "#base";
import type { Mask } from "./mask.ts";

/**
 * `received`: hides, may be cancelled. `erased`: hides still; nothing that queries read holds a row
 * of it any more, which was verified. `gone`: nor does any object or journal file.
 */
export type DeleteState = "received" | "erased" | "gone";

export interface ErasedCount {
  readonly lines: number;
  /** Of the lines, without metadata. */
  readonly bytes: number;
}

export interface DeleteRequest {
  /** Eight hexadecimal digits, never given twice to one tenant. */
  readonly id: string;
  readonly tenant: string;
  /** As it was sent. */
  readonly query: string;
  /** Both inclusive, wall clock. */
  readonly startMs: number;
  readonly endMs: number;
  readonly createdMs: number;
  readonly state: DeleteState;
  /** When the first object may have been written anew without its rows. */
  readonly begunMs: number | undefined;
  /** Known once `erased`. */
  readonly erased: ErasedCount;
  readonly erasedMs: number | undefined;
  /** Objects that may still hold erased rows; they go after the delay. */
  readonly leaving: readonly string[];
  /** Erased rows may be in the journal up to this record. */
  readonly journal: { readonly id: string; readonly toSequence: number } | undefined;
  readonly goneMs: number | undefined;
}

export const formatName = "skald delete request";
export const formatVersion = 1;

const states: readonly string[] = ["received", "erased", "gone"];

export function newDeleteRequest(
  draft: Pick<DeleteRequest, "id" | "tenant" | "query" | "startMs" | "endMs" | "createdMs">,
): DeleteRequest {
  return {
    ...draft,
    state: "received",
    begunMs: undefined,
    erased: { lines: 0, bytes: 0 },
    erasedMs: undefined,
    leaving: [],
    journal: undefined,
    goneMs: undefined,
  };
}

export function encodeDeleteRequest(request: DeleteRequest): Buffer {
  const text = textOf({ format: formatName, version: formatVersion, ...request });
  const { format, version, ...rest } = JSON.parse(text) as Record<string, unknown>;
  return Buffer.from(textOf({ format, version, crc: crcOf(text), ...rest }));
}

function textOf(value: object): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}

function crcOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

/** Whether the text is what was written; what an earlier version wrote has no checksum. */
function checkText(value: object, wrong: (what: string) => StoreError): void {
  const { crc, ...rest } = value as { crc?: unknown };
  if (crc === undefined) return;
  const computed = crcOf(textOf(rest));
  if (crc !== computed) throw wrong(`crc ${JSON.stringify(crc)} but computed ${computed}`);
}

/** StoreError `corrupt` when it is none. */
export function decodeDeleteRequest(key: string, bytes: Buffer): DeleteRequest {
  const wrong = (what: string): StoreError =>
    new StoreError("corrupt", `${key}: not a delete request: ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw wrong(`${bytes.length} bytes that are no JSON`);
  }
  const read = value as Partial<DeleteRequest> & { format?: unknown; version?: unknown };
  if (typeof read !== "object" || read === null || read.format !== formatName) {
    throw wrong(`format ${formatName} expected`);
  }
  checkText(read, wrong);
  if (read.version !== formatVersion) throw wrong(`version ${String(read.version)} is not known`);
  const { id, tenant, query, startMs, endMs, createdMs, state } = read;
  const { begunMs, erasedMs, goneMs } = read;
  if (typeof id !== "string" || typeof tenant !== "string" || typeof query !== "string") {
    throw wrong("id, tenant or query is missing");
  }
  if (![startMs, endMs, createdMs].every(isTimeMs)) {
    throw wrong("startMs, endMs or createdMs is no time");
  }
  if (![begunMs, erasedMs, goneMs].every((one) => one === undefined || isTimeMs(one))) {
    throw wrong("begunMs, erasedMs or goneMs is no time");
  }
  const { leaving = [], journal, erased = { lines: 0, bytes: 0 } } = read;
  if (!isCount(erased?.lines) || !isCount(erased.bytes)) throw wrong("erased has no counts");
  if (!Array.isArray(leaving) || leaving.some((one) => typeof one !== "string")) {
    throw wrong("leaving is no list of texts");
  }
  if (journal !== undefined && (typeof journal?.id !== "string" || !isCount(journal.toSequence))) {
    throw wrong("journal has no id or toSequence");
  }
  if (!states.includes(state ?? "")) throw wrong(`state ${String(state)} is not known`);
  const draft = { id, tenant, query, startMs: startMs!, endMs: endMs!, createdMs: createdMs! };
  return {
    ...newDeleteRequest(draft),
    state: state!,
    begunMs,
    erased,
    erasedMs,
    leaving,
    journal,
    goneMs,
  };
}

/** What a Date holds: 100 million days before and after 1970. */
const timeMsMax = 8_640_000_000_000_000;

function isTimeMs(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) <= timeMsMax;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What a request may ask for: a selector and stages. Undefined when the text is something else. */
export function parseDeleteQuery(text: string): LogExpr | undefined {
  try {
    const expr = parseQuery(text, { requireMatcher: false });
    if (expr.kind !== "log" || splitStages(expr).answer.length > 0) return undefined;
    return expr;
  } catch {
    return undefined;
  }
}

/**
 * Times are inclusive to the millisecond the request names, as Loki's. Throws when the query does
 * not parse.
 */
export function maskOfRequest(
  request: Pick<DeleteRequest, "id" | "query" | "startMs" | "endMs">,
  nowNs: () => bigint,
): Mask {
  const log = parseDeleteQuery(request.query);
  if (log === undefined) {
    throw new StoreError("corrupt", `delete request ${request.id}: its query does not parse`);
  }
  const { matchers } = log;
  const hasStages = log.stages.length > 0;
  const known = new WeakMap<Labels, boolean>();
  return {
    name: `delete ${request.id}`,
    range: {
      fromNs: BigInt(request.startMs) * nsPerMs,
      toNs: BigInt(request.endMs) * nsPerMs + 1n,
    },
    matchers,
    selects: (labels: Labels) => {
      let selects = known.get(labels);
      if (selects === undefined) {
        selects = matchers.every((matcher) => matcher.test(labels.get(matcher.name) ?? ""));
        known.set(labels, selects);
      }
      return selects;
    },
    pipeline: hasStages
      ? compilePipeline(log, {
          labelsWanted: [],
          lineWanted: "no",
          unwrap: undefined,
          nowNs,
        })
      : undefined,
  };
}
