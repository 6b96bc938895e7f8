import type { ObjectBody } from "./object-body.ts";

/**
 * Where segments live: a flat map of keys to immutable objects. Keys are relative, `/`-separated,
 * without `.` or `..` parts, of printable ASCII. Rejections are StoreError (`missing`, `denied`,
 * `full`, `unavailable`).
 */
export interface ObjectStore {
  /** A short name for logs and errors: `filesystem /data/chunks`, `s3 bucket`. No secrets. */
  readonly name: string;
  /**
   * The whole object or bytes [from, to); a range past the end gives what there is; `missing` when
   * not there.
   */
  get(key: string, options?: GetOptions): Promise<Buffer>;
  /**
   * Atomic and durable when resolved: readers see nothing or all of it. Replaces an object of the
   * same key.
   */
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void>;
  /** No error when missing. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /**
   * All objects whose key starts with `prefix`, in byte order of keys. Sees every put that was
   * resolved before.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;
  /** Undefined when missing. */
  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>;
  /**
   * The distinct next key parts after `prefix` (which is empty or ends in `/`), without the `/`,
   * sorted.
   */
  listFolders(prefix: string, options?: CallOptions): Promise<string[]>;
}

export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface GetOptions extends CallOptions {
  readonly range?: { readonly from: number; readonly to: number };
  /** The caller gives the answer's buffer away, if it has one to itself: nobody else may hold it. */
  readonly isOwn?: boolean;
}

export interface PutOptions extends CallOptions {
  /**
   * Nobody reads the body once the put has succeeded: a store that is done with it gives large buffers back. One that
   * may have given up an earlier try does not, nor does a layer that may fail after the store succeeded let it.
   */
  readonly isBodySpent?: boolean;
}

export interface ListOptions extends CallOptions {
  /** Only keys after this one. */
  readonly startAfter?: string;
}
