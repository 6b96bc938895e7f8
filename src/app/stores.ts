import { join } from "node:path";
import { MiB, StoreError } from "#base";
import type { Config, LimitsByTenant, ObjectStoreConfig, SchemaPeriod } from "#config";
import type { StoredPart } from "#frontend";
import { keyMapping } from "#lokichunk";
import { ChunkMarks, type LokiPeriod, LokiPeriods, LokiStore, mapKeys } from "#lokistore";
import { dayOfNs, dayStartNs, type TimeRange, timestampMinNs } from "#model";
import { type ObjectStore, openFilesystemObjectStore } from "#objectstore";
import { type LineScanner, SegmentStore } from "#segment";
import { type LogStore, PeriodStore } from "#storage";
import type { Logger, Metrics } from "#telemetry";
import { openLineScanner } from "./line-scanner.ts";
import { openObjectCaches } from "./caches.ts";
import { ObjectStores, placeOf } from "./object-stores.ts";
import { PeriodGuard } from "./period-guard.ts";
import { checkPeriods, dayText, type PeriodPiece, type RecordedStore } from "./period-record.ts";
import { StoreHealth } from "./store-health.ts";
import type { World } from "./world.ts";

/** Memory of each kind of cache, shared by the stores that have one. */
const footerCacheBytes: number = 256 * MiB;
const filterCacheBytes: number = 128 * MiB;
const decodedCacheBytes: number = 32 * MiB;
const indexCacheBytes: number = 256 * MiB;
const chunkCacheBytes: number = 32 * MiB;
/** Copies of index files on the local disk, of all periods. */
const indexFolderBytesMax: number = 4096 * MiB;

/** What all of them may hold together, with these periods. */
export function cacheBytesOf({ schemaPeriods }: Pick<Config, "schemaPeriods">): number {
  const hasNative = schemaPeriods.some(({ store }) => store === "skald");
  const hasLoki = schemaPeriods.some(({ store }) => store === "tsdb");
  const native = footerCacheBytes + filterCacheBytes + decodedCacheBytes;
  return (hasNative ? native : 0) + (hasLoki ? indexCacheBytes + chunkCacheBytes : 0);
}

/** One object store with segments of Skald's own format. */
export interface NativeStore {
  readonly objects: ObjectStore;
  readonly segments: SegmentStore;
}

/** A schema period with what its data is read from. */
export interface OpenPeriod {
  readonly config: SchemaPeriod;
  /** The first period has everything that is older, too. */
  readonly fromNs: bigint;
  /** Exclusive; undefined for the last one. */
  readonly toNs: bigint | undefined;
  readonly objects: ObjectStore;
  readonly native: NativeStore | undefined;
  readonly loki: LokiStore | undefined;
}

/** Everything that outlives the process. */
export interface Stores {
  /** Oldest first. */
  readonly periods: readonly OpenPeriod[];
  /** One per object store, however many periods it has. */
  readonly native: readonly NativeStore[];
  /** One per period of Loki's format. */
  readonly loki: readonly LokiStore[];
  readonly lokiPeriods: LokiPeriods;
  /** Chunks of Loki's format that no index may name. */
  readonly chunkMarks: ChunkMarks;
  /** All that is stored, by period. */
  readonly store: LogStore;
  /** The period of a UTC day. */
  periodOf(day: number): OpenPeriod;
  /** Where requests for deletion are: compactor.delete_request_store, or the period in force. */
  readonly requests: ObjectStore;
  /** What is stored of a tenant, for versions of remembered results. */
  stored(tenant: string, range: TimeRange): Promise<readonly StoredPart[]>;
  readonly guard: PeriodGuard;
  readonly health: StoreHealth;
  /** For what is configured beside the periods: rules, say. */
  readonly objectStores: ObjectStores;
  /** Ends what searches beside the main thread. */
  close(): Promise<void>;
}

