import { StoreError } from "#base";
import { type ObjectBody, wholeOf } from "./object-body.ts";
import { checkKey, checkPrefix } from "./object-key.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
} from "./object-store.ts";

interface StoredObject {
  readonly body: Buffer;
  readonly modifiedMs: number;
}

/** Objects in memory, for tests and for running without a disk. Nothing survives the process. */
export class MemoryObjectStore implements ObjectStore {
  readonly name = "memory";
  readonly #objects = new Map<string, StoredObject>();
  readonly #nowMs: () => number;

  constructor(options: { nowMs: () => number }) {
    this.#nowMs = options.nowMs;
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    options?.signal?.throwIfAborted();
    checkKey(key);
    const object = this.#objects.get(key);
    if (object === undefined) throw new StoreError("missing", `get ${key}: no such object`);
    const { from, to } = options?.range ?? { from: 0, to: object.body.length };
    return Buffer.from(object.body.subarray(from, Math.max(from, to)));
  }

  async put(key: string, body: ObjectBody, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    checkKey(key);
    const copy = Buffer.from(await wholeOf(body));
    this.#objects.set(key, { body: copy, modifiedMs: this.#nowMs() });
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    checkKey(key);
    this.#objects.delete(key);
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    options?.signal?.throwIfAborted();
    checkPrefix(prefix);
    const startAfter = options?.startAfter ?? "";
    const keys = this.#keys(prefix).filter((key) => key > startAfter);
    for (const key of keys) {
      const info = await this.head(key, options);
      if (info !== undefined) yield info;
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    options?.signal?.throwIfAborted();
    checkKey(key);
    const object = this.#objects.get(key);
    return object && { key, sizeBytes: object.body.length, modifiedMs: object.modifiedMs };
  }

  async listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    options?.signal?.throwIfAborted();
    checkPrefix(prefix);
    if (prefix !== "" && !prefix.endsWith("/")) {
      throw new StoreError("denied", `prefix ${JSON.stringify(prefix)} must end in '/'`);
    }
    const folders = new Set<string>();
    for (const key of this.#keys(prefix)) {
      const slash = key.indexOf("/", prefix.length);
      if (slash >= 0) folders.add(key.slice(prefix.length, slash));
    }
    return [...folders].sort();
  }

  #keys(prefix: string): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}
