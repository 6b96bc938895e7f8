import { join } from "node:path";
import { countRefused, isStoreError, MiB, messageOf, watchQueue, type QueueFigures } from "#base";
import type { Files } from "#world";

/** Pieces that wait to be written; when the disk is slower than that, some are only in memory. */
const waitingBytesMax: number = 32 * MiB;

/** A file takes a place in memory and a name in the folder, whatever its size. */
const fileCountMax = 50_000;

const nameShape = /^[0-9a-f]{40}$/;
const temporary = ".tmp";

export interface PieceFolderOptions {
  readonly files: Files;
  /** Belongs to this cache alone; made when missing. Everything in it may be deleted at any time. */
  readonly folder: string;
  readonly bytesMax: number;
  /** Writing failed; the piece is not kept. */
  readonly onFailure: (reason: string) => void;
}

/**
 * A bounded folder of files that are written once: what was used least recently goes first. Nothing
 * is synced: a file that a power cut spoils is found out by its checksum, which is the reader's
 * business. Writes happen one after the other behind the caller's back; `close` waits for them.
 */
export class PieceFolder {
  readonly #options: PieceFolderOptions;
  /** Sizes by name, least recently used first. */
  readonly #sizes = new Map<string, number>();
  readonly #waiting = new Map<string, Buffer>();
  #bytes = 0;
  #waitingBytes = 0;
  #work: Promise<void> | undefined;
  #isClosed = false;

  private constructor(options: PieceFolderOptions) {
    this.#options = options;
    watchQueue("results_to_disk", this, (one) => one.#waitingFigures);
  }

  get #waitingFigures(): QueueFigures {
    return { length: this.#waiting.size, bytes: this.#waitingBytes };
  }

  /** Finds what an earlier process left, oldest first. Throws StoreError. */
  static async open(options: PieceFolderOptions): Promise<PieceFolder> {
    const { files, folder } = options;
    const opened = new PieceFolder(options);
    await files.makeFolder(folder);
    const found = await files.list(folder);
    found.sort((a, b) => a.modifiedMs - b.modifiedMs);
    for (const { name, sizeBytes, isFolder } of found) {
      if (isFolder) continue;
      if (nameShape.test(name)) opened.#remember(name, sizeBytes);
      else if (name.endsWith(temporary)) await files.remove(join(folder, name));
    }
    await opened.#shrink();
    return opened;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#sizes.size;
  }

  /** Undefined when there is none, or it cannot be read. */
  async get(name: string): Promise<Buffer | undefined> {
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) return waiting;
    const size = this.#sizes.get(name);
    if (size === undefined) return undefined;
    this.#remember(name, size);
    try {
      return await this.#options.files.read(this.#pathOf(name));
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#options.onFailure(messageOf(error));
      this.#forget(name);
      return undefined;
    }
  }

  /** Keeps `bytes`, which nobody may change, some time soon. */
  put(name: string, bytes: Buffer): void {
    if (this.#isClosed || bytes.length > this.#options.bytesMax) return;
    if (this.#waitingBytes + bytes.length > waitingBytesMax) {
      countRefused("results_to_disk");
      return;
    }
    this.#waitingBytes += bytes.length - (this.#waiting.get(name)?.length ?? 0);
    this.#waiting.set(name, bytes);
    this.#work ??= this.#writeAll();
  }

  /** Removes a file that is of no use. */
  async remove(name: string): Promise<void> {
    if (!this.#forget(name)) return;
    try {
      await this.#options.files.remove(this.#pathOf(name));
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#options.onFailure(messageOf(error));
    }
  }

  /** Takes nothing more and waits for what is being written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      const [name, bytes] = next;
      try {
        await this.#write(name, bytes);
      } catch (error) {
        this.#options.onFailure(messageOf(error));
      }
      // Another may have taken its place meanwhile.
      if (this.#waiting.get(name) !== bytes) continue;
      this.#waiting.delete(name);
      this.#waitingBytes -= bytes.length;
    }
    this.#work = undefined;
  }

  async #write(name: string, bytes: Buffer): Promise<void> {
    const { files } = this.#options;
    const path = this.#pathOf(name);
    {
      await using file = await files.open(path + temporary, { create: true, exclusive: false });
      await file.truncate(0);
      await file.write([bytes], 0);
    }
    await files.rename(path + temporary, path);
    this.#remember(name, bytes.length);
    await this.#shrink();
  }

  async #shrink(): Promise<void> {
    while (this.#bytes > this.#options.bytesMax || this.#sizes.size > fileCountMax) {
      const [oldest] = this.#sizes.keys();
      if (oldest === undefined) return;
      await this.remove(oldest);
    }
  }

  #remember(name: string, sizeBytes: number): void {
    this.#forget(name);
    this.#sizes.set(name, sizeBytes);
    this.#bytes += sizeBytes;
  }

  #forget(name: string): boolean {
    const size = this.#sizes.get(name);
    if (size === undefined) return false;
    this.#sizes.delete(name);
    this.#bytes -= size;
    return true;
  }

  #pathOf(name: string): string {
    return join(this.#options.folder, name);
  }
}
