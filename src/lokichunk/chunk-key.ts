/**
 * Keys of chunk objects, and where a key lies on a medium. Every part is validated on the way in:
 * what parses is safe to use as a key again.
 */
import assert from "node:assert";
import { validateTenantId } from "#model";
import type { ChunkRef } from "./chunk.ts";

/** `v12`: tenant/fp/from:through:sum. `v11` and earlier: tenant/fp:from:through:sum. */
export type ChunkKeyForm = "v12" | "v11";

/** The form that periods of this schema (`v9` … `v14`) write. */
export function chunkKeyFormOf(schema: string): ChunkKeyForm {
  return Number(schema.slice(1)) >= 12 ? "v12" : "v11";
}

/** The logical key. Numbers are hexadecimal without leading zeros. */
export function formatChunkKey(ref: ChunkRef, form: ChunkKeyForm): string {
  validateTenantId(ref.tenant);
  assert(ref.fingerprint >= 0n && ref.fingerprint < 1n << 64n);
  const { fromMs, throughMs, checksum } = ref;
  const bounds = `${fromMs.toString(16)}:${throughMs.toString(16)}:${checksum.toString(16)}`;
  return `${ref.tenant}/${ref.fingerprint.toString(16)}${form === "v12" ? "/" : ":"}${bounds}`;
}

/** What the key names, or undefined for keys of anything else. */
export function parseChunkKey(key: string): { ref: ChunkRef; form: ChunkKeyForm } | undefined {
  const match =
    /^([^/]+)\/([0-9a-f]{1,16})([/:])(-?[0-9a-f]{1,13}):(-?[0-9a-f]{1,13}):([0-9a-f]{1,8})$/.exec(
      key,
    );
  if (match === null) return undefined;
  const [, tenant = "", fp = "", separator, from = "", through = "", sum = ""] = match;
  try {
    validateTenantId(tenant);
  } catch {
    return undefined;
  }
  const ref: ChunkRef = {
    tenant,
    fingerprint: BigInt(`0x${fp}`),
    fromMs: Number.parseInt(from, 16),
    throughMs: Number.parseInt(through, 16),
    checksum: Number.parseInt(sum, 16),
  };
  const form = separator === "/" ? "v12" : "v11";
  // Only one text per chunk: leading zeros or a negative zero would be a second name for it.
  return formatChunkKey(ref, form) === key ? { ref, form } : undefined;
}

/** How logical keys lie on a medium. Both functions are pure and total. */
export interface KeyMapping {
  /** Logical key → key of the medium. Keys of index files and of anything else only get the prefix. */
  toStored(key: string): string;
  /** The inverse, for listings; undefined for what is outside the prefix. */
  toLogical(stored: string): string | undefined;
}

export interface KeyMappingOptions {
  /** In the filesystem store the last part of a chunk key (all of it in form v11) is base64. */
  readonly medium: "filesystem" | "object";
  /** Put before every key, such as `a/b/` (object_prefix) or `a-b/` (storage_prefix). */
  readonly prefix?: string;
  /** What stands for `:` in every key (chunk_delimiter; `-` with Azure's old client). */
  readonly delimiter?: string;
}

export function keyMapping(options: KeyMappingOptions): KeyMapping {
  const { medium, prefix = "", delimiter = ":" } = options;
  const encode = medium === "filesystem" ? filesystemKeyOf : (key: string): string => key;
  const decode = medium === "filesystem" ? keyOfFilesystem : (key: string): string => key;
  return {
    toStored: (key) => prefix + encode(key).replaceAll(":", delimiter),
    toLogical: (stored) => {
      if (!stored.startsWith(prefix)) return undefined;
      return decode(withColons(stored.slice(prefix.length), delimiter));
    },
  };
}

/** Only keys of chunks have colons, so only what then is one had them replaced. */
function withColons(key: string, delimiter: string): string {
  if (delimiter === ":" || delimiter === "") return key;
  const at = key.indexOf("/");
  const colons = key.slice(0, at + 1) + key.slice(at + 1).replaceAll(delimiter, ":");
  return parseChunkKey(colons) === undefined ? key : colons;
}

function filesystemKeyOf(key: string): string {
  const parsed = parseChunkKey(key);
  if (parsed === undefined) return key;
  if (parsed.form === "v11") return Buffer.from(key).toString("base64");
  const last = key.lastIndexOf("/") + 1;
  return key.slice(0, last) + Buffer.from(key.slice(last)).toString("base64");
}

function keyOfFilesystem(stored: string): string {
  const last = stored.lastIndexOf("/") + 1;
  for (const from of [last, 0]) {
    const key = stored.slice(0, from) + Buffer.from(stored.slice(from), "base64").toString("utf8");
    if (parseChunkKey(key) !== undefined && filesystemKeyOf(key) === stored) return key;
  }
  return stored;
}
