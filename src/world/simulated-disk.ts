/**
 * A disk in memory that keeps apart what was written and what would survive a power cut.
 *
 * What `sync` and `syncFolder` resolved for is durable. Everything else is pending: on `crash` each
 * pending write survives as a whole, not at all, or sector by sector, in any order; each pending
 * creation, rename or removal survives or not. Lost sectors of a grown file read as zeros. A failed
 * `sync` behaves as on Linux: chance decides which sectors came through, reads still show all of
 * them, and a later `sync` does not write them again. Files opened before a crash only reject.
 *
 * A test that crashes gives each life of its program `asProcess()`: else what the old one still has
 * under way goes on after the crash. With no faults this is a plain in-memory `Files`.
 */
import { basename, dirname } from "node:path";
import { GiB, StoreError } from "#base";
import { compareBytes } from "./compare-bytes.ts";
import type { FileHandle, FileInfo, Files, OpenOptions } from "./files.ts";
import { processFiles } from "./process-files.ts";
import { seededRandom, type Random } from "./random.ts";
import { SimulatedContent } from "./simulated-content.ts";

export type DiskOperation =
  | "open"
  | "read"
  | "write"
  | "sync"
  | "truncate"
  | "list"
  | "rename"
  | "remove"
  | "folder"
  | "syncFolder";

/**
 * `io` fails with `unavailable`, `full` with `full`. A write with `short-…` first writes a part.
 * A failed `sync` loses its pending writes, see above.
 */
export type DiskFault = "io" | "full" | "short-io" | "short-full";

export interface SimulatedDiskOptions {
  /** Asked before every operation; names the fault to inject, if any. */
  readonly faultOf?: (operation: DiskOperation, path: string) => DiskFault | undefined;
  /** Awaited before every operation; a pause here makes operations of several callers overlap. */
  readonly pause?: (operation: DiskOperation) => Promise<void>;
  /** Bytes of all files together. */
  readonly capacityBytes?: number;
  /** For what a failed sync loses. Default 1. */
  readonly seed?: number;
  /** Modification times. */
  readonly nowMs?: () => number;
}

interface Inode {
  readonly content: SimulatedContent;
  modifiedMs: number;
}

/** A folder holds `null`. Keys are absolute paths without a final slash. */
type Tree = Map<string, Inode | null>;

/**
 * A change of names. It is durable when all of `unsynced` folders were synced after it, or when a
 * later change of one of its names is: journals of file systems keep that order.
 */
interface NameChange {
  readonly names: readonly string[];
  readonly apply: (tree: Tree) => void;
  readonly unsynced: Set<string>;
}

export class SimulatedDisk implements Files {
  readonly #options: SimulatedDiskOptions;
  readonly #random: Random;
  #tree: Tree = new Map([["/", null]]);
  #durableTree: Tree = new Map([["/", null]]);
  #nameChanges: NameChange[] = [];
  #locks = new Set<string>();
  #generation = 0;

