/**
 * Unpacked index files on local disk, so that a restart need not fetch and unpack them again. Only
 * a cache: each file ends in a CRC-32C of what comes before, one that is missing or damaged is
 * fetched anew, and a disk that fails costs speed, never an answer.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { isStoreError, watchCache, type CacheFigures } from "#base";
import { crc32c } from "#lokichunk";
import type { Files } from "#world";

export interface IndexFolderOptions {
  readonly files: Files;
  readonly folder: string;
  readonly bytesMax: number;
}

export class IndexFolder {
  readonly #options: IndexFolderOptions;
  /** Bytes by name, what was used last at the end. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;
  #opened: Promise<void> | undefined;

  constructor(options: IndexFolderOptions) {
    this.#options = options;
    watchCache("loki_index_files", this, (one) => one.#keptFigures);
  }

  get #keptFigures(): CacheFigures {
    return { entries: this.#sizes.size, bytes: this.#bytes };
  }

  async get(key: string): Promise<Buffer | undefined> {
    await this.#open();
    const name = nameOf(key);
    const sizeBytes = this.#sizes.get(name);
    if (sizeBytes === undefined) return undefined;
    this.#note(name, sizeBytes);
    try {
      const stored = await this.#options.files.read(join(this.#options.folder, name));
      const bytes = stored.subarray(0, Math.max(0, stored.length - crcBytes));
      if (crcOf(bytes).equals(stored.subarray(bytes.length))) return bytes;
      await this.#remove(name);
      return undefined;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      await this.#remove(name);
      return undefined;
    }
  }

  async put(key: string, bytes: Buffer): Promise<void> {
    await this.#open();
    const { files, folder, bytesMax } = this.#options;
    if (bytes.length > bytesMax) return;
    const name = nameOf(key);
    const path = join(folder, name);
    try {
      await this.#write(`${path}.part`, bytes);
      await files.rename(`${path}.part`, path);
      this.#note(name, bytes.length);
      await this.#shrink();
    } catch (error) {
      if (!isStoreError(error)) throw error;
    }
  }

  async forget(key: string): Promise<void> {
    await this.#open();
    await this.#remove(nameOf(key));
  }

  async #write(path: string, bytes: Buffer): Promise<void> {
    await using file = await this.#options.files.open(path, { create: true, exclusive: false });
    await file.truncate(0);
    await file.write([bytes, crcOf(bytes)], 0);
  }

  async #open(): Promise<void> {
    this.#opened ??= this.#readFolder();
    await this.#opened;
  }

  async #readFolder(): Promise<void> {
    const { files, folder } = this.#options;
    try {
      await files.makeFolder(folder);
      const found = (await files.list(folder)).filter(({ name }) => name.endsWith(".tsdb"));
      found.sort((a, b) => a.modifiedMs - b.modifiedMs);
      for (const { name, sizeBytes } of found) this.#note(name, sizeBytes);
      await this.#shrink();
    } catch (error) {
      if (!isStoreError(error)) throw error;
    }
  }

  #note(name: string, sizeBytes: number): void {
    this.#drop(name);
    this.#sizes.set(name, sizeBytes);
    this.#bytes += sizeBytes;
  }

  #drop(name: string): void {
    this.#bytes -= this.#sizes.get(name) ?? 0;
    this.#sizes.delete(name);
  }

  async #shrink(): Promise<void> {
    for (const name of this.#sizes.keys()) {
      if (this.#bytes <= this.#options.bytesMax) return;
      await this.#remove(name);
    }
  }

  async #remove(name: string): Promise<void> {
    this.#drop(name);
    try {
      await this.#options.files.remove(join(this.#options.folder, name));
    } catch (error) {
      if (!isStoreError(error)) throw error;
    }
  }
}

const crcBytes = 4;

function crcOf(bytes: Buffer): Buffer {
  const crc = Buffer.alloc(crcBytes);
  crc.writeUInt32BE(crc32c(bytes));
  return crc;
}

function nameOf(key: string): string {
  return `${createHash("sha256").update(key).digest("hex").slice(0, 40)}.tsdb`;
}
