import { join } from "node:path";
import type { Config } from "#config";
import { createFrontend, estimateByIndex, type Frontend, PacedStore, ThreadTurns } from "#frontend";
import {
  createEntryQueries,
  createExplainer,
  createIndexQueries,
  createQueryEngine,
  type EntryQueries,
  type Explainer,
  type IndexQueries,
} from "#query";
import type { Logger, Metrics } from "#telemetry";
import type { LifecycleSide } from "./lifecycle.ts";
import type { Newcomers } from "#world";
import type { World } from "./world.ts";

/** The way out: everything that reads. */
export interface QuerySide {
  readonly engine: Frontend;
  readonly index: IndexQueries;
  readonly entries: EntryQueries;
  readonly explainer: Explainer;
}

export interface QueryParts {
  readonly config: Config;
  /** What queries may see. */
  readonly visible: Pick<LifecycleSide, "store" | "versions" | "changeNumber">;
  readonly world: World;
  /** Queries let them in between blocks. */
  readonly newcomers: Newcomers;
  /** Whether pushes wait: then queries use less of the thread. */
  readonly isPressed: () => boolean;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Of this program: remembered results of another version are not used. */
  readonly version: string;
}

export async function openQueries(parts: QueryParts): Promise<QuerySide> {
  const { config, visible, world, newcomers, isPressed, log, metrics, version } = parts;
  const { versions, changeNumber } = visible;
  const { clock, files } = world;
  const turns = new ThreadTurns({ clock, newcomers, isPressed });
  metrics.observe(
    "skald_query_blocks_waiting",
    "Reads of queries that wait for the thread.",
    () => {
      return turns.waitingCount;
    },
  );
  const store = new PacedStore(visible.store, turns);
  const index = createIndexQueries({ store, clock });
  const { maxConcurrent, outstandingPerTenantMax, slowQueryMs, cacheResults } = config.querier;
  const disk = { files, folder: join(config.pathPrefix, "query-cache") };
  const engine = await createFrontend({
    // The frontend bounds how many queries run.
    engine: createQueryEngine({ store, clock, queriesAtOnceMax: Number.MAX_SAFE_INTEGER }),
    clock,
    log,
    metrics,
    estimate: estimateByIndex(index),
    changeNumber,
    ...(cacheResults ? { cache: { versions, generation: version, disk } } : {}),
    limits: {
      runningMax: maxConcurrent,
      // As many again for tenants that have none running: nobody waits for another's queries to end.
      beyondMax: maxConcurrent,
      outstandingPerTenantMax,
      slowQueryMs,
    },
  });
  const entries = createEntryQueries({ store, clock });
  return { engine, index, entries, explainer: createExplainer({ store, clock }) };
}
