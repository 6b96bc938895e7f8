/**
 * The disk as a parameter. Every method rejects with StoreError: `missing` (ENOENT), `full`
 * (ENOSPC, EDQUOT), `denied` (EACCES, EPERM, EROFS), else `unavailable`; the message names the
 * path. Paths are absolute.
 */
export interface Files {
  /**
   * Opens for reading and writing; with `create`, makes the file when missing; with `exclusive` it
   * must be missing.
   */
  open(path: string, options: OpenOptions): Promise<FileHandle>;
  /** The whole file, or bytes [from, to) of it; a range past the end gives what there is. */
  read(path: string, range?: { from: number; to: number }): Promise<Buffer>;
  /** Names in a folder, sorted by bytes; `missing` when there is no such folder. */
  list(folder: string): Promise<FileInfo[]>;
  stat(path: string): Promise<FileInfo>;
  /**
   * Replaces `to`. Durable only after `syncFolder` of the folder (of both folders when they
   * differ).
   */
  rename(from: string, to: string): Promise<void>;
  /** No error when missing. Durable only after `syncFolder`. */
  remove(path: string): Promise<void>;
  /** Removes an empty folder; false when it is not empty or missing. */
  removeFolder(folder: string): Promise<boolean>;
  /** With parents; no error when there. Durable only after `syncFolder` of the parents. */
  makeFolder(folder: string): Promise<void>;
  /** Makes creations, renames and removals in this folder survive a power cut. */
  syncFolder(folder: string): Promise<void>;
  /** Takes an exclusive lock that ends with the process; `denied` when another process holds it. */
  lock(path: string): Promise<AsyncDisposable>;
  /** Bytes that can still be written below this folder. */
  freeBytes(folder: string): Promise<number>;
}

export interface OpenOptions {
  readonly create: boolean;
  readonly exclusive: boolean;
}

export interface FileInfo {
  readonly name: string;
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** An open file. Close it with `await using` or `close()`. Not safe for concurrent writes. */
export interface FileHandle extends AsyncDisposable {
  /**
   * Writes all of `parts` in order at `offset`; a short write is continued until done or failed.
   */
  write(parts: readonly Uint8Array[], offset: number): Promise<void>;
  read(range: { from: number; to: number }): Promise<Buffer>;
  sizeBytes(): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  /** fdatasync: content and size survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
