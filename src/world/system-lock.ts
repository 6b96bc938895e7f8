/**
 * An exclusive lock on a path that ends with the process, however it ends.
 *
 * Node has no flock. SQLite, which is built into Node, takes POSIX record locks: the kernel keeps
 * them per file (so they hold across containers that share a volume, unlike a socket name or a
 * process number), and drops them when the process dies (so nothing stale is left). The lock is an
 * open exclusive transaction on an empty database; nothing is ever written to the file.
 *
 * The kernel also drops a POSIX lock when the same process closes any other descriptor of the file.
 * Therefore `isHeldLock` lets the other functions of this room refuse to open a held lock file.
 */
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf, StoreError } from "#base";

const heldPaths = new Set<string>();

/** SQLite's result code for "another connection has the lock". */
const sqliteBusy = 5;

export function isHeldLock(path: string): boolean {
  return heldPaths.size > 0 && heldPaths.has(resolve(path));
}

/**
 * Rejects with `denied` when this or another process holds it, `unavailable` for other failures.
 */
export function lockFile(path: string): AsyncDisposable {
  const held = resolve(path);
  if (heldPaths.has(held)) throw new StoreError("denied", `lock ${path}: held by this process`);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(held, { timeout: 0 });
    database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    const isBusy = error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
    throw isBusy
      ? new StoreError("denied", `lock ${path}: held by another process`, { cause: error })
      : new StoreError("unavailable", `lock ${path}: ${messageOf(error)}`, { cause: error });
  }
  heldPaths.add(held);
  const owned = database;
  return {
    [Symbol.asyncDispose]: async (): Promise<void> => {
      if (!owned.isOpen) return;
      heldPaths.delete(held);
      owned.close();
    },
  };
}
