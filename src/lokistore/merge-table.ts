/**
 * The index files of a table → one file per tenant. The new file is put and read back before an
 * old one is deleted; until then readers see both and count each chunk once. So a crash at any point
 * leaves files that say the same, and the next round goes on from there.
 */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { StoreError } from "#base";
import { type BuiltIndex, mergeIndexes, type MergeHooks, type MergeSource } from "#lokiindex";
import { type Clock, nextTurn } from "#world";
import type { LokiStore } from "./loki-store.ts";
import { indexKeyOf } from "./loki-writer.ts";
import type { ListedIndex, LokiTable } from "./table-files.ts";

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

export interface TableTools {
  readonly store: LokiStore;
  readonly table: LokiTable;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What one tenant's files of a table became. */
export interface LokiMerged {
  readonly table: string;
  readonly tenant: string;
  readonly inputs: readonly string[];
  /** Undefined when nothing was left to list. */
  readonly output: string | undefined;
}

/**
 * Merges a tenant's own files and its part of the shared ones. The own ones are deleted; the shared
 * ones are left for who knows that every tenant is done. StoreError `corrupt` when a file is
 * damaged: then nothing has changed.
 */
export async function mergeTenant(
  files: { tenant: string; own: readonly ListedIndex[]; shared: readonly ListedIndex[] },
  tools: TableTools,
  hooks: MergeHooks = {},
): Promise<LokiMerged> {
  const { table, store } = tools;
  const { tenant } = files;
  const sources: MergeSource[] = [];
  for (const file of files.own) {
    sources.push({ index: await store.openIndex(file), tenant: undefined });
  }
  for (const file of files.shared) sources.push({ index: await store.openIndex(file), tenant });
  const built = await mergeIndexes(sources, { version: table.version, nextTurn, ...hooks });
  const output = built && (await publish(built, tenant, tools));
  for (const { key } of files.own) if (key !== output) await deleteIndex(key, tools);
  const inputs = [...files.own, ...files.shared].map(({ key }) => key);
  return { table: table.name, tenant, inputs, output };
}

/** Puts an index file and reads it back. StoreError `corrupt` when it is not what was put. */
export async function publish(
  built: BuiltIndex,
  tenant: string,
  { table, store, clock, signal }: TableTools,
): Promise<string> {
  const { objects } = table.period;
  const key = indexKeyOf(table, tenant, { ...built, nowNs: clock.nowNs() });
  await objects.put(key, await gzipAsync(built.bytes), { signal });
  const stored = await objects.get(key, { signal });
  const read: Buffer = await gunzipAsync(stored).catch(() => Buffer.alloc(0));
  if (!read.equals(built.bytes)) {
    const found = `${stored.length} bytes that unpack to ${read.length}`;
    throw new StoreError(
      "corrupt",
      `${key} at byte 0: ${built.bytes.length} bytes were put, packed, but ${found} are read back`,
    );
  }
  store.add(key);
  return key;
}

export async function deleteIndex(key: string, tools: TableTools): Promise<void> {
  const { table, store, signal } = tools;
  await table.period.objects.delete(key, { signal });
  await store.remove(key);
}
