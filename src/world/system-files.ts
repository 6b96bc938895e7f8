import { type FileHandle as NodeHandle, mkdir, open, readdir } from "node:fs/promises";
import { rename, rmdir, stat, statfs, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { isStoreError, MiB, StoreError } from "#base";
import { compareBytes } from "./compare-bytes.ts";
import { fileError, hasCode } from "./file-errors.ts";
import type { FileHandle, FileInfo, Files, OpenOptions } from "./files.ts";
import { isHeldLock, lockFile } from "./system-lock.ts";

/** Stats under way at once while listing: enough to fill the four threads of libuv's pool. */
const statsInFlightMax = 32;

async function attempt<T>(operation: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw fileError(operation, path, error);
  }
}

async function readFully(handle: NodeHandle, range: { from: number; to: number }): Promise<Buffer> {
  const target = Buffer.allocUnsafeSlow(Math.max(0, range.to - range.from));
  let filled = 0;
  while (filled < target.length) {
    const position = range.from + filled;
    const { bytesRead } = await handle.read(target, filled, target.length - filled, position);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled === target.length ? target : target.subarray(0, filled);
}

/** `parts` without their first `skipBytes` bytes. */
export function dropBytes(parts: readonly Uint8Array[], skipBytes: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skip = skipBytes;
  for (const part of parts) {
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    rest.push(skip > 0 ? part.subarray(skip) : part);
    skip = 0;
  }
  return rest;
}

class SystemFile implements FileHandle {
  readonly #handle: NodeHandle;
  readonly #path: string;
  #isClosed = false;

  constructor(handle: NodeHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  write(parts: readonly Uint8Array[], offset: number): Promise<void> {
    return attempt("write", this.#path, async () => {
      let left = 0;
      for (const part of parts) left += part.length;
      let rest: readonly Uint8Array[] = parts;
      let position = offset;
      while (left > 0) {
        const { bytesWritten } = await this.#handle.writev(rest, position);
        if (bytesWritten === 0) throw new StoreError("unavailable", `write ${this.#path}: stuck`);
        left -= bytesWritten;
        position += bytesWritten;
        if (left > 0) rest = dropBytes(rest, bytesWritten);
      }
    });
  }

  read(range: { from: number; to: number }): Promise<Buffer> {
    return attempt("read", this.#path, () => readFully(this.#handle, range));
  }

  sizeBytes(): Promise<number> {
    return attempt("stat", this.#path, async () => (await this.#handle.stat()).size);
  }

  truncate(sizeBytes: number): Promise<void> {
    return attempt("truncate", this.#path, () => this.#handle.truncate(sizeBytes));
  }

  sync(): Promise<void> {
    return attempt("sync", this.#path, () => this.#handle.datasync());
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await attempt("close", this.#path, () => this.#handle.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function refuseHeldLock(operation: string, path: string): void {
  if (isHeldLock(path)) throw new StoreError("denied", `${operation} ${path}: is a held lock`);
}

async function openFile(path: string, options: OpenOptions): Promise<FileHandle> {
  refuseHeldLock("open", path);
  return attempt("open", path, async () => {
    if (options.exclusive) return new SystemFile(await open(path, "wx+"), path);
    try {
      return new SystemFile(await open(path, "r+"), path);
    } catch (error) {
      if (!options.create || !hasCode(error, "ENOENT")) throw error;
    }
    // Another caller may have made it meanwhile: "a+" would do, but ignores write positions.
    try {
      return new SystemFile(await open(path, "wx+"), path);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      return new SystemFile(await open(path, "r+"), path);
    }
  });
}

/** A range up to this is read without asking how large the file is: memory for it is taken first. */
const unmeasuredBytesMax: number = 8 * MiB;

async function readFile(path: string, range?: { from: number; to: number }): Promise<Buffer> {
  refuseHeldLock("read", path);
  return attempt("read", path, async () => {
    const handle = await open(path, "r");
    try {
      if (range !== undefined && range.to - range.from <= unmeasuredBytesMax) {
        return await readFully(handle, range);
      }
      const sizeBytes = (await handle.stat()).size;
      const to = range === undefined ? sizeBytes : Math.min(range.to, sizeBytes);
      return await readFully(handle, { from: range?.from ?? 0, to });
    } finally {
      // Nobody has to wait for it, and of a file that was only read nothing is lost by it.
      handle.close().catch(() => undefined);
    }
  });
}

async function infoOf(path: string): Promise<FileInfo> {
  const stats = await attempt("stat", path, () => stat(path));
  return {
    name: basename(path),
    isFolder: stats.isDirectory(),
    sizeBytes: stats.isDirectory() ? 0 : stats.size,
    modifiedMs: Math.floor(stats.mtimeMs),
  };
}

async function listFolder(folder: string): Promise<FileInfo[]> {
  const names = await attempt("list", folder, () => readdir(folder));
  names.sort(compareBytes);
  const infos: (FileInfo | undefined)[] = Array.from({ length: names.length });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < names.length) {
      const index = next++;
      try {
        infos[index] = await infoOf(join(folder, names[index]!));
      } catch (error) {
        // Removed between the two calls (or a link to nothing): it is not in the folder.
        if (!isStoreError(error, "missing")) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(statsInFlightMax, names.length) }, worker));
  return infos.filter((info) => info !== undefined);
}

async function removeFolder(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOTEMPTY", "EEXIST", "ENOENT")) return false;
    throw fileError("remove folder", folder, error);
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw fileError("remove", path, error);
  }
}

async function syncFolder(folder: string): Promise<void> {
  await attempt("sync folder", folder, async () => {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

async function freeBytes(folder: string): Promise<number> {
  const stats = await attempt("statfs", folder, () => statfs(folder));
  return stats.bavail * stats.bsize;
}

/** The disk of this machine. */
export const systemFiles: Files = {
  open: openFile,
  read: readFile,
  list: listFolder,
  stat: infoOf,
  rename: (from, to) => attempt("rename", `${from} to ${to}`, () => rename(from, to)),
  remove: removeFile,
  removeFolder,
  makeFolder: async (folder) => {
    await attempt("make folder", folder, () => mkdir(folder, { recursive: true }));
  },
  syncFolder,
  lock: async (path) => lockFile(path),
  freeBytes,
};
