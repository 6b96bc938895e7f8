/**
 * How many bytes of a tenant's chunks are stored. Indexes only know about how large a chunk was
 * before it was packed, so the sizes come from listing the objects. What no index lists is not
 * counted: it is on its way out, or a crash left it, and dropping others would not make it go.
 */
import { StoreError } from "#base";
import { chunkKeyFormOf, parseChunkKey } from "#lokichunk";
import { ingestedBeforeMs, MergedSeries, type MergeSource } from "#lokiindex";
import { nextTurn } from "#world";
import type { LokiPeriods } from "./loki-period.ts";
import type { LokiStore } from "./loki-store.ts";
import type { LokiChunkFacts } from "./rewrite-tenant.ts";

export interface WeighedChunk extends LokiChunkFacts {
  readonly storedBytes: number;
}

/** Of one tenant: two numbers each are in memory, some 500 MB at the most. */
const chunksMax = 10_000_000;

/** Entries of a listing between two turns of the event loop. */
const listedPerTurn = 2_000;

/**
 * Visits each chunk that an index lists once, table by table, oldest first. StoreError `corrupt`
 * when an index file is damaged, `unavailable` when there are more chunks than can be counted.
 */
export async function weighChunks(
  tenant: string,
  from: { readonly periods: LokiPeriods; readonly stores: readonly LokiStore[] },
  visit: (chunk: WeighedChunk) => void,
  signal: AbortSignal,
): Promise<void> {
  const sizes = await listSizes(tenant, from.periods, signal);
  for (const store of from.stores) {
    for (const table of await store.tables()) {
      signal.throwIfAborted();
      const sources: MergeSource[] = [];
      for (const file of await store.filesOf(table, { isFresh: false })) {
        if (file.tenant !== undefined && file.tenant !== tenant) continue;
        const of = file.tenant === undefined ? tenant : undefined;
        sources.push({ index: await store.openIndex(file), tenant: of });
      }
      for (const { fingerprint, labels, chunks } of new MergedSeries(sources)) {
        for (const meta of chunks) {
          const { minMs, maxMs } = meta;
          const name = nameOf({ fingerprint, fromMs: minMs, checksum: meta.checksum });
          const storedBytes = sizes.get(name);
          // Two tables may list it, and it is there once.
          if (storedBytes === undefined) continue;
          sizes.delete(name);
          visit({ labels, minMs, maxMs, ingestedBeforeMs: ingestedBeforeMs(meta), storedBytes });
        }
      }
      await nextTurn();
    }
  }
}

async function listSizes(
  tenant: string,
  periods: LokiPeriods,
  signal: AbortSignal,
): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  const done = new Set<string>();
  for (const { objects, schema } of periods.all) {
    // Keys of old schemas are one word on a disk: there they cannot be listed by tenant.
    const prefix = chunkKeyFormOf(schema) === "v12" ? `${tenant}/` : "";
    const place = `${objects.name} ${prefix}`;
    if (done.has(place)) continue;
    done.add(place);
    let listed = 0;
    for await (const { key, sizeBytes } of objects.list(prefix, { signal })) {
      if (++listed % listedPerTurn === 0) await nextTurn();
      const ref = parseChunkKey(key)?.ref;
      if (ref?.tenant !== tenant) continue;
      if (sizes.size >= chunksMax) {
        const text = `${objects.name}: ${tenant} has more than ${chunksMax} chunks to weigh`;
        throw new StoreError("unavailable", text);
      }
      sizes.set(nameOf(ref), sizeBytes);
    }
  }
  return sizes;
}

/**
 * A number for a chunk: its checksum, and 20 bits of what else names it. Two of ten million have
 * the same one in about every hundredth tenant; then one of them is not counted.
 */
function nameOf(ref: { fingerprint: bigint; fromMs: number; checksum: number }): number {
  const rest = (Number(ref.fingerprint & 0xfffffn) ^ (ref.fromMs & 0xfffff)) >>> 0;
  return ref.checksum * 2 ** 20 + rest;
}