export interface StoreParts {
  readonly config: Config;
  readonly limits: LimitsByTenant;
  readonly world: World;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Opens the stores of all schema periods and compares the periods with what is stored. */
export async function openStores(parts: StoreParts): Promise<Stores> {
  const { config, limits, world, log, metrics } = parts;
  const health = new StoreHealth(metrics, world.clock);
  const caches = await openObjectCaches({ config, world, log, metrics });
  const objectStores = new ObjectStores(config.objectStores, world, health, caches);
  const scanner = openLineScanner({ clock: world.clock, log });
  const periods = await openPeriods(config, objectStores, { world, scanner });
  const guard = new PeriodGuard({
    check: () => comparePeriods({ config, log, objectStores, periods, world }),
    clock: world.clock,
    log,
  });
  await guard.start();
  const store = new PeriodStore({
    periods: periods.map((period) => ({
      fromNs: period.fromNs,
      toNs: period.toNs,
      store: logStoreOf(period),
      name: `the period from ${period.config.from}`,
    })),
    mayLeaveOut: (tenant) => limits.for(tenant).allowPartialResults,
  });
  const { deleteRequestStore } = config.compactor;
  const nowDay = dayOfNs(world.clock.nowNs());
  const periodOf = (day: number): OpenPeriod => periodOfDay(periods, day);
  const requests =
    deleteRequestStore === "" || !config.objectStores.byName.has(deleteRequestStore)
      ? periodOf(nowDay).objects
      : await objectStores.open(objectStores.configOf(deleteRequestStore));
  const native = [...new Set(periods.flatMap((period) => period.native ?? []))];
  const loki = periods.flatMap((period) => period.loki ?? []);
  return {
    periods,
    native,
    loki,
    lokiPeriods: lokiPeriodsOf(periods),
    chunkMarks: new ChunkMarks({
      ...world,
      folder: join(config.compactor.workingFolder, "marks"),
    }),
    store,
    periodOf,
    requests,
    stored: async (tenant, range) => {
      const ofSegments = native.map(({ segments }) => segments.segments(tenant));
      const ofTables = loki.map((one) => one.stored(tenant, range));
      return (await Promise.all([...ofSegments, ...ofTables])).flat();
    },
    guard,
    health,
    objectStores,
    close: async () => {
      await scanner.close();
      await caches.close();
    },
  };
}

export interface Bounds {
  readonly config: SchemaPeriod;
  readonly fromNs: bigint;
  readonly toNs: bigint | undefined;
}

/** The first period reaches back to the oldest time there is: nothing has no place. */
export function boundsOf(configs: readonly SchemaPeriod[]): Bounds[] {
  return configs.map((config, at) => ({
    config,
    fromNs: at === 0 ? timestampMinNs : config.fromNs,
    toNs: configs[at + 1]?.fromNs,
  }));
}

async function openPeriods(
  config: Config,
  objectStores: ObjectStores,
  { world, scanner }: { readonly world: World; readonly scanner: LineScanner },
): Promise<OpenPeriod[]> {
  const bounds = boundsOf(config.schemaPeriods);
  const opened: (Bounds & { readonly store: ObjectStoreConfig; readonly objects: ObjectStore })[] =
    [];
  for (const bound of bounds) {
    const store = objectStores.configOf(bound.config.objectStore);
    opened.push({ ...bound, store, objects: await objectStores.open(store) });
  }
  const nativeObjects = new Set(
    opened.filter((one) => one.config.store === "skald").map(({ objects }) => objects),
  );
  const native = new Map<ObjectStore, NativeStore>();
  for (const objects of nativeObjects) {
    const segments = new SegmentStore({
      objects,
      footerCacheBytes: footerCacheBytes / nativeObjects.size,
      filterCacheBytes: filterCacheBytes / nativeObjects.size,
      decodedCacheBytes: decodedCacheBytes / nativeObjects.size,
      scanner,
    });
    native.set(objects, { objects, segments });
  }
  const ofLoki = opened.map((one) => (one.config.store === "tsdb" ? lokiPeriodOf(one) : undefined));
  const all = ofLoki.filter((one) => one !== undefined);
  const lokiPeriods = new LokiPeriods(all);
  return opened.map(({ store, ...one }, at) => {
    const period = ofLoki[at];
    const isLocal = store.kind !== "s3" && store.kind !== "gcs" && store.kind !== "azure";
    return {
      ...one,
      native: period === undefined ? native.get(one.objects) : undefined,
      loki:
        period === undefined
          ? undefined
          : lokiStoreOf({
              config,
              world,
              period,
              periods: lokiPeriods,
              count: all.length,
              isLocal,
            }),
    };
  });
}

/** How Loki's tables and chunks lie in a period of `store: tsdb`. */
export function lokiPeriodOf(
  one: Bounds & { readonly store: ObjectStoreConfig; readonly objects: ObjectStore },
): LokiPeriod {
  const { config, fromNs, toNs, store, objects } = one;
  return {
    // The first period reaches back to the oldest time there is; tables are whole days.
    fromMs: msOf(dayStartNs(dayOfNs(fromNs))),
    toMs: toNs === undefined ? Number.POSITIVE_INFINITY : msOf(toNs),
    schema: config.schema,
    indexPrefix: config.indexPrefix,
    pathPrefix: config.indexPathPrefix,
    objects:
      store.kind === "filesystem"
        ? mapKeys(objects, keyMapping({ medium: "filesystem" }))
        : objects,
  };
}

function msOf(ns: bigint): number {
  return Number(ns / 1_000_000n);
}

function lokiStoreOf(parts: {
  readonly config: Config;
  readonly world: World;
  readonly period: LokiPeriod;
  readonly periods: LokiPeriods;
  readonly count: number;
  readonly isLocal: boolean;
}): LokiStore {
  const { config, world, period, periods, count, isLocal } = parts;
  const folder = join(config.indexCache.folder, dayText(BigInt(period.fromMs) * 1_000_000n));
  return new LokiStore({
    periods,
    period,
    clock: world.clock,
    indexCacheBytes: indexCacheBytes / count,
    chunkCacheBytes: chunkCacheBytes / count,
    hashSeed: world.random.bytes(4).readUInt32LE(),
    // What is on a local disk already need not be copied to it.
    ...(isLocal
      ? {}
      : {
          indexFolder: { files: world.files, folder, bytesMax: indexFolderBytesMax / count },
        }),
  });
}

function logStoreOf(period: OpenPeriod): LogStore {
  const store = period.loki ?? period.native?.segments;
  if (store === undefined) throw new StoreError("denied", "a schema period without a store");
  return store;
}

function periodOfDay(periods: readonly OpenPeriod[], day: number): OpenPeriod {
  const ns = dayStartNs(day);
  const period = periods.findLast(({ fromNs }) => fromNs <= ns) ?? periods[0];
  if (period === undefined) throw new StoreError("denied", "schema_config has no period");
  return period;
}

function lokiPeriodsOf(periods: readonly OpenPeriod[]): LokiPeriods {
  return new LokiPeriods(periods.flatMap(({ loki }) => loki?.period ?? []));
}

interface Comparison {
  readonly config: Config;
  readonly log: Logger;
  readonly objectStores: ObjectStores;
  readonly periods: readonly OpenPeriod[];
  readonly world: World;
}

async function comparePeriods(parts: Comparison): Promise<void> {
  const { config, log, objectStores, periods, world } = parts;
  const stores: RecordedStore[] = [];
  for (const [objects, here] of Map.groupBy(periods, (period) => period.objects)) {
    const { native } = here.find((one) => one.native !== undefined) ?? here[0]!;
    const place = placeOf(objectStores.configOf(here[0]!.config.objectStore));
    const segments = native?.segments ?? new SegmentStore({ objects });
    stores.push({ place, objects, segments, pieces: here.map(pieceOf) });
  }
  await checkPeriods({
    config,
    stores,
    local: await openFilesystemObjectStore({
      ...world,
      folder: join(config.pathPrefix, "records"),
    }),
    elsewhere: async (place) => {
      const found = objectStores.at(place);
      if (found === undefined) return undefined;
      const objects = await objectStores.open(found);
      return { place, objects, segments: new SegmentStore({ objects }), pieces: [] };
    },
    nowNs: world.clock.nowNs(),
    log,
  });
}

/** Days are as the configuration has them, but for the first: it has all that is older, too. */
function pieceOf({ config, fromNs, toNs }: OpenPeriod): PeriodPiece {
  const isNative = config.store === "skald";
  return {
    from: fromNs === timestampMinNs ? "0000-01-01" : config.from,
    to: toNs === undefined ? null : dayText(toNs),
    store: config.store,
    schema: isNative ? "" : config.schema,
    indexPrefix: isNative ? "" : config.indexPrefix,
    pathPrefix: isNative ? "" : config.indexPathPrefix,
  };
}
