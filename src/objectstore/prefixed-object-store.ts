import { StoreError } from "#base";
import type { ObjectBody } from "./object-body.ts";
import { checkKey, checkPrefix, isKey } from "./object-key.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from "./object-store.ts";

/**
 * A part of a store: all keys have a prefix there that nobody sees here, so that deployments can
 * share a bucket. The prefix is put in front as it is: `loki/` makes a folder, `loki-` does not.
 */
export class PrefixedObjectStore implements ObjectStore {
  readonly name: string;
  readonly #inner: ObjectStore;
  readonly #prefix: string;

  /** Throws `denied` for a prefix with which no key would be one. */
  constructor(inner: ObjectStore, prefix: string) {
    checkPrefix(prefix);
    this.name = prefix === "" ? inner.name : `${inner.name} below ${prefix}`;
    this.#inner = inner;
    this.#prefix = prefix;
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    checkKey(key);
    return this.#inner.get(this.#prefix + key, options);
  }

  async put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    checkKey(key);
    await this.#inner.put(this.#prefix + key, body, options);
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    checkKey(key);
    await this.#inner.delete(this.#prefix + key, options);
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    checkKey(key);
    const info = await this.#inner.head(this.#prefix + key, options);
    return info && { ...info, key };
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    checkPrefix(prefix);
    const startAfter = options?.startAfter;
    const inside = {
      ...options,
      ...(startAfter === undefined ? {} : { startAfter: this.#prefix + startAfter }),
    };
    for await (const info of this.#inner.list(this.#prefix + prefix, inside)) {
      const key = info.key.slice(this.#prefix.length);
      // `loki-` has `loki-/x` beside it, whose rest is no key.
      if (isKey(key)) yield { ...info, key };
    }
  }

  async listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    checkPrefix(prefix);
    if (prefix !== "" && !prefix.endsWith("/")) {
      throw new StoreError("denied", `prefix ${JSON.stringify(prefix)} must end in '/'`);
    }
    const whole = this.#prefix + prefix;
    const cut = whole.lastIndexOf("/") + 1;
    const folders = await this.#inner.listFolders(whole.slice(0, cut), options);
    const begin = whole.slice(cut);
    if (begin === "") return folders;
    return folders
      .filter((folder) => folder.length > begin.length && folder.startsWith(begin))
      .map((folder) => folder.slice(begin.length));
  }
}
