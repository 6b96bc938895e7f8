import { StoreError } from "#base";
import type {
  HedgingConfig,
  ObjectStoreConfig,
  ObjectStoresConfig,
  RetryConfig,
  S3StoreConfig,
} from "#config";
import {
  HedgedObjectStore,
  MeasuredObjectStore,
  MemoryObjectStore,
  type ObjectStore,
  openFilesystemObjectStore,
  openS3ObjectStore,
  PrefixedObjectStore,
  RetryingObjectStore,
  type S3ObjectStoreOptions,
} from "#objectstore";
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
  readonly #opened = new Map<ObjectStoreConfig, Promise<ObjectStore>>();

  constructor(config: ObjectStoresConfig, world: World, health: StoreHealth) {
    this.#config = config;
    this.#world = world;
    this.#health = health;
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
    if (config.kind !== "filesystem" && config.kind !== "inmemory") {
      objects = this.#hedged(objects, this.#config.hedging);
      objects = this.#retried(objects, config.retries);
    }
    return config.keyPrefix === "" ? objects : new PrefixedObjectStore(objects, config.keyPrefix);
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
    case "azure":
      throw new StoreError("denied", `object stores of the kind ${config.kind} cannot be opened`);
    default:
      return config satisfies never;
  }
}

function s3OptionsOf(config: S3StoreConfig, { files, clock }: World): S3ObjectStoreOptions {
  const { accessKeyId, secretAccessKey, sessionToken, sse, partBytes } = config;
  const keys =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : { accessKeyId, secretAccessKey, sessionToken };
  return {
    files,
    clock,
    buckets: config.buckets,
    region: config.region,
    endpoint: config.endpoint,
    insecure: config.insecure,
    forcePathStyle: config.forcePathStyle,
    dualStack: config.dualstack ? undefined : false,
    keys,
    storageClass: config.storageClass === "STANDARD" ? undefined : config.storageClass,
    encryption:
      sse === undefined
        ? undefined
        : sse.type === "SSE-S3"
          ? { type: "SSE-S3" }
          : {
              type: "SSE-KMS",
              kmsKeyId: sse.kmsKeyId,
              encryptionContext: sse.kmsEncryptionContext,
            },
    chunkDelimiter: config.chunkDelimiter,
    partBytes: partBytes === 0 ? undefined : partBytes,
    http: {
      timeoutMs: config.requestTimeoutMs,
      // Loki's default of no limit is the store's own default, which has one.
      responseHeaderTimeoutMs:
        config.responseHeaderTimeoutMs === 0 ? undefined : config.responseHeaderTimeoutMs,
      idleConnectionTimeoutMs: config.idleConnectionTimeoutMs,
      insecureSkipVerify: config.insecureSkipVerify,
      caFile: config.caFile,
    },
  };
}
