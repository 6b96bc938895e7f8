/**
 * The key of a segment says what a reader must know before it fetches anything: tenant, day, time
 * range, whether it replaces others, and where its footer is. Layout: docs/formats/segment.md.
 */
import assert from "node:assert";
import { StoreError } from "#base";
import { dayOfNs, dayStartNs, nsPerDay } from "#model";
import type { Clock, Random } from "#world";

export interface SegmentKey {
  readonly tenant: string;
  /** UTC day number, 0 is 1970-01-01. */
  readonly day: number;
  /**
   * Time of the first and last entry, both inside the day; the day's start when the segment is
   * empty.
   */
  readonly minNs: bigint;
  readonly maxNs: bigint;
  /** 28 hexadecimal digits: 12 of milliseconds since 1970, 16 of chance. */
  readonly id: string;
  /** How many segments this one replaces; the footer names them. */
  readonly replacesCount: number;
  /** Bytes before the footer, and of the footer. */
  readonly bodyBytes: number;
  readonly footerBytes: number;
}

const idDigits = 28;
const offsetDigits = 14;
const root = "v1/";

/** A new id, later than those of earlier milliseconds. */
export function newSegmentId(clock: Clock, random: Random): string {
  const ms = clock.nowMs().toString(16).padStart(12, "0");
  assert(ms.length === 12, `clock at ${clock.nowMs()} ms`);
  return ms + random.bytes(8).toString("hex");
}

/**
 * A number that orders segments by the time of their making; ties within a millisecond are broken
 * by chance.
 */
export function sourceOrderOf(id: string): number {
  return Number.parseInt(id.slice(0, 12), 16) * 1024 + (Number.parseInt(id.slice(12, 15), 16) >> 2);
}

/** Keys of all segments of a tenant start with this. */
export function tenantPrefix(tenant: string): string {
  // A tenant of dots alone would be taken for a folder step.
  const name = /^\.+$/.test(tenant) ? tenant.replaceAll(".", "%2E") : encodeURIComponent(tenant);
  return `${root}${name}/`;
}

/** 2026-03-01 for a day number. */
export function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

export function formatSegmentKey(key: SegmentKey): string {
  const start = dayStartNs(key.day);
  const [from, to] = [key.minNs - start, key.maxNs - start];
  assert(from >= 0n && from <= to && to < nsPerDay, `${key.minNs}–${key.maxNs} not in ${key.day}`);
  assert(/^[0-9a-f]{28}$/.test(key.id), `segment id ${key.id}`);
  const times = [from, to].map((one) => one.toString().padStart(offsetDigits, "0")).join("-");
  const sizes = `${key.replacesCount}-${key.bodyBytes}-${key.footerBytes}`;
  return `${tenantPrefix(key.tenant)}${dayText(key.day)}/${times}-${key.id}-${sizes}.seg`;
}

const shape = new RegExp(
  `^v1/([^/]+)/(\\d{4}-\\d\\d-\\d\\d)/(\\d{${offsetDigits}})-(\\d{${offsetDigits}})` +
    `-([0-9a-f]{${idDigits}})-(\\d{1,9})-(\\d{1,15})-(\\d{1,10})\\.seg$`,
);

/** StoreError `corrupt` when this is no key of a segment. */
export function parseSegmentKey(text: string): SegmentKey {
  const parts = shape.exec(text);
  if (parts === null) throw new StoreError("corrupt", `${text}: not the key of a segment`);
  const ms = Date.parse(`${parts[2]}T00:00:00Z`);
  if (Number.isNaN(ms)) throw new StoreError("corrupt", `${text}: no such day as ${parts[2]}`);
  const day = ms / 86_400_000;
  const minNs = dayStartNs(day) + BigInt(parts[3]!);
  const maxNs = dayStartNs(day) + BigInt(parts[4]!);
  if (dayOfNs(maxNs) !== day || minNs > maxNs) {
    throw new StoreError("corrupt", `${text}: times ${parts[3]}–${parts[4]} are not in one day`);
  }
  return {
    tenant: decodeTenant(parts[1]!, text),
    day,
    minNs,
    maxNs,
    id: parts[5]!,
    replacesCount: Number(parts[6]),
    bodyBytes: Number(parts[7]),
    footerBytes: Number(parts[8]),
  };
}

function decodeTenant(part: string, key: string): string {
  const tenant = tenantOfFolder(part);
  if (tenant === undefined) {
    throw new StoreError("corrupt", `${key}: ${part} is not a percent-encoded tenant`);
  }
  return tenant;
}

/** The tenant a key part names; undefined when it is not percent-encoded text. */
export function tenantOfFolder(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
