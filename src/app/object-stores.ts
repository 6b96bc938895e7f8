import { StoreError } from "#base";
import type { ObjectStoreConfig, ObjectStoresConfig, S3StoreConfig } from "#config";
import { keyMapping } from "#lokichunk";
import { mapKeys } from "#lokistore";
import {
  MemoryObjectStore,
  type ObjectStore,
  openFilesystemObjectStore,
  openS3ObjectStore,
  type S3ObjectStoreOptions,
} from "#objectstore";
import type { World } from "./world.ts";

/**
 * The object stores of a configuration, each opened once, when first asked for. Names of the same
 * store (`s3`, `aws`) give the same object.
 */
export class ObjectStores {
  readonly #config: ObjectStoresConfig;
  readonly #world: World;
  readonly #opened = new Map<ObjectStoreConfig, Promise<ObjectStore>>();

  constructor(config: ObjectStoresConfig, world: World) {
    this.#config = config;
    this.#world = world;
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
      opened = openStore(config, this.#world).then((objects) => belowPrefix(config, objects));
      this.#opened.set(config, opened);
    }
    return opened;
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

function belowPrefix({ keyPrefix }: ObjectStoreConfig, objects: ObjectStore): ObjectStore {
  if (keyPrefix === "") return objects;
  return mapKeys(objects, keyMapping({ medium: "object", prefix: keyPrefix }));
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
