/**
 * Objects as files: the key is the path below the folder, as Loki's own filesystem store has it, so
 * a folder that Loki wrote can be read as it is.
 *
 * A put writes `.skald-tmp/…`, syncs it, renames it and syncs the folders, so readers see all or
 * nothing and a resolved put survives a power cut. What a crash leaves in `.skald-tmp` is removed
 * at the next open. A key cannot be both an object and a folder of others (`a` and `a/b`), which
 * other stores allow: the second put is `denied`.
 */
import { dirname, join } from "node:path";
import { isStoreError, LruMap, minute, StoreError } from "#base";
import type { Clock, FileInfo, Files, Random } from "#world";
import { compareBytes, makeDurableFolder } from "#world";
import { copyBody, giveBodyBack, type ObjectBody } from "./object-body.ts";
import { checkKey, checkPrefix, isKey, reservedKeyPart } from "./object-key.ts";
import type {
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from "./object-store.ts";

/**
 * A temporary file this old belongs to no running put: another process that shares the folder
 * writes to its own continuously.
 */
const temporaryAgeMsMax: number = 10 * minute;

/** Folders known to be durable; one more costs a sync of its parent at the next put into it. */
const knownFoldersMax = 10_000;

/** A put starts again when a delete removed its emptied folder in between; that often at most. */
const putAttemptsMax = 5;

export interface FilesystemObjectStoreOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  /** Absolute path. Made when missing. */
  readonly folder: string;
}

/** Opens the store and removes what puts of a crashed process left behind. */
export async function openFilesystemObjectStore(
  options: FilesystemObjectStoreOptions,
): Promise<ObjectStore> {
  const { files, folder } = options;
  await makeDurableFolder(files, join(folder, reservedKeyPart));
  await removeLeftovers(options, () => false);
  return new FilesystemObjectStore(options);
}

/** Temporary files that are old; those of this process are its own business. */
async function removeLeftovers(
  { files, clock, folder }: FilesystemObjectStoreOptions,
  isOwn: (name: string) => boolean,
): Promise<void> {
  const temporary = join(folder, reservedKeyPart);
  for (const { name, isFolder, modifiedMs } of await files.list(temporary)) {
    const isOld = clock.nowMs() - modifiedMs > temporaryAgeMsMax;
    if (!isFolder && isOld && !isOwn(name)) await files.remove(join(temporary, name));
  }
}

