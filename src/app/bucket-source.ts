/** A bucket for the tools of the command line: from a configuration, or from where it lies. */
import { resolve } from "node:path";
import type { Bucket, BucketPlace } from "#bucket";
import { CliError, type BucketWhere, type CliIo, type OpenedBucket } from "#cli";
import { type Config, ConfigError, loadConfig } from "#config";
import { LokiPeriods } from "#lokistore";
import type { ObjectStore } from "#objectstore";
import { createMetrics } from "#telemetry";
import { ObjectStores, placeOf } from "./object-stores.ts";
import { StoreHealth } from "./store-health.ts";
import { boundsOf, lokiPeriodOf } from "./stores.ts";

/** Only opens: a process may run on the same stores. CliError says what is wrong. */
export async function openBucketSource(where: BucketWhere, io: CliIo): Promise<OpenedBucket> {
  const config = await configOf(where, io);
  const { clock, random, files } = io;
  const world = { clock, random, files };
  const health = new StoreHealth(createMetrics({ process: false }), clock);
  // Without caches: what is verified is what the store has.
  const stores = new ObjectStores(config.objectStores, world, health);
  const opened = new Map<string, { objects: ObjectStore; logical: ObjectStore }>();
  const periodsOfPlace = new Map<string, BucketPlace["periods"][number][]>();
  for (const bound of boundsOf(config.schemaPeriods)) {
    const store = stores.configOf(bound.config.objectStore);
    const objects = await stores.open(store);
    const name = placeOf(store);
    const period = lokiPeriodOf({ ...bound, store, objects });
    // The same for all periods of a place: its keys lie on one medium.
    if (!opened.has(name)) opened.set(name, { objects, logical: period.objects });
    const { logical } = opened.get(name)!;
    const list = periodsOfPlace.get(name) ?? [];
    periodsOfPlace.set(name, list);
    if (bound.config.store === "tsdb") list.push({ ...period, objects: logical });
  }
  const places = [...opened].map(([name, of]) => ({
    ...of,
    name,
    periods: periodsOfPlace.get(name) ?? [],
  }));
  const periods = new LokiPeriods(places.flatMap((place) => place.periods));
  const bucket: Bucket = { places, periods, clock, random };
  return {
    bucket,
    isConfigured: where.store === undefined,
    journalFolder: where.store === undefined ? config.journal.folder : undefined,
    cacheFolders:
      where.store === undefined ? [config.indexCache.folder, config.objectCache.folder] : [],
    storeOfPlace: (place) =>
      config.schemaPeriods.find(
        ({ objectStore }) => placeOf(stores.configOf(objectStore)) === place,
      )?.objectStore ?? place,
    namedStore: async (name) => {
      if (!config.objectStores.byName.has(name)) {
        const known = [...config.objectStores.byName.keys()].join(", ");
        throw new CliError(`there is no object store ${name}`, { hints: [`There are: ${known}`] });
      }
      return stores.open(stores.configOf(name));
    },
  };
}

async function configOf(where: BucketWhere, io: CliIo): Promise<Config> {
  const made = where.store === undefined ? undefined : await yamlOf(where, where.store, io);
  const path = "/made-from-flags.yaml";
  try {
    const result = await loadConfig({
      argv: made === undefined ? where.serverFlags : [`-config.file=${path}`],
      env: made === undefined ? io.env : {},
      cwd: io.folder,
      readFile: async (name) =>
        made !== undefined && name === path ? made : (await io.files.read(name)).toString("utf8"),
    });
    if (result.action === "run" || result.action === "verify") return result.loaded.config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first = "", ...rest] = error.messages;
    throw new CliError(first, { exitCode: 2, hints: rest });
  }
  throw new CliError("skald bucket: only -config.file and settings of the server", { exitCode: 2 });
}

/** One period of Loki's format for all time, in the store that was named. JSON is YAML. */
async function yamlOf(where: BucketWhere, store: string, io: CliIo): Promise<string> {
  const { kind, storage } = await storageOf(store, io);
  const { schema, indexPrefix, pathPrefix } = where;
  const index = { prefix: indexPrefix, path_prefix: pathPrefix, period: "24h" };
  const period = { from: "1970-01-01", store: "tsdb", object_store: kind, schema, index };
  return JSON.stringify({
    common: { path_prefix: resolve(io.folder, ".skald-bucket") },
    storage_config: storage,
    schema_config: { configs: [period] },
  });
}

async function storageOf(store: string, io: CliIo): Promise<{ kind: string; storage: object }> {
  const url = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(store);
  if (url === null) {
    const directory = resolve(io.folder, store);
    // A store that is opened for writing makes its folder; a slip of the pen must not.
    if (!(await io.files.stat(directory)).isFolder) throw new CliError(`${store} is no folder`);
    return { kind: "filesystem", storage: { filesystem: { directory } } };
  }
  const [scheme, rest] = [url[1]!.toLowerCase(), url[2]!.replace(/\/+$/, "")];
  if (scheme === "s3") {
    // A bucket by itself, with the region and keys of the environment, or Loki's own form.
    const isName = /^[^/@]+$/.test(rest);
    return { kind: "s3", storage: { aws: isName ? { bucketnames: rest } : { s3: store } } };
  }
  if (scheme === "gs" || scheme === "gcs") {
    return { kind: "gcs", storage: { gcs: { bucket_name: rest } } };
  }
  const [account, container] = rest.split("/");
  if (scheme === "azure" && container !== undefined) {
    const azure = { account_name: account, container_name: container, use_managed_identity: true };
    return { kind: "azure", storage: { azure } };
  }
  throw new CliError(`--store: ${scheme}:// is no object store`, {
    exitCode: 2,
    hints: [
      "A folder, s3://bucket, s3://key:secret@host/bucket, gs://bucket, azure://account/container.",
    ],
  });
}
