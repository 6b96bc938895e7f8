/**
 * An object store whose keys lie elsewhere on the medium: chunk keys under base64 names, a prefix,
 * another delimiter. Listing gives logical keys again and passes over what is outside the prefix.
 */
import { StoreError } from "#base";
import type { KeyMapping } from "#lokichunk";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from "#objectstore";

export function mapKeys(objects: ObjectStore, mapping: KeyMapping): ObjectStore {
  return new MappedObjectStore(objects, mapping);
}

class MappedObjectStore implements ObjectStore {
  readonly #objects: ObjectStore;
  readonly #mapping: KeyMapping;

  constructor(objects: ObjectStore, mapping: KeyMapping) {
    this.#objects = objects;
    this.#mapping = mapping;
  }

  get name(): string {
    return this.#objects.name;
  }

  get(key: string, options?: GetOptions): Promise<Buffer> {
    return this.#objects.get(this.#mapping.toStored(key), options);
  }

  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    return this.#objects.put(this.#mapping.toStored(key), body, options);
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#objects.delete(this.#mapping.toStored(key), options);
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const { startAfter, ...rest } = options;
    // Base64 changes the order of chunk keys, but whoever lists lists index files, which keep it.
    const after = startAfter === undefined ? {} : { startAfter: this.#stored(startAfter) };
    for await (const info of this.#objects.list(this.#stored(prefix), { ...rest, ...after })) {
      const key = this.#mapping.toLogical(info.key);
      if (key !== undefined) yield { ...info, key };
    }
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    const info = await this.#objects.head(this.#mapping.toStored(key), options);
    return info && { ...info, key };
  }

  listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    return this.#objects.listFolders(this.#stored(prefix), options);
  }

  #stored(prefix: string): string {
    const stored = this.#mapping.toStored(prefix);
    if (!stored.endsWith(prefix)) {
      throw new StoreError("denied", `${this.name}: ${prefix} is a chunk and cannot be listed`);
    }
    return stored;
  }
}