class FilesystemObjectStore implements ObjectStore {
  readonly name: string;
  readonly #files: Files;
  readonly #folder: string;
  readonly #temporary: string;
  readonly #temporaryPrefix: string;
  readonly #options: FilesystemObjectStoreOptions;
  #putCount = 0;
  #lookedMs: number;
  /** Folders whose own name is durable. Forgotten before an attempt to remove them. */
  readonly #durableFolders = new LruMap<string, true>({
    name: "known_folders",
    weightMax: knownFoldersMax,
  });

  constructor(options: FilesystemObjectStoreOptions) {
    this.name = `filesystem ${options.folder}`;
    this.#files = options.files;
    this.#folder = options.folder;
    this.#temporary = join(options.folder, reservedKeyPart);
    this.#temporaryPrefix = options.random.bytes(8).toString("hex");
    this.#options = options;
    this.#lookedMs = options.clock.nowMs();
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    options?.signal?.throwIfAborted();
    return this.#files.read(this.#pathOf(key), options?.range);
  }

  async put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    const target = this.#pathOf(key);
    await this.#lookForLeftovers();
    const name = `${this.#temporaryPrefix}-${this.#putCount++}`;
    const temporary = join(this.#temporary, name);
    try {
      await this.#writeTemporary(temporary, body, options);
      options?.signal?.throwIfAborted();
      await this.#moveTo(temporary, target);
    } catch (error) {
      // The first failure is what the caller must know; the file left behind goes later.
      await this.#files.remove(temporary).catch(() => undefined);
      throw error;
    }
    if (options?.isBodySpent === true) giveBodyBack(body);
  }

  /** What a crash left is too young at the start that follows it, so it is looked for now and then. */
  async #lookForLeftovers(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    if (Math.abs(nowMs - this.#lookedMs) <= temporaryAgeMsMax) return;
    this.#lookedMs = nowMs;
    const isOwn = (name: string): boolean => name.startsWith(this.#temporaryPrefix);
    // It only costs room, and another process may have removed it just now.
    await removeLeftovers(this.#options, isOwn).catch(() => undefined);
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    const path = this.#pathOf(key);
    if ((await this.#info(path)) === undefined) return;
    await this.#files.remove(path);
    await this.#syncIfThere(dirname(path));
    for (let folder = dirname(path); folder !== this.#folder; folder = dirname(folder)) {
      this.#durableFolders.delete(folder);
      if (!(await this.#files.removeFolder(folder))) break;
    }
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    checkPrefix(prefix);
    const folderKey = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    yield* this.#walk(folderKey, { ...options, prefix });
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    options?.signal?.throwIfAborted();
    const info = await this.#info(this.#pathOf(key));
    return info && { key, sizeBytes: info.sizeBytes, modifiedMs: info.modifiedMs };
  }

  async listFolders(prefix: string, options?: CallOptions): Promise<string[]> {
    options?.signal?.throwIfAborted();
    checkPrefix(prefix);
    if (prefix !== "" && !prefix.endsWith("/")) {
      throw new StoreError("denied", `prefix ${JSON.stringify(prefix)} must end in '/'`);
    }
    const entries = await this.#entries(prefix);
    return entries.filter((entry) => entry.isFolder).map((entry) => entry.name);
  }

  #pathOf(key: string): string {
    checkKey(key);
    return join(this.#folder, key);
  }

  async #writeTemporary(
    path: string,
    body: ObjectBody,
    options: CallOptions | undefined,
  ): Promise<void> {
    await using file = await this.#files.open(path, { create: true, exclusive: true });
    await copyBody(body, async (parts, at) => {
      options?.signal?.throwIfAborted();
      await file.write(parts, at);
    });
    await file.sync();
  }

  async #moveTo(temporary: string, target: string): Promise<void> {
    const folder = dirname(target);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#makeDurableFolder(folder);
        await this.#files.rename(temporary, target);
        break;
      } catch (error) {
        await this.#explain(target, error, attempt);
      }
    }
    await this.#files.syncFolder(folder);
    await this.#files.syncFolder(this.#temporary);
    // A delete may have removed the folder and another put have made it anew, not yet durably.
    if (!this.#durableFolders.get(folder)) await this.#makeDurableFolder(folder);
  }

  /** Throws unless the failure came from a folder that a concurrent delete removed. */
  async #explain(target: string, error: unknown, attempt: number): Promise<void> {
    if (!isStoreError(error, "missing")) throw error;
    for (let path = target; path !== this.#folder; path = dirname(path)) {
      const info = await this.#files.stat(path).catch(() => undefined);
      const mustBeFolder = path !== target;
      if (info === undefined || info.isFolder === mustBeFolder) continue;
      const reason = info.isFolder ? "is a folder of other objects" : "is an object";
      throw new StoreError("denied", `put ${target}: ${path} ${reason}`, { cause: error });
    }
    if (attempt >= putAttemptsMax) {
      throw new StoreError("unavailable", `put ${target}: its folder vanishes`, { cause: error });
    }
    for (let path = dirname(target); path !== this.#folder; path = dirname(path)) {
      this.#durableFolders.delete(path);
    }
  }

  async #makeDurableFolder(folder: string): Promise<void> {
    if (folder === this.#folder || this.#durableFolders.get(folder)) return;
    const parent = dirname(folder);
    await this.#makeDurableFolder(parent);
    await this.#files.makeFolder(folder);
    await this.#files.syncFolder(parent);
    this.#durableFolders.set(folder, true);
  }

  async #syncIfThere(folder: string): Promise<void> {
    try {
      await this.#files.syncFolder(folder);
    } catch (error) {
      // Another delete has removed the emptied folder, and so this name for good.
      if (!isStoreError(error, "missing")) throw error;
    }
  }

  async #info(path: string): Promise<FileInfo | undefined> {
    try {
      const info = await this.#files.stat(path);
      return info.isFolder ? undefined : info;
    } catch (error) {
      if (isStoreError(error, "missing")) return undefined;
      throw error;
    }
  }

  /** What is in the folder of a key prefix and can be named by a key. */
  async #entries(folderKey: string): Promise<FileInfo[]> {
    try {
      const entries = await this.#files.list(join(this.#folder, folderKey.slice(0, -1)));
      return entries.filter((entry) => isKey(folderKey + entry.name));
    } catch (error) {
      if (isStoreError(error, "missing")) return [];
      throw error;
    }
  }

  async *#walk(
    folderKey: string,
    options: ListOptions & { readonly prefix: string },
  ): AsyncGenerator<ObjectInfo, void, undefined> {
    options.signal?.throwIfAborted();
    const { prefix, startAfter = "" } = options;
    const entries = await this.#entries(folderKey);
    const keyOf = (entry: FileInfo): string => folderKey + entry.name + (entry.isFolder ? "/" : "");
    // With its slash a folder stands where its first key belongs among its neighbours.
    entries.sort((left, right) => compareBytes(keyOf(left), keyOf(right)));
    for (const entry of entries) {
      const key = keyOf(entry);
      if (!key.startsWith(prefix) && !prefix.startsWith(key)) continue;
      if (entry.isFolder) {
        if (key > startAfter || startAfter.startsWith(key)) yield* this.#walk(key, options);
      } else if (key > startAfter && key.startsWith(prefix)) {
        yield { key, sizeBytes: entry.sizeBytes, modifiedMs: entry.modifiedMs };
      }
    }
  }
}