  constructor(options: SimulatedDiskOptions = {}) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 1);
  }

  /** Cuts the power and starts again with what survived. */
  crash(seed: number): void {
    const random = seededRandom(seed);
    this.#generation++;
    this.#locks = new Set();
    survivingChanges(this.#nameChanges, random).forEach((change) =>
      change.apply(this.#durableTree),
    );
    this.#nameChanges = [];
    const inodes = new Set<Inode>();
    this.#tree = new Map();
    for (const [path, inode] of this.#durableTree) {
      if (!isReachable(this.#durableTree, path)) continue;
      this.#tree.set(path, inode);
      if (inode !== null) inodes.add(inode);
    }
    this.#durableTree = new Map(this.#tree);
    for (const inode of inodes) inode.content.crash(random);
  }

  /** What a process started now sees; after the next crash all of it rejects. */
  asProcess(): Files {
    const generation = this.#generation;
    return processFiles(this, () => generation === this.#generation);
  }

  /** Flips bits of one byte, durably: what a failing disk does. */
  corrupt(path: string, offset: number, mask = 0xff): void {
    this.#inode("corrupt", path).content.corrupt(offset, mask);
  }

  get usedBytes(): number {
    let sum = 0;
    for (const inode of new Set(this.#tree.values())) sum += inode?.content.sizeBytes ?? 0;
    return sum;
  }

  async open(path: string, options: OpenOptions): Promise<FileHandle> {
    await this.#begin("open", path);
    let inode = this.#tree.get(path);
    if (inode === null) throw new StoreError("missing", `open ${path}: is a folder`);
    if (inode !== undefined && options.exclusive) {
      throw new StoreError("unavailable", `open ${path}: exists`);
    }
    if (inode === undefined) {
      if (!options.create && !options.exclusive) {
        throw new StoreError("missing", `open ${path}: no such file`);
      }
      this.#requireFolder("open", dirname(path));
      const made: Inode = { content: new SimulatedContent(), modifiedMs: this.#nowMs() };
      this.#change([path], (tree) => tree.set(path, made));
      inode = made;
    }
    return this.#handleOf(path, inode);
  }

  async read(path: string, range?: { from: number; to: number }): Promise<Buffer> {
    await this.#begin("read", path);
    const { content } = this.#inode("read", path);
    return content.read(range ?? { from: 0, to: content.sizeBytes });
  }

  async list(folder: string): Promise<FileInfo[]> {
    await this.#begin("list", folder);
    this.#requireFolder("list", folder);
    const paths = [...this.#tree.keys()].filter((path) => isIn(folder, path));
    return paths.sort(compareBytes).map((path) => this.#info(path));
  }

  async stat(path: string): Promise<FileInfo> {
    await this.#begin("list", path);
    if (!this.#tree.has(path)) throw new StoreError("missing", `stat ${path}: no such file`);
    return this.#info(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin("rename", from);
    const inode = this.#inode("rename", from);
    this.#requireFolder("rename", dirname(to));
    if (this.#tree.get(to) === null) {
      throw new StoreError("missing", `rename ${from} to ${to}: is a folder`);
    }
    this.#change([from, to], (tree) => {
      if (tree.get(from) === inode) tree.delete(from);
      tree.set(to, inode);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#begin("remove", path);
    const inode = this.#tree.get(path);
    if (inode === undefined) return;
    if (inode === null) throw new StoreError("missing", `remove ${path}: is a folder`);
    this.#change([path], (tree) => {
      if (tree.get(path) === inode) tree.delete(path);
    });
  }

  async removeFolder(folder: string): Promise<boolean> {
    await this.#begin("folder", folder);
    if (this.#tree.get(folder) !== null) return false;
    for (const path of this.#tree.keys()) if (isIn(folder, path)) return false;
    this.#change([folder], (tree) => tree.delete(folder));
    return true;
  }

  async makeFolder(folder: string): Promise<void> {
    await this.#begin("folder", folder);
    const missing: string[] = [];
    for (let path = folder; this.#tree.get(path) !== null; path = dirname(path)) {
      if (this.#tree.has(path)) throw new StoreError("missing", `make folder ${path}: is a file`);
      missing.push(path);
    }
    for (const path of missing.reverse()) {
      this.#change([path], (tree) => tree.set(path, null));
    }
  }

  async syncFolder(folder: string): Promise<void> {
    this.#requireFolder("sync", folder);
    const covered = this.#nameChanges.length;
    await this.#begin("syncFolder", folder);
    const pending = new Set<NameChange>();
    const pendingNames = new Set<string>();
    for (const [index, change] of this.#nameChanges.entries()) {
      if (index < covered) change.unsynced.delete(folder);
      if (change.unsynced.size > 0) {
        pending.add(change);
        for (const name of change.names) pendingNames.add(name);
        continue;
      }
      if (change.names.some((name) => pendingNames.has(name))) {
        for (const earlier of pending) {
          if (!sharesName(earlier, change)) continue;
          earlier.apply(this.#durableTree);
          pending.delete(earlier);
        }
      }
      change.apply(this.#durableTree);
    }
    this.#nameChanges = [...pending];
  }

  async lock(path: string): Promise<AsyncDisposable> {
    await this.#begin("open", path);
    if (this.#locks.has(path)) throw new StoreError("denied", `lock ${path}: held`);
    const locks = this.#locks;
    locks.add(path);
    return {
      [Symbol.asyncDispose]: async (): Promise<void> => {
        locks.delete(path);
      },
    };
  }

  async freeBytes(_folder: string): Promise<number> {
    return Math.max(0, this.#capacityBytes() - this.usedBytes);
  }

  #handleOf(path: string, inode: Inode): FileHandle {
    const generation = this.#generation;
    let isClosed = false;
    const begin = async (operation: DiskOperation): Promise<void> => {
      const check = (): void => {
        if (generation === this.#generation && !isClosed) return;
        const state = isClosed ? "closed" : "lost in a crash";
        throw new StoreError("unavailable", `${operation} ${path}: the file is ${state}`);
      };
      check();
      try {
        await this.#begin(operation, path);
      } finally {
        check();
      }
    };
    const close = async (): Promise<void> => {
      isClosed = true;
    };
    const { content } = inode;
    return {
      write: (parts, offset) => this.#write(begin, inode, { path, parts, offset }),
      read: async (range) => {
        await begin("read");
        return content.read(range);
      },
      sizeBytes: async () => content.sizeBytes,
      truncate: async (sizeBytes) => {
        await begin("truncate");
        content.truncate(sizeBytes);
      },
      sync: async () => {
        const covered = content.pendingCount;
        try {
          await begin("sync");
        } catch (error) {
          if (generation === this.#generation) content.loseSome(covered, this.#random);
          throw error;
        }
        content.makeDurable(covered);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  async #write(
    begin: (operation: DiskOperation) => Promise<void>,
    inode: Inode,
    write: { path: string; parts: readonly Uint8Array[]; offset: number },
  ): Promise<void> {
    const { path, parts, offset } = write;
    let bytes: Uint8Array = Buffer.concat(parts);
    let failure: unknown;
    try {
      await begin("write");
    } catch (error) {
      if (!(error instanceof ShortWrite)) throw error;
      failure = error;
      bytes = bytes.subarray(0, Math.floor(bytes.length / 2));
    }
    const growth = Math.max(0, offset + bytes.length - inode.content.sizeBytes);
    const free = this.#capacityBytes() - this.usedBytes;
    if (growth > free) {
      bytes = bytes.subarray(0, Math.max(0, bytes.length - (growth - free)));
      failure = new StoreError("full", `write ${path}: no space left`);
    }
    inode.content.write(bytes, offset);
    inode.modifiedMs = this.#nowMs();
    if (failure !== undefined) throw failure;
  }

  async #begin(operation: DiskOperation, path: string): Promise<void> {
    const generation = this.#generation;
    await this.#options.pause?.(operation);
    if (generation !== this.#generation) {
      throw new StoreError("unavailable", `${operation} ${path}: lost in a crash`);
    }
    const fault = this.#options.faultOf?.(operation, path);
    if (fault === undefined) return;
    const kind = fault === "full" || fault === "short-full" ? "full" : "unavailable";
    const message = `${operation} ${path}: injected ${fault}`;
    if (fault === "io" || fault === "full") throw new StoreError(kind, message);
    throw new ShortWrite(kind, message);
  }

  #change(names: readonly string[], apply: (tree: Tree) => void): void {
    apply(this.#tree);
    const unsynced = new Set(names.map((name) => dirname(name)));
    this.#nameChanges.push({ names, apply, unsynced });
  }

  #inode(operation: string, path: string): Inode {
    const inode = this.#tree.get(path);
    if (inode) return inode;
    const reason = inode === null ? "is a folder" : "no such file";
    throw new StoreError("missing", `${operation} ${path}: ${reason}`);
  }

  #requireFolder(operation: string, folder: string): void {
    if (this.#tree.get(folder) === null) return;
    throw new StoreError("missing", `${operation} ${folder}: no such folder`);
  }

  #info(path: string): FileInfo {
    const inode = this.#tree.get(path);
    return {
      name: basename(path),
      isFolder: inode === null,
      sizeBytes: inode?.content.sizeBytes ?? 0,
      modifiedMs: inode?.modifiedMs ?? 0,
    };
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? 0;
  }

  #capacityBytes(): number {
    return this.#options.capacityBytes ?? 64 * GiB;
  }
}

class ShortWrite extends StoreError {}

function sharesName(left: NameChange, right: NameChange): boolean {
  return left.names.some((name) => right.names.includes(name));
}

function isIn(folder: string, path: string): boolean {
  return path !== "/" && dirname(path) === folder;
}

function isReachable(tree: Tree, path: string): boolean {
  for (let parent = path; parent !== "/"; ) {
    parent = dirname(parent);
    if (tree.get(parent) !== null) return false;
  }
  return true;
}

/** None, all, the first few, or each by chance: file systems differ in what they promise. */
function survivingChanges(changes: readonly NameChange[], random: Random): readonly NameChange[] {
  const mode = Math.floor(random.fraction() * 4);
  if (mode === 0) return [];
  if (mode === 1) return changes;
  if (mode === 2) return changes.slice(0, Math.floor(random.fraction() * (changes.length + 1)));
  return changes.filter(() => random.fraction() < 0.5);
}
