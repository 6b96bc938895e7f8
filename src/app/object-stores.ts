import { StoreError } from "#base";
import type { HedgingConfig, ObjectStoreConfig, ObjectStoresConfig, RetryConfig } from "#config";
import {
  HedgedObjectStore,
  MeasuredObjectStore,
  MemoryObjectStore,
  type ObjectStore,
  openAzureObjectStore,
  openFilesystemObjectStore,
  openGcsObjectStore,
  openS3ObjectStore,
  PrefixedObjectStore,
  RetryingObjectStore,
} from "#objectstore";
import type { ObjectCaches } from "./caches.ts";
import { azureOptionsOf, gcsOptionsOf, s3OptionsOf } from "./cloud-options.ts";
import type { StoreHealth } from "./store-health.ts";
import type { World } from "./world.ts";

/**
 * The object stores of a configuration, each opened once, when first asked for. Names of the same
 * store (`s3`, `aws`) give the same object.
 */
export class ObjectStores {
  readonly #config: ObjectStoresConfig;
  readonly #world: World;
  readonly #health: StoreHealth;
  readonly #caches: ObjectCaches | undefined;
  readonly #opened = new Map<ObjectStoreConfig, Promise<ObjectStore>>();

  /** Without caches every read is the store's own answer. */
  constructor(
    config: ObjectStoresConfig,
    world: World,
    health: StoreHealth,
    caches?: ObjectCaches,
  ) {
    this.#config = config;
    this.#world = world;
    this.#health = health;
    this.#caches = caches;
  }

  configOf(name: string): ObjectStoreConfig {
    const config = this.#config.byName.get(name);
    if (config !== undefined) return config;
    throw new StoreError("denied", `there is no object store ${name}`);
  }

  /** Rejects with `denied` when the store cannot be what the configuration says. */
  open(config: ObjectStoreConfig): Promise<ObjectStore> {
    let opened = this.#opened.get(config);
    if (opened === undefined) {
      opened = openStore(config, this.#world).then((objects) => this.#layered(config, objects));
      this.#opened.set(config, opened);
    }
    return opened;
  }

  /** What all stores have around them; the disk and memory need no second try. */
  #layered(config: ObjectStoreConfig, kind: ObjectStore): ObjectStore {
    const { clock } = this.#world;
    const observer = this.#health.observerOf(kind.name);
    let objects: ObjectStore = new MeasuredObjectStore(kind, { clock, observer });
    const isRemote = config.kind !== "filesystem" && config.kind !== "inmemory";
    if (isRemote) {
      objects = this.#hedged(objects, this.#config.hedging);
      objects = this.#retried(objects, config.retries);
    }
    if (config.keyPrefix !== "") objects = new PrefixedObjectStore(objects, config.keyPrefix);
    if (!isRemote || this.#caches === undefined) return objects;
    return this.#caches.before(objects, placeOf(config));
  }

  #hedged(objects: ObjectStore, hedging: HedgingConfig | undefined): ObjectStore {
    if (hedging === undefined) return objects;
    return new HedgedObjectStore(objects, {
      clock: this.#world.clock,
      delayMs: hedging.atMs,
      upTo: hedging.upTo,
      perSecondMax: hedging.perSecondMax,
      onHedge: ({ won }) => this.#health.hedged(objects.name, won),
    });
  }

  #retried(objects: ObjectStore, retries: RetryConfig): ObjectStore {
    const { clock, random } = this.#world;
    return new RetryingObjectStore(objects, {
      clock,
      random,
      attemptsMax: retries.attemptsMax,
      pauseMsMin: retries.minDelayMs,
      pauseMsMax: retries.maxDelayMs,
      onRetry: () => this.#health.retried(objects.name),
    });
  }

  /** A configured store at a place. */
  at(place: string): ObjectStoreConfig | undefined {
    return this.#config.byName.values().find((config) => placeOf(config) === place);
  }
}

/** Kind, where and prefix, without secrets: what tells stores apart over restarts. */
export function placeOf(config: ObjectStoreConfig): string {
  const prefix = config.keyPrefix === "" ? "" : ` below ${config.keyPrefix}`;
  return `${whereOf(config)}${prefix}`;
}

function whereOf(config: ObjectStoreConfig): string {
  switch (config.kind) {
    case "filesystem":
      return `filesystem ${config.folder}`;
    case "inmemory":
      return "inmemory";
    case "s3":
      return `s3 ${[...config.buckets].sort().join(",")}`;
    case "gcs":
      return `gcs ${config.bucket}`;
    case "azure":
      return `azure ${config.accountName ?? ""}/${config.container}`;
    default:
      return config satisfies never;
  }
}

async function openStore(config: ObjectStoreConfig, world: World): Promise<ObjectStore> {
  switch (config.kind) {
    case "filesystem":
      return openFilesystemObjectStore({ ...world, folder: config.folder });
    case "inmemory":
      return new MemoryObjectStore({ nowMs: () => world.clock.nowMs() });
    case "s3":
      return openS3ObjectStore(s3OptionsOf(config, world));
    case "gcs":
      return openGcsObjectStore(gcsOptionsOf(config, world));
    case "azure":
      return openAzureObjectStore(azureOptionsOf(config, world));
    default:
      return config satisfies never;
  }
}
