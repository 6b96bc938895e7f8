/**
 * The end of chunk objects that nobody needs: those whose mark is old enough and that no index
 * names, because they left it or because a crash came before it was written.
 */
import { chunkKeyFormOf, parseChunkKey } from "#lokichunk";
import type { Clock } from "#world";
import { nextTurn } from "#world";
import type { ChunkMarks } from "./chunk-marks.ts";
import type { LokiPeriod, LokiPeriods } from "./loki-period.ts";
import type { LokiStore } from "./loki-store.ts";
import type { LokiTable } from "./table-files.ts";

export interface ChunkSweeperOptions {
  readonly periods: LokiPeriods;
  readonly stores: readonly LokiStore[];
  readonly clock: Clock;
  readonly marks: ChunkMarks;
  /** `compactor.retention_delete_delay`: queries planned before may still read what has left. */
  readonly deleteDelayMs: number;
  /** Objects of one file of marks were deleted. */
  readonly swept: (chunkCount: number) => void;
}

interface MarkedChunk {
  readonly key: string;
  readonly home: LokiPeriod;
  readonly ref: NonNullable<ReturnType<typeof parseChunkKey>>["ref"];
}

/** Looked up in the index at a time: each time all series of the tables are gone through. */
const chunksAtATime = 10_000;

/** Series looked at between two turns of the event loop: some milliseconds. */
const seriesPerTurn = 500;

export class ChunkSweeper {
  readonly #options: ChunkSweeperOptions;

  constructor(options: ChunkSweeperOptions) {
    this.#options = options;
  }

  /** Rejects with what the stores have; what was not looked at then stays marked. */
  async runOnce(signal: AbortSignal): Promise<void> {
    const { clock, deleteDelayMs, marks, swept } = this.#options;
    for (const file of await marks.all()) {
      if (clock.nowMs() - file.markedMs < deleteDelayMs) continue;
      const keys = await marks.keysOf(file);
      let deleted = 0;
      for (let from = 0; from < keys.length; from += chunksAtATime) {
        await marks.holds.take(keys.slice(from, from + chunksAtATime), async (free) => {
          deleted += await this.#deleteUnlisted(free, signal);
        });
      }
      await marks.remove(file);
      swept(deleted);
    }
  }

  async #deleteUnlisted(keys: readonly string[], signal: AbortSignal): Promise<number> {
    const chunks = keys.flatMap((key) => this.#chunkOf(key) ?? []);
    const listed = await this.#listed(chunks, signal);
    let deleted = 0;
    for (const { key, home } of chunks) {
      signal.throwIfAborted();
      if (listed.has(key)) continue;
      await home.objects.delete(key, { signal });
      deleted++;
    }
    return deleted;
  }

  #chunkOf(key: string): MarkedChunk | undefined {
    const parsed = parseChunkKey(key);
    const home = parsed && this.#options.periods.at(parsed.ref.fromMs);
    if (parsed === undefined || home === undefined) return undefined;
    if (chunkKeyFormOf(home.schema) !== parsed.form) return undefined;
    return { key, home, ref: parsed.ref };
  }

  /** Those an index file still names: their table was not gone through, or they came back. */
  async #listed(chunks: readonly MarkedChunk[], signal: AbortSignal): Promise<Set<string>> {
    const listed = new Set<string>();
    const byTable = new Map<string, { table: LokiTable; chunks: MarkedChunk[] }>();
    for (const chunk of chunks) {
      for (const table of this.#options.periods.tablesOf(chunk.ref)) {
        const known = byTable.get(table.keyPrefix) ?? { table, chunks: [] };
        byTable.set(table.keyPrefix, known);
        known.chunks.push(chunk);
      }
    }
    for (const { table, chunks: ofTable } of byTable.values()) {
      const byTenant = Map.groupBy(ofTable, ({ ref }) => ref.tenant);
      for (const [tenant, wanted] of byTenant) {
        signal.throwIfAborted();
        await this.#findListed(table, tenant, { wanted, listed });
      }
    }
    return listed;
  }

  async #findListed(
    table: LokiTable,
    tenant: string,
    { wanted, listed }: { wanted: readonly MarkedChunk[]; listed: Set<string> },
  ): Promise<void> {
    const store = this.#options.stores.find(({ period }) => period === table.period);
    if (store === undefined) {
      for (const { key } of wanted) listed.add(key);
      return;
    }
    const keys = new Map(
      wanted.map(({ key, ref }) => [
        idOf(ref.fingerprint, { ...ref, minMs: ref.fromMs, maxMs: ref.throughMs }),
        key,
      ]),
    );
    // Of a file whose writing seemed to fail nothing is known until it is listed.
    for (const file of await store.filesOf(table, { isFresh: true })) {
      if (file.tenant !== undefined && file.tenant !== tenant) continue;
      const index = await store.openIndex(file);
      const of = file.tenant === undefined ? tenant : undefined;
      let seen = 0;
      for (const { fingerprint, chunks } of index.seriesChunks({ matchers: [], tenant: of })) {
        for (const chunk of chunks) {
          const key = keys.get(idOf(fingerprint, chunk));
          if (key !== undefined) listed.add(key);
        }
        if (++seen % seriesPerTurn === 0) await nextTurn();
      }
    }
  }
}

function idOf(
  fingerprint: bigint,
  { minMs, maxMs, checksum }: { minMs: number; maxMs: number; checksum: number },
): string {
  return `${fingerprint}/${minMs}/${maxMs}/${checksum}`;
}
