import { StoreError } from "#base";
import type { Files } from "./files.ts";

/** `files` as one process sees them: nothing it still does after its end reaches the disk. */
export function processFiles(files: Files, isAlive: () => boolean): Files {
  const alive = async <T>(run: () => Promise<T>): Promise<T> => {
    if (!isAlive()) throw new StoreError("unavailable", "/: this process ended in a crash");
    return run();
  };
  return {
    open: (path, options) => alive(() => files.open(path, options)),
    read: (path, range) => alive(() => files.read(path, range)),
    list: (folder) => alive(() => files.list(folder)),
    stat: (path) => alive(() => files.stat(path)),
    rename: (from, to) => alive(() => files.rename(from, to)),
    remove: (path) => alive(() => files.remove(path)),
    removeFolder: (folder) => alive(() => files.removeFolder(folder)),
    makeFolder: (folder) => alive(() => files.makeFolder(folder)),
    syncFolder: (folder) => alive(() => files.syncFolder(folder)),
    lock: (path) => alive(() => files.lock(path)),
    freeBytes: (folder) => alive(() => files.freeBytes(folder)),
  };
}
